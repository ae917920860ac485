//! `identity.key`: the two secrets that make a node the one its contacts know.
//!
//! One line of text, `identitykey1…`: Bech32m, so that a damaged file is an error and never another identity. It is
//! created once, whole or not at all, and never overwritten. Whoever reads it is this peer, so a file that others on the
//! machine can read is refused. The contact face's key is not in it: it changes with each start.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use kith_core::codec::{self, Wire};
use kith_core::crypto::SecretKey;
use kith_core::text::{self, TextError};
use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{durable, entropy};

/// What the line begins with, before the `1`.
pub const PREFIX: &str = "identitykey";

/// Which version of the format this is.
const VERSION: u8 = 1;

/// The most of a key file that is read, in bytes: twenty times its size, so that a wrong file is noticed and not loaded.
const FILE_BYTES_MAX: u64 = 4096;

/// The secrets of a node. Wiped when dropped, never printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Whose node it is: its public half is the [`PeerId`](kith_core::ids::PeerId).
    pub identity: SecretKey,
    /// The public face's TLS key, which stays.
    pub public_device: SecretKey,
}

/// Why there are no keys to be had from a file, or none could be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyfileError {
    /// There is no such file: this is a new node.
    #[error("there is no {path}")]
    Missing {
        /// The key file.
        path: PathBuf,
    },
    /// There is a key already, which nothing overwrites.
    #[error("{path} holds an identity already; move it away first if another shall take its place")]
    Exists {
        /// The key file.
        path: PathBuf,
    },
    /// Others on this machine can read it, so it may not be secret any more.
    #[error("{path} can be read by others; run: chmod 600 {}", quoted(path))]
    Exposed {
        /// The key file.
        path: PathBuf,
    },
    /// Cut short, changed, or something else altogether.
    #[error("{path} is damaged: {reason}; restore it from an export or a backup")]
    Damaged {
        /// The key file.
        path: PathBuf,
        /// What is wrong with it.
        reason: TextError,
    },
    /// Written by a later version.
    #[error("{path} was made by a newer kith; update this one")]
    Newer {
        /// The key file.
        path: PathBuf,
    },
    /// It cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The key file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why a line holds no keys.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LineError {
    /// Cut short, changed, or something else altogether.
    #[error(transparent)]
    Damaged(TextError),
    /// Written by a later version.
    #[error("it was made by a newer kith; update this one")]
    Newer,
}

/// What the line holds. A later version may hold more, so the version is read on its own first.
#[derive(Encode, Decode)]
struct Content {
    #[n(0)]
    version: u8,
    #[n(1)]
    identity: ByteArray<32>,
    #[n(2)]
    public_device: ByteArray<32>,
}

impl Wire for Content {
    const BYTES_MAX: usize = 72;
}

impl Keys {
    /// Makes new keys from the system's randomness.
    pub fn generate() -> Self {
        Self {
            identity: SecretKey::from_bytes(entropy::seed()),
            public_device: SecretKey::from_bytes(entropy::seed()),
        }
    }

    /// Writes the keys to a new file at `path` (0600), durable on return.
    ///
    /// # Errors
    /// [`KeyfileError::Exists`] when there is one, which stays as it is; [`KeyfileError::Io`].
    pub fn create(&self, path: &Path) -> Result<(), KeyfileError> {
        let line = self.to_line();
        durable::create_new(path, line.as_bytes()).map_err(|source| {
            let path = path.to_owned();
            match source.kind() {
                io::ErrorKind::AlreadyExists => KeyfileError::Exists { path },
                _ => KeyfileError::Io { path, source },
            }
        })
    }

    /// Reads the keys from the file at `path`.
    ///
    /// # Errors
    /// [`KeyfileError`], every variant but `Exists`; [`KeyfileError::Missing`] is a new node's state and no failure.
    pub fn load(path: &Path) -> Result<Self, KeyfileError> {
        let io_error = |source: io::Error| {
            let path = path.to_owned();
            match source.kind() {
                io::ErrorKind::NotFound => KeyfileError::Missing { path },
                _ => KeyfileError::Io { path, source },
            }
        };
        let file = File::open(path).map_err(io_error)?;
        // Asked of the open file, not of the name, which could lead elsewhere a moment later.
        if is_exposed(&file).map_err(io_error)? {
            let path = path.to_owned();
            return Err(KeyfileError::Exposed { path });
        }
        let mut bytes = Zeroizing::new(Vec::new());
        file.take(FILE_BYTES_MAX)
            .read_to_end(&mut bytes)
            .map_err(io_error)?;
        Self::from_line(&bytes).map_err(|error| {
            let path = path.to_owned();
            match error {
                LineError::Newer => KeyfileError::Newer { path },
                LineError::Damaged(reason) => KeyfileError::Damaged { path, reason },
            }
        })
    }

    /// The line, ended.
    pub fn to_line(&self) -> Zeroizing<String> {
        let content = Content {
            version: VERSION,
            identity: (*self.identity.as_bytes()).into(),
            public_device: (*self.public_device.as_bytes()).into(),
        };
        let bytes = Zeroizing::new(codec::encode(&content));
        let mut line = Zeroizing::new(text::encode(PREFIX, &bytes));
        line.push('\n');
        line
    }

    /// Reads a line; blanks around it do not matter.
    ///
    /// # Errors
    /// [`LineError`].
    pub fn from_line(line: &[u8]) -> Result<Self, LineError> {
        let damaged = || LineError::Damaged(TextError::Damaged(PREFIX.to_owned()));
        let line = std::str::from_utf8(line).map_err(|_| damaged())?;
        let bytes = Zeroizing::new(text::decode(PREFIX, line).map_err(LineError::Damaged)?);
        if version_of(&bytes).is_some_and(|version| version > VERSION) {
            return Err(LineError::Newer);
        }
        let content: Content = codec::decode(&bytes).map_err(|_| damaged())?;
        if content.version != VERSION {
            return Err(damaged());
        }
        Ok(Self {
            identity: SecretKey::from_bytes(content.identity.into()),
            public_device: SecretKey::from_bytes(content.public_device.into()),
        })
    }
}

/// The version a format of any version begins with.
fn version_of(bytes: &[u8]) -> Option<u8> {
    let mut decoder = minicbor::Decoder::new(bytes);
    decoder.array().ok()?;
    decoder.u8().ok()
}

/// Whether anybody but the owner has any right to the file.
#[cfg(unix)]
fn is_exposed(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(file.metadata()?.permissions().mode() & 0o077 != 0)
}

/// Elsewhere a file in the user's profile is the user's by inheritance.
#[cfg(not(unix))]
fn is_exposed(_file: &File) -> io::Result<bool> {
    Ok(false)
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,@:".contains(c);
    let text = path.display().to_string();
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn keys() -> Keys {
        Keys {
            identity: SecretKey::from_bytes([1; 32]),
            public_device: SecretKey::from_bytes([2; 32]),
        }
    }

    fn place() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().expect("a place for files");
        let path = directory.path().join("identity.key");
        (directory, path)
    }

    /// Writes bytes where a key file belongs, with its permissions.
    fn put(path: &Path, bytes: &[u8]) {
        let _ = fs::remove_file(path);
        durable::create_new(path, bytes).expect("room on the disk");
    }

    #[test]
    fn keys_come_back_from_their_file() {
        let (_directory, path) = place();
        assert!(matches!(
            Keys::load(&path),
            Err(KeyfileError::Missing { .. })
        ));
        keys().create(&path).expect("nothing there yet");
        assert_eq!(Keys::load(&path).expect("ours"), keys());
    }

    #[test]
    fn generated_keys_differ_from_each_other() {
        let keys = Keys::generate();
        assert_ne!(keys.identity, keys.public_device);
        assert_ne!(keys, Keys::generate());
    }

    #[test]
    fn the_line_of_version_one_stays_readable() {
        let line = concat!(
            "identitykey1svq4sgqpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpq9v",
            "zqqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqsz7emdt8\n",
        );
        assert_eq!(*keys().to_line(), line);
        assert_eq!(Keys::from_line(line.as_bytes()), Ok(keys()));
    }

    #[test]
    fn an_existing_identity_is_never_overwritten() {
        let (_directory, path) = place();
        keys().create(&path).expect("nothing there yet");
        let error = Keys::generate().create(&path).expect_err("one is there");
        assert!(matches!(error, KeyfileError::Exists { .. }), "{error}");
        assert_eq!(Keys::load(&path).expect("untouched"), keys());
    }

    #[test]
    fn a_key_file_cut_short_anywhere_is_damaged_and_stays() {
        let (_directory, path) = place();
        let line = keys().to_line();
        for length in 0..line.len() - 1 {
            put(&path, &line.as_bytes()[..length]);
            let error = Keys::load(&path).expect_err("cut short");
            assert!(matches!(error, KeyfileError::Damaged { .. }), "{error}");
            assert_eq!(fs::read(&path).expect("stays").len(), length);
        }
    }

    #[test]
    fn a_changed_character_is_damage_and_not_another_identity() {
        let line = keys().to_line();
        for position in 0..line.len() - 1 {
            let mut changed = line.as_bytes().to_vec();
            changed[position] ^= 1;
            let error = Keys::from_line(&changed).expect_err("one bit off");
            assert!(matches!(error, LineError::Damaged(_)));
        }
    }

    #[test]
    fn a_key_file_of_a_newer_version_is_not_called_damaged() {
        let (_directory, path) = place();
        let newer = [0x84, 2, 0, 0, 0];
        put(&path, text::encode(PREFIX, &newer).as_bytes());
        let error = Keys::load(&path).expect_err("version 2");
        assert!(matches!(error, KeyfileError::Newer { .. }), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_key_others_can_read_is_refused_with_the_command_that_helps() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_directory, path) = place();
        keys().create(&path).expect("nothing there yet");
        for mode in [0o640, 0o604, 0o660, 0o601] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("ours");
            let error = Keys::load(&path).expect_err("exposed");
            assert!(matches!(error, KeyfileError::Exposed { .. }), "{mode:o}");
            let command = format!("chmod 600 {}", path.display());
            assert!(error.to_string().ends_with(&command), "{error}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("ours");
        Keys::load(&path).expect("private again");
    }

    #[test]
    fn a_command_quotes_paths_with_blanks() {
        assert_eq!(quoted(Path::new("/a/b.key")), "/a/b.key");
        assert_eq!(quoted(Path::new("/my data/it's")), r"'/my data/it'\''s'");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)
        ) {
            let _ = Keys::from_line(&bytes);
            let _ = Keys::from_line(text::encode(PREFIX, &bytes).as_bytes());
        }
    }
}
