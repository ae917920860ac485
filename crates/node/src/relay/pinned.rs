//! The TLS key of an introducer that is known by its pin, and the key that follows it.
//!
//! The key is made at the first start and kept in [`KEY_FILE`]. A change of keys begins with a second one in
//! [`NEXT_KEY_FILE`], whose first line says from when on it is shown; text before a PEM block is allowed (RFC 7468 §2). At
//! that time a running server shows it by itself, and the next start gives the file the place of the first.
//!
//! The key before goes to [`PREVIOUS_KEY_FILE`] and is shown to whoever names it until the next change: a node that was away
//! comes by its old line, and learns of the new one.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kith_core::discovery::NextPin;
use kith_core::ids::TlsPin;
use kith_core::introducer::{RELAY_SUFFIX, RelayName};
use kith_core::time::Time;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::tls_error::TlsError;
use crate::{clock, durable};

/// The file of the pinned key within the data directory: PKCS #8, PEM.
pub const KEY_FILE: &str = "introducer.key";

/// The file of the key that follows, with a first line that says when.
pub const NEXT_KEY_FILE: &str = "introducer.next.key";

/// The file of the key before.
pub const PREVIOUS_KEY_FILE: &str = "introducer.previous.key";

/// What the first line of [`NEXT_KEY_FILE`] begins with; the time follows in milliseconds since 1970, UTC.
const FROM: &str = "shown-from: ";

/// A key, or two.
#[derive(Debug)]
pub(super) struct PinnedKeys {
    /// The pin of the key that is shown now.
    pub(super) pin: TlsPin,
    /// The one that follows.
    pub(super) next: Option<NextPin>,
    now: Arc<CertifiedKey>,
    then: Option<Arc<CertifiedKey>>,
    before: Option<(TlsPin, Arc<CertifiedKey>)>,
}

impl PinnedKeys {
    /// Reads what `data` keeps, and makes what is missing: a key, and with `change_after` the one that follows it, unless a
    /// change is under way.
    pub(super) fn load(data: &Path, change_after: Option<Duration>) -> Result<Self, TlsError> {
        let (path, next_path) = (data.join(KEY_FILE), data.join(NEXT_KEY_FILE));
        let previous_path = data.join(PREVIOUS_KEY_FILE);
        let now = clock::now();
        let mut next = read_next(&next_path)?;
        if next.as_ref().is_some_and(|(_, from)| *from <= now) {
            // Where there is no key any more, there is none to keep.
            let kept = match std::fs::rename(&path, &previous_path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
            kept.and_then(|()| std::fs::rename(&next_path, &path))
                .and_then(|()| durable::sync_directory(data))
                .map_err(|source| TlsError::file(&path, source))?;
            next = None;
        }
        let key = match read_key(&path)? {
            Some(key) => key,
            None => make_key(&path, "")?,
        };
        if let (None, Some(span)) = (&next, change_after) {
            let from = now + span;
            next = Some((make_key(&next_path, &format!("{FROM}{}\n", from.0))?, from));
        }
        let then = next.as_ref().map(|(key, _)| certified(key)).transpose()?;
        let next = next.map(|(key, from)| NextPin {
            pin: pin_of(&key),
            from,
        });
        let before = match read_key(&previous_path)? {
            Some(key) => Some((pin_of(&key), certified(&key)?)),
            None => None,
        };
        Ok(Self {
            pin: pin_of(&key),
            now: certified(&key)?,
            next,
            then,
            before,
        })
    }
}

impl PinnedKeys {
    /// The key that is shown at this time to those who name none.
    fn shown(&self) -> &Arc<CertifiedKey> {
        match (&self.next, &self.then) {
            (Some(next), Some(then)) if next.from <= clock::now() => then,
            _ => &self.now,
        }
    }

    /// The key that a client names by its pin, in the host name it asks for.
    fn named(&self, hello: &ClientHello<'_>) -> Option<&Arc<CertifiedKey>> {
        let pin = RelayName::parse(hello.server_name()?)?.pin;
        let next = self.next.map(|next| next.pin).zip(self.then.as_ref());
        let before = self.before.as_ref().map(|(pin, key)| (*pin, key));
        let keys = [Some((self.pin, &self.now)), next, before];
        let mut keys = keys.into_iter().flatten();
        keys.find_map(|(its, key)| (its == pin).then_some(key))
    }
}

impl ResolvesServerCert for PinnedKeys {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.named(&hello).unwrap_or(self.shown()).clone())
    }
}

/// Keys shown to those alone who name one of them. Anybody else is left without a certificate, and learns that something speaks
/// TLS.
#[derive(Debug)]
pub(super) struct Hidden(pub(super) PinnedKeys);

impl ResolvesServerCert for Hidden {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.named(&hello).cloned()
    }
}

fn pin_of(key: &KeyPair) -> TlsPin {
    TlsPin::of(&key.subject_public_key_info())
}

/// The key with a certificate around it, at which nobody looks.
fn certified(key: &KeyPair) -> Result<Arc<CertifiedKey>, TlsError> {
    let certificate = CertificateParams::new([format!("introducer.{RELAY_SUFFIX}")])
        .and_then(|parameters| parameters.self_signed(key))
        .map_err(|error| TlsError::Certificate(error.to_string()))?;
    let chain = vec![certificate.der().clone()];
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    Ok(Arc::new(CertifiedKey::from_der(chain, key, &provider())?))
}

/// Reads a key; `None` where there is none yet.
fn read_key(path: &Path) -> Result<Option<KeyPair>, TlsError> {
    let pem = read(path)?;
    pem.map(|pem| parse(path, &pem)).transpose()
}

/// Reads the key that follows, and from when on.
fn read_next(path: &Path) -> Result<Option<(KeyPair, Time)>, TlsError> {
    let Some(text) = read(path)? else {
        return Ok(None);
    };
    let first = text.lines().next().and_then(|line| line.strip_prefix(FROM));
    let from = first.and_then(|time| time.parse().ok());
    let from = from.ok_or_else(|| TlsError::Key {
        path: path.to_owned(),
        reason: "its first line does not say from when on it is shown".to_owned(),
    })?;
    Ok(Some((parse(path, &text)?, Time(from))))
}

fn read(path: &Path) -> Result<Option<String>, TlsError> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            refuse_exposed(path, 0o077)?;
            Ok(Some(text))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(TlsError::file(path, source)),
    }
}

fn parse(path: &Path, pem: &str) -> Result<KeyPair, TlsError> {
    KeyPair::from_pem(pem).map_err(|error| TlsError::Key {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

/// Makes a key and keeps it behind `head`, whole or not at all, readable by the owner only.
fn make_key(path: &Path, head: &str) -> Result<KeyPair, TlsError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|error| TlsError::Key {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    let text = format!("{head}{}", key.serialize_pem());
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)
        .and_then(|()| durable::create_new(path, text.as_bytes()))
        .map_err(|source| TlsError::file(path, source))?;
    Ok(key)
}

/// Refuses a key file whose mode has any bit of `forbidden`.
pub(super) fn refuse_exposed(path: &Path, forbidden: u32) -> Result<(), TlsError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = std::fs::metadata(path).map_err(|source| TlsError::file(path, source))?;
        if metadata.permissions().mode() & forbidden != 0 {
            return Err(TlsError::Exposed(path.to_owned()));
        }
    }
    #[cfg(not(unix))]
    let _ = (path, forbidden);
    Ok(())
}

/// The one implementation of the ciphers in use.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(60 * 60);

    fn load(data: &Path, change_after: Option<Duration>) -> PinnedKeys {
        PinnedKeys::load(data, change_after).expect("keys")
    }

    #[test]
    fn the_pin_is_that_of_the_key_on_disk() {
        let data = tempfile::tempdir().expect("a directory");
        let first = load(data.path(), None).pin;
        assert_eq!(load(data.path(), None).pin, first);
        let pem = std::fs::read_to_string(data.path().join(KEY_FILE)).expect("the key file");
        let key = KeyPair::from_pem(&pem).expect("a key");
        assert_eq!(first, TlsPin::of(&key.subject_public_key_info()));
        std::fs::remove_file(data.path().join(KEY_FILE)).expect("removable");
        assert_ne!(load(data.path(), None).pin, first);
    }

    #[test]
    fn a_change_that_is_under_way_is_kept_and_takes_place_once() {
        let data = tempfile::tempdir().expect("a directory");
        let before = load(data.path(), None);
        assert_eq!(before.next, None);
        let announced = load(data.path(), Some(HOUR));
        assert_eq!(announced.pin, before.pin);
        let next = announced.next.expect("a second key");
        assert_ne!(next.pin, before.pin);
        // Whoever restarts with the same wish does not begin another.
        assert_eq!(load(data.path(), Some(Duration::ZERO)).next, Some(next));
        assert_eq!(load(data.path(), None).next, Some(next));

        let path = data.path().join(NEXT_KEY_FILE);
        let text = std::fs::read_to_string(&path).expect("kept");
        let past = text.replacen(&next.from.0.to_string(), "1", 1);
        std::fs::write(&path, past).expect("writable");
        let after = load(data.path(), None);
        assert_eq!((after.pin, after.next), (next.pin, None));
        let previous = after.before.expect("for those who were away");
        assert_eq!(previous.0, before.pin);
        assert!(!path.exists());
        assert_eq!(load(data.path(), None).pin, next.pin);
    }

    #[cfg(unix)]
    #[test]
    fn the_keys_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        for name in [KEY_FILE, NEXT_KEY_FILE] {
            let data = tempfile::tempdir().expect("a directory");
            load(data.path(), Some(HOUR));
            let path = data.path().join(name);
            let mode = std::fs::metadata(&path).expect("there").permissions();
            assert_eq!(mode.mode() & 0o777, 0o600);
            let exposed = std::fs::Permissions::from_mode(0o640);
            std::fs::set_permissions(&path, exposed).expect("ours to change");
            let refused = PinnedKeys::load(data.path(), None);
            assert!(matches!(refused, Err(TlsError::Exposed(_))), "{name}");
        }
    }

    #[test]
    fn a_damaged_key_is_an_error_and_not_a_new_key() {
        for name in [KEY_FILE, NEXT_KEY_FILE] {
            let data = tempfile::tempdir().expect("a directory");
            load(data.path(), Some(HOUR));
            let path = data.path().join(name);
            std::fs::write(&path, "no key").expect("writable");
            let refused = PinnedKeys::load(data.path(), None);
            assert!(matches!(refused, Err(TlsError::Key { .. })), "{name}");
            assert_eq!(std::fs::read_to_string(&path).expect("there"), "no key");
        }
    }
}
