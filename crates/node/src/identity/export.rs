//! The identity in a file one can carry: encrypted under a passphrase, in the `age` format.
//!
//! Any `age` program opens it (`age --decrypt`); inside is the line of [`identity.key`](super::keyfile). The passphrase
//! is stretched by scrypt (RFC 7914). Format: <https://age-encryption.org/v1>.

use age::DecryptError;
use age::scrypt::{Identity, Recipient};
use age::secrecy::SecretString;
use thiserror::Error;
use zeroize::Zeroizing;

use super::keyfile::{Keys, LineError};

/// How hard a passphrase is to try: scrypt with N = 2^18, about a second and 256 MiB each, which is what `age` itself uses.
const WORK_FACTOR: u8 = 18;

/// The hardest file tried, as scrypt's exponent: 1 GiB of memory. Whoever hands us a file chooses this number.
const WORK_FACTOR_MAX: u8 = 20;

/// The largest export read, in bytes: ten times one of ours. The rest of an `age` header would be other recipients'.
pub const EXPORT_BYTES_MAX: usize = 4096;

/// Why no keys came out of an export, or none went in.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// Anybody could open such a file.
    #[error("an identity is not exported without a passphrase")]
    NoPassphrase,
    /// Another passphrase was used for this file.
    #[error("the passphrase does not open this export")]
    WrongPassphrase,
    /// No export at all, or cut short, or changed.
    #[error("this is no export of a kith identity, or it is damaged")]
    Damaged,
    /// Opening it would take more memory than is sensible.
    #[error("this export asks for far more work than kith's own do; it was not made by kith")]
    TooMuchWork,
    /// Made by a later version.
    #[error("this export was made by a newer kith; update this one")]
    Newer,
    /// The encryption failed, for lack of memory or randomness.
    #[error("the identity could not be encrypted: {0}")]
    Encrypt(age::EncryptError),
}

/// Encrypts `keys` under `passphrase`. Takes about a second of processor time, and blocks.
///
/// # Errors
/// [`ExportError::NoPassphrase`], [`ExportError::Encrypt`].
pub fn export(keys: &Keys, passphrase: &str) -> Result<Vec<u8>, ExportError> {
    export_with(keys, passphrase, WORK_FACTOR)
}

/// Opens what [`export`] made. [`Keys::create`] then writes it, and refuses where an identity is already. Blocks for
/// about a second; at most four, for a file made to be hard.
///
/// # Errors
/// [`ExportError`], every variant but `Encrypt`.
pub fn import(bytes: &[u8], passphrase: &str) -> Result<Keys, ExportError> {
    if bytes.len() > EXPORT_BYTES_MAX {
        return Err(ExportError::Damaged);
    }
    let mut identity = Identity::new(SecretString::from(passphrase));
    identity.set_max_work_factor(WORK_FACTOR_MAX);
    let line = age::decrypt(&identity, bytes).map_err(|error| match error {
        DecryptError::DecryptionFailed
        | DecryptError::KeyDecryptionFailed
        | DecryptError::NoMatchingKeys => ExportError::WrongPassphrase,
        DecryptError::ExcessiveWork { .. } => ExportError::TooMuchWork,
        _ => ExportError::Damaged,
    })?;
    read(&Zeroizing::new(line))
}

/// The keys in an export that its passphrase has opened. Whoever hands us a file with a passphrase chooses what is inside.
///
/// # Errors
/// [`ExportError::Damaged`], [`ExportError::Newer`].
pub fn read(inside: &[u8]) -> Result<Keys, ExportError> {
    Keys::from_line(inside).map_err(|error| match error {
        LineError::Newer => ExportError::Newer,
        LineError::Damaged(_) => ExportError::Damaged,
    })
}

fn export_with(keys: &Keys, passphrase: &str, work_factor: u8) -> Result<Vec<u8>, ExportError> {
    if passphrase.is_empty() {
        return Err(ExportError::NoPassphrase);
    }
    let mut recipient = Recipient::new(SecretString::from(passphrase));
    recipient.set_work_factor(work_factor);
    age::encrypt(&recipient, keys.to_line().as_bytes()).map_err(ExportError::Encrypt)
}

#[cfg(test)]
mod tests {
    use kith_core::text;
    use proptest::prelude::*;

    use super::*;
    use crate::identity::keyfile::PREFIX;

    /// Enough for a test, and nothing for an attacker.
    const LITTLE_WORK: u8 = 2;

    fn sample() -> (Keys, Vec<u8>) {
        let keys = Keys::generate();
        let bytes = export_with(&keys, "correct horse", LITTLE_WORK).expect("a passphrase");
        (keys, bytes)
    }

    #[test]
    fn the_passphrase_brings_the_keys_back() {
        let (keys, bytes) = sample();
        assert!(bytes.len() < EXPORT_BYTES_MAX);
        assert_eq!(
            import(&bytes, "correct horse").expect("the right one"),
            keys
        );
    }

    #[test]
    fn another_passphrase_is_named_as_the_reason() {
        let (_, bytes) = sample();
        let error = import(&bytes, "wrong horse").expect_err("another one");
        assert!(matches!(error, ExportError::WrongPassphrase), "{error}");
    }

    #[test]
    fn an_export_needs_a_passphrase() {
        let error = export(&Keys::generate(), "").expect_err("none");
        assert!(matches!(error, ExportError::NoPassphrase));
    }

    #[test]
    fn a_damaged_export_never_gives_keys() {
        let (_, bytes) = sample();
        for length in [0, 10, bytes.len() / 2, bytes.len() - 1] {
            import(&bytes[..length], "correct horse").expect_err("cut short");
        }
        let last = bytes.len() - 1;
        for position in [0, last - 100, last] {
            let mut changed = bytes.clone();
            changed[position] ^= 1;
            import(&changed, "correct horse").expect_err("one bit off");
        }
        import(&[b'a'; EXPORT_BYTES_MAX + 1], "correct horse").expect_err("too long");
    }

    #[test]
    fn a_file_made_to_be_hard_is_refused_before_the_work() {
        let (_, bytes) = sample();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let header = text.split("\n---").next().expect("a header");
        let first = header.lines().nth(1).expect("a stanza");
        let hard = format!("{} 40", first.trim_end_matches(" 2"));
        let position = bytes
            .windows(first.len())
            .position(|window| window == first.as_bytes())
            .expect("taken from it");
        let after = &bytes[position + first.len()..];
        let changed = [&bytes[..position], hard.as_bytes(), after].concat();
        let error = import(&changed, "correct horse").expect_err("2^40");
        assert!(matches!(error, ExportError::TooMuchWork), "{error}");
    }

    #[test]
    fn an_export_of_something_else_is_no_identity() {
        let mut recipient = Recipient::new(SecretString::from("p"));
        recipient.set_work_factor(LITTLE_WORK);
        let bytes = age::encrypt(&recipient, b"a letter").expect("a passphrase");
        let error = import(&bytes, "p").expect_err("a letter");
        assert!(matches!(error, ExportError::Damaged), "{error}");
    }

    proptest! {
        #[test]
        fn whatever_is_inside_gives_keys_that_are_exported_again_or_is_said_to_be_no_export(
            line in any::<bool>(), inside in proptest::collection::vec(any::<u8>(), 0..128),
        ) {
            // No drawn bytes have a checksum.
            let line = line.then(|| text::encode(PREFIX, &inside).into_bytes());
            match read(&line.unwrap_or(inside)) {
                Ok(keys) => prop_assert_eq!(read(keys.to_line().as_bytes()).ok(), Some(keys)),
                Err(error) => prop_assert!(matches!(error, ExportError::Damaged | ExportError::Newer)),
            }
        }
    }
}
