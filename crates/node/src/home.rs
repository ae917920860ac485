//! The data directory: what is where, and that one process at a time works in it.
//!
//! `config.toml`, `identity.key`, `kith.db`, `blobs/`, `partial/` and `kith.sock` live in one directory, readable by its
//! owner alone. An introducer has a directory of its own, told by its `registry.db`: its line holds the key of its public face, by which
//! all who use the line would know whose node else uses the same `identity.key`. Whoever runs a node there holds the lock on `kith.lock`; the system releases it when the process ends,
//! however it ends. The file also says which process that is, for the error the next one gives.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::durable;

/// What a lock file holds at most, in bytes: a decimal process id of 64 bits.
const LOCK_BYTES_MAX: u64 = 20;

/// Where a node keeps everything. Only a name: nothing is created or locked before [`Home::open`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    directory: PathBuf,
}

/// Whose node works in a data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Somebody with contacts.
    Person,
    /// An introducer.
    Introducer,
}

/// The right to work in a data directory, until it is dropped or the process ends.
#[derive(Debug)]
pub struct HomeLock {
    // Locked as long as it is open.
    _file: File,
}

/// Why a data directory cannot be used. Each names the directory and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HomeError {
    /// The system names no place for data, which happens when there is no home directory.
    #[error("there is no default data directory here; name one with --data DIR")]
    NoDefault,
    /// The path leads to or through something else.
    #[error("{path} is not a directory; name another with --data DIR")]
    NotADirectory {
        /// The data directory.
        path: PathBuf,
    },
    /// It may be read, but not written.
    #[error(
        "the data directory {path} cannot be written: it is read-only or belongs to someone else; \
         change that, or name another with --data DIR"
    )]
    ReadOnly {
        /// The data directory.
        path: PathBuf,
    },
    /// The disk is full, or a quota used up.
    #[error("there is no space left for the data directory {path}; make some and try again")]
    NoSpace {
        /// The data directory.
        path: PathBuf,
    },
    /// Another process works there.
    #[error(
        "the data directory {path} is in use by {}; stop it, or name another with --data DIR",
        holder(*.process)
    )]
    InUse {
        /// The data directory.
        path: PathBuf,
        /// The process that holds the lock; `None` where it could not be told.
        process: Option<u64>,
    },
    /// It is an introducer's, and a person's node was to use it.
    #[error(
        "the data directory {path} is an introducer's, whose key everybody knows who uses it; \
         name another with --data DIR"
    )]
    Introducers {
        /// The data directory.
        path: PathBuf,
    },
    /// It is a person's, and an introducer was to use it.
    #[error(
        "the data directory {path} is a person's: an introducer there would make their key known to everybody who \
         uses it; name another with --data DIR"
    )]
    Persons {
        /// The data directory.
        path: PathBuf,
    },
    /// Anything else.
    #[error("the data directory {path} cannot be used: {source}")]
    Io {
        /// The data directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Home {
    /// The data directory at `directory`.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
        }
    }

    /// The platform's place for a program's data: `~/.local/share/kith` on Linux, and `~/.local/share/kith-introducer` for an
    /// introducer.
    ///
    /// # Errors
    /// [`HomeError::NoDefault`].
    pub fn platform_default(owner: Owner) -> Result<Self, HomeError> {
        let program = match owner {
            Owner::Person => "kith",
            Owner::Introducer => "kith-introducer",
        };
        directories::ProjectDirs::from("", "", program)
            .map(|places| Self::at(places.data_dir()))
            .ok_or(HomeError::NoDefault)
    }

    /// Creates what is missing of the directory (0700) and locks it for this process.
    ///
    /// # Errors
    /// [`HomeError`]; in every case nothing that was there has changed.
    pub fn open(&self) -> Result<HomeLock, HomeError> {
        for directory in [self.directory.clone(), self.blobs(), self.partial()] {
            create_private(&directory).map_err(|error| explain(&self.directory, error))?;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(self.lock_file())
            .map_err(|error| explain(&self.directory, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(HomeError::InUse {
                    path: self.directory.clone(),
                    process: read_process(&mut file),
                });
            }
            Err(TryLockError::Error(error)) => return Err(explain(&self.directory, error)),
        }
        write_process(&mut file).map_err(|error| explain(&self.directory, error))?;
        Ok(HomeLock { _file: file })
    }

    /// Makes the directory this owner's where it is nobody's yet, before there are keys in it; to be called under its lock.
    ///
    /// # Errors
    /// [`HomeError::Introducers`], [`HomeError::Persons`] where it is the other's; whatever the system says. Nothing that was
    /// there has changed.
    pub fn take_for(&self, owner: Owner) -> Result<(), HomeError> {
        self.check_for(owner)?;
        match owner {
            // SQLite takes an empty file for a database without tables.
            Owner::Introducer if !self.registry().exists() => {
                durable::create_new(&self.registry(), b"")
                    .map_err(|error| explain(&self.directory, error))
            }
            Owner::Person | Owner::Introducer => Ok(()),
        }
    }

    /// Whether the directory can be this owner's, as far as that is known without its lock: also while the other's node runs in it.
    ///
    /// # Errors
    /// [`HomeError::Introducers`], [`HomeError::Persons`] where it is the other's.
    pub fn check_for(&self, owner: Owner) -> Result<(), HomeError> {
        let path = self.directory.clone();
        // In this order: an introducer that starts has its registry before it has a key.
        let has_key = self.identity_key().exists();
        let is_introducers = self.registry().exists();
        match owner {
            Owner::Person if is_introducers => Err(HomeError::Introducers { path }),
            Owner::Introducer if !is_introducers && has_key => Err(HomeError::Persons { path }),
            Owner::Person | Owner::Introducer => Ok(()),
        }
    }

    /// Whether this folder is the data directory of some node, whoever's: it has keys, which nobody means to give away with a folder around it.
    pub(crate) fn is_one(folder: &Path) -> bool {
        let home = Self {
            directory: folder.to_owned(),
        };
        home.identity_key().exists() || home.registry().exists()
    }

    /// The directory itself.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The settings, written by people.
    pub fn config(&self) -> PathBuf {
        self.directory.join("config.toml")
    }

    /// The secret keys.
    pub fn identity_key(&self) -> PathBuf {
        self.directory.join("identity.key")
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.directory.join("kith.db")
    }

    /// An introducer's database of records.
    pub fn registry(&self) -> PathBuf {
        self.directory.join("registry.db")
    }

    /// What was fetched and is complete.
    pub fn blobs(&self) -> PathBuf {
        self.directory.join("blobs")
    }

    /// What was read of others' shares without being fetched.
    pub fn partial(&self) -> PathBuf {
        self.directory.join("partial")
    }

    /// The socket of the local API.
    pub fn socket(&self) -> PathBuf {
        self.directory.join("kith.sock")
    }

    /// The folders of albums that were made in the app.
    pub fn albums(&self) -> PathBuf {
        self.directory.join("albums")
    }

    /// Small pictures of pictures, made here and given by others.
    pub fn previews(&self) -> PathBuf {
        self.directory.join("previews")
    }

    fn lock_file(&self) -> PathBuf {
        self.directory.join("kith.lock")
    }
}

/// Creates `directory` and what leads there, for the owner alone. One that exists keeps its permissions.
fn create_private(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)?;
    // `create` is content with a file's name in some cases; what is needed is a directory.
    if fs::metadata(directory)?.is_dir() {
        Ok(())
    } else {
        Err(io::ErrorKind::NotADirectory.into())
    }
}

/// Notes this process in its lock file. Not made durable: after a power cut nobody holds the lock.
fn write_process(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(std::process::id().to_string().as_bytes())
}

/// The process noted in a lock file.
fn read_process(file: &mut File) -> Option<u64> {
    let mut text = String::new();
    file.take(LOCK_BYTES_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Says what an error of the system means for the directory at `path`.
fn explain(path: &Path, source: io::Error) -> HomeError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            HomeError::ReadOnly { path }
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => HomeError::NoSpace { path },
        // A directory that cannot be created because a file has its name, or that name leads through a file.
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            HomeError::NotADirectory { path }
        }
        _ => HomeError::Io { path, source },
    }
}

/// How an error speaks of the process that holds the lock.
fn holder(process: Option<u64>) -> String {
    process.map_or_else(
        || "another process".to_owned(),
        |process| format!("process {process}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    /// Set for the process that holds a lock until its standard input ends.
    const HOLD: &str = "KITH_TEST_HOLD_DIRECTORY";

    #[test]
    fn a_second_process_is_told_who_holds_the_directory() {
        if let Some(directory) = std::env::var_os(HOLD) {
            let _lock = Home::at(directory).open().expect("free");
            // The libtest harness has written on this line already.
            writeln!(io::stdout(), "\nheld").expect("the parent reads");
            io::stdin().read_line(&mut String::new()).expect("ends");
            return;
        }
        let directory = tempfile::tempdir().expect("a place for files");
        let home = Home::at(directory.path());
        let name = "home::tests::a_second_process_is_told_who_holds_the_directory";
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args([name, "--exact", "--nocapture"])
            .env(HOLD, directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test runs");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let held = |line: io::Result<String>| line.expect("text") == "held";
        assert!(output.lines().any(held), "the child took the lock");

        let error = home.open().expect_err("the child holds it");
        let process = u64::from(child.id());
        assert!(
            matches!(&error, HomeError::InUse { path, process: Some(found) }
            if path == directory.path() && *found == process)
        );
        assert!(error.to_string().contains(&format!("process {process}")));

        child.kill().expect("running");
        child.wait().expect("killed");
        home.open().expect("the lock died with its holder");
    }

    #[test]
    fn one_process_opens_a_directory_once() {
        let directory = tempfile::tempdir().expect("a place for files");
        let home = Home::at(directory.path());
        let lock = home.open().expect("free");
        assert!(matches!(home.open(), Err(HomeError::InUse { .. })));
        drop(lock);
        home.open().expect("free again");
    }

    #[test]
    fn a_file_is_not_a_data_directory() {
        let file = tempfile::NamedTempFile::new().expect("a place for files");
        for path in [file.path().to_owned(), file.path().join("below")] {
            let error = Home::at(path).open().expect_err("a file");
            assert!(matches!(error, HomeError::NotADirectory { .. }), "{error}");
        }
    }

    // sysfs takes no new files from anybody, root included, whose rights would defeat a test with `chmod`.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_read_only_directory_is_one_clear_error() {
        for path in ["/sys/kernel", "/sys/kernel/kith"] {
            let error = Home::at(path).open().expect_err("read-only");
            assert!(matches!(error, HomeError::ReadOnly { .. }), "{error}");
            assert!(error.to_string().contains("/sys/kernel"));
        }
    }

    #[test]
    fn a_person_and_an_introducer_never_share_a_directory() {
        let place = tempfile::tempdir().expect("a place for files");
        let of = |name: &str| {
            let home = Home::at(place.path().join(name));
            let lock = home.open().expect("free");
            (home, lock)
        };
        let (hers, _lock) = of("person");
        hers.take_for(Owner::Person).expect("nobody's");
        fs::write(hers.identity_key(), "a key").expect("room");
        hers.take_for(Owner::Person).expect("hers still");
        let error = hers.take_for(Owner::Introducer).expect_err("hers");
        assert!(matches!(error, HomeError::Persons { .. }), "{error}");
        assert!(!hers.registry().exists());

        let (its, _lock) = of("introducer");
        its.take_for(Owner::Introducer).expect("nobody's");
        // Also when it stopped before it had a key.
        let error = its.take_for(Owner::Person).expect_err("an introducer's");
        assert!(matches!(error, HomeError::Introducers { .. }), "{error}");
        fs::write(its.identity_key(), "a key").expect("room");
        its.take_for(Owner::Introducer).expect("its own still");
    }

    #[test]
    fn a_full_disk_is_named_as_such() {
        let error = explain(Path::new("d"), io::ErrorKind::StorageFull.into());
        assert!(matches!(error, HomeError::NoSpace { .. }));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_look_into_a_new_directory() {
        use std::os::unix::fs::PermissionsExt as _;
        let parent = tempfile::tempdir().expect("a place for files");
        let home = Home::at(parent.path().join("a/b"));
        let _lock = home.open().expect("free");
        for directory in [home.directory().to_owned(), home.blobs(), home.partial()] {
            let mode = fs::metadata(&directory).expect("made").permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{directory:?}");
        }
    }
}
