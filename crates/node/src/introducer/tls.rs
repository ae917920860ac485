//! The TLS side of an introducer: a key of its own known by its pin, certificate files, or ACME.
//!
//! The pin is the BLAKE3 hash of the key's SubjectPublicKeyInfo (RFC 5280 §4.1.2.7, DER), so that it stays the same
//! whatever certificate stands around the key. Address discovery presents the same key over QUIC.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::StreamExt as _;
use iroh_relay::server::{DEFAULT_CERT_RELOAD_INTERVAL, reloading_resolver};
use iroh_relay::tls::CaTlsConfig;
use kith_core::ids::TlsPin;
use kith_core::introducer::{RELAY_SUFFIX, RelayName, Trust};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::{ClientHello, ResolvesServerCert, WantsServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ConfigBuilder, ServerConfig};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_rustls_acme::caches::DirCache;
use tokio_rustls_acme::{AcmeAcceptor, AcmeConfig};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::config::{IntroducerConfig, TlsMode};
use crate::durable;

/// The file of the pinned key within the data directory: PKCS #8, PEM.
pub const KEY_FILE: &str = "introducer.key";

/// Where ACME keeps its account and certificates within the data directory.
pub const ACME_DIRECTORY: &str = "acme";

/// Why the TLS side could not be set up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others can read the key.
    #[error("others can read this key; run: chmod go-rwx {}", .0.display())]
    Exposed(PathBuf),
    /// The key file is no key.
    #[error("{}: not a private key: {reason}", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The certificate files do not make a certificate.
    #[error("certificate: {0}")]
    Certificate(String),
    /// TLS itself refused.
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

/// How a server proves itself.
pub(super) struct Tls {
    /// For QUIC, and for TCP without ALPN.
    pub(super) config: ServerConfig,
    /// How clients know it.
    pub(super) trust: Trust,
    acceptor: Acceptor,
}

enum Acceptor {
    Plain(TlsAcceptor),
    Acme(AcmeAcceptor, Arc<ServerConfig>),
}

impl Tls {
    /// Loads or makes what [`IntroducerConfig::tls`] needs; ACME goes on in the background until `closing`.
    pub(super) async fn load(
        config: &IntroducerConfig,
        closing: &CancellationToken,
        tasks: &TaskTracker,
    ) -> Result<Self, TlsError> {
        match &config.tls {
            TlsMode::Pinned => pinned(&config.data, config.hidden),
            TlsMode::Files {
                domain,
                certificate,
                key,
            } => from_files(domain, certificate, key).await,
            TlsMode::Acme {
                domain,
                contact,
                directory,
            } => {
                let account = AcmeConfig::new_with_client_tls_config([domain], web_trust()?)
                    .contact(contact)
                    .cache(DirCache::new(config.data.join(ACME_DIRECTORY)));
                let account = match directory {
                    Some(url) => account.directory(url),
                    None => account.directory_lets_encrypt(true),
                };
                acme(domain, account, closing, tasks)
            }
        }
    }

    /// Shakes hands; `None` where it was only an authority checking that the domain is ours.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
    ) -> io::Result<Option<TlsStream<TcpStream>>> {
        match &self.acceptor {
            Acceptor::Plain(acceptor) => acceptor.accept(stream).await.map(Some),
            Acceptor::Acme(challenge, config) => match challenge.accept(stream).await? {
                Some(handshake) => handshake.into_stream(config.clone()).await.map(Some),
                None => Ok(None),
            },
        }
    }
}

/// The pin of a key, given as SubjectPublicKeyInfo (DER).
pub fn pin(subject_public_key_info: &[u8]) -> TlsPin {
    TlsPin(*blake3::hash(subject_public_key_info).as_bytes())
}

/// With the key kept in `data`, made at the first start; presented to those alone who name it, where it is `hidden`.
fn pinned(data: &Path, hidden: bool) -> Result<Tls, TlsError> {
    let path = data.join(KEY_FILE);
    let key = match read_key(&path)? {
        Some(key) => key,
        None => make_key(&path)?,
    };
    let pin = pin(&key.subject_public_key_info());
    let certificate = CertificateParams::new([format!("introducer.{RELAY_SUFFIX}")])
        .and_then(|parameters| parameters.self_signed(&key))
        .map_err(|error| TlsError::Certificate(error.to_string()))?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let (chain, key) = (vec![certificate.der().clone()], key.into());
    let config = match hidden {
        false => builder()?.with_single_cert(chain, key)?,
        true => {
            let key = Arc::new(CertifiedKey::from_der(chain, key, &provider())?);
            builder()?.with_cert_resolver(Arc::new(ByName { key, pin }))
        }
    };
    Ok(plain(config, Trust::Pin(pin)))
}

/// Presents a key to whoever asks for a name that holds its pin. Anybody else is left without a certificate, and learns that
/// something speaks TLS.
#[derive(Debug)]
struct ByName {
    key: Arc<CertifiedKey>,
    pin: TlsPin,
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = RelayName::parse(hello.server_name()?)?;
        (name.pin == self.pin).then(|| self.key.clone())
    }
}

/// With certificate files, read again now and then.
async fn from_files(domain: &str, certificate: &Path, key: &Path) -> Result<Tls, TlsError> {
    // A group of those who use certificates, such as Debian's ssl-cert, is a common practice.
    refuse_exposed(key, 0o007)?;
    let resolver = reloading_resolver(
        &provider(),
        certificate.to_owned(),
        key.to_owned(),
        DEFAULT_CERT_RELOAD_INTERVAL,
    )
    .await
    .map_err(|error| TlsError::Certificate(format!("{error:#}")))?;
    let config = builder()?.with_cert_resolver(resolver);
    Ok(plain(config, Trust::Domain(domain.to_owned())))
}

/// With a certificate that a task gets and renews.
fn acme(
    domain: &str,
    account: AcmeConfig<io::Error>,
    closing: &CancellationToken,
    tasks: &TaskTracker,
) -> Result<Tls, TlsError> {
    let mut state = account.state();
    let config = builder()?.with_cert_resolver(state.resolver());
    let acceptor = Acceptor::Acme(state.acceptor(), Arc::new(over_http(&config)));
    let closing = closing.clone();
    tasks.spawn(async move {
        let renew = async {
            while let Some(event) = state.next().await {
                match event {
                    Ok(event) => debug!(?event, "certificate"),
                    Err(error) => warn!(%error, "no certificate from the authority; trying again"),
                }
            }
        };
        closing.run_until_cancelled(renew).await;
    });
    Ok(Tls {
        config,
        trust: Trust::Domain(domain.to_owned()),
        acceptor,
    })
}

fn plain(config: ServerConfig, trust: Trust) -> Tls {
    let acceptor = TlsAcceptor::from(Arc::new(over_http(&config)));
    Tls {
        config,
        trust,
        acceptor: Acceptor::Plain(acceptor),
    }
}

/// The same, saying that it speaks HTTP/1.1: WebSocket upgrades need it.
fn over_http(config: &ServerConfig) -> ServerConfig {
    let mut config = config.clone();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// TLS 1.3 only: QUIC has nothing else, and the relay's proof of key wants its exporter.
fn builder() -> Result<ConfigBuilder<ServerConfig, WantsServerCert>, TlsError> {
    Ok(ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth())
}

/// How the ACME authority is known: by the certificate authorities of the web.
fn web_trust() -> Result<Arc<rustls::ClientConfig>, TlsError> {
    let config = CaTlsConfig::embedded().client_config(provider());
    config
        .map(Arc::new)
        .map_err(|error| TlsError::Certificate(error.to_string()))
}

/// Reads the key; `None` where there is none yet.
fn read_key(path: &Path) -> Result<Option<KeyPair>, TlsError> {
    let pem = match std::fs::read_to_string(path) {
        Ok(pem) => pem,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(file_error(path, source)),
    };
    refuse_exposed(path, 0o077)?;
    let key = KeyPair::from_pem(&pem).map_err(|error| TlsError::Key {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    Ok(Some(key))
}

/// Makes a key and keeps it, whole or not at all, readable by the owner only.
fn make_key(path: &Path) -> Result<KeyPair, TlsError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|error| TlsError::Key {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)
        .and_then(|()| durable::create_new(path, key.serialize_pem().as_bytes()))
        .map_err(|source| file_error(path, source))?;
    Ok(key)
}

/// Refuses a key file whose mode has any bit of `forbidden`.
fn refuse_exposed(path: &Path, forbidden: u32) -> Result<(), TlsError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = std::fs::metadata(path).map_err(|source| file_error(path, source))?;
        if metadata.permissions().mode() & forbidden != 0 {
            return Err(TlsError::Exposed(path.to_owned()));
        }
    }
    #[cfg(not(unix))]
    let _ = (path, forbidden);
    Ok(())
}

fn file_error(path: &Path, source: io::Error) -> TlsError {
    TlsError::File {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust_of(data: &Path) -> Result<Trust, TlsError> {
        pinned(data, false).map(|tls| tls.trust)
    }

    #[test]
    fn the_pin_is_that_of_the_key_on_disk() {
        let data = tempfile::tempdir().expect("a directory");
        let first = trust_of(data.path()).expect("a new key");
        assert_eq!(trust_of(data.path()).expect("the same key"), first);
        let pem = std::fs::read_to_string(data.path().join(KEY_FILE)).expect("the key file");
        let key = KeyPair::from_pem(&pem).expect("a key");
        assert_eq!(first, Trust::Pin(pin(&key.subject_public_key_info())));
        std::fs::remove_file(data.path().join(KEY_FILE)).expect("removable");
        assert_ne!(trust_of(data.path()).expect("another key"), first);
    }

    #[cfg(unix)]
    #[test]
    fn the_key_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let data = tempfile::tempdir().expect("a directory");
        trust_of(data.path()).expect("a new key");
        let path = data.path().join(KEY_FILE);
        let mode = std::fs::metadata(&path)
            .expect("the file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let exposed = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(&path, exposed).expect("ours to change");
        assert!(matches!(trust_of(data.path()), Err(TlsError::Exposed(_))));
    }

    #[test]
    fn a_damaged_key_is_an_error_and_not_a_new_key() {
        let data = tempfile::tempdir().expect("a directory");
        trust_of(data.path()).expect("a new key");
        let path = data.path().join(KEY_FILE);
        std::fs::write(&path, "no key").expect("writable");
        assert!(matches!(trust_of(data.path()), Err(TlsError::Key { .. })));
        assert_eq!(std::fs::read_to_string(&path).expect("the file"), "no key");
    }

    #[tokio::test]
    async fn certificate_files_are_known_by_their_domain() {
        let data = tempfile::tempdir().expect("a directory");
        let issued = rcgen::generate_simple_self_signed(["relay.example.org".to_owned()]);
        let issued = issued.expect("a certificate");
        let (certificate, key) = (data.path().join("c.pem"), data.path().join("k.pem"));
        std::fs::write(&certificate, issued.cert.pem()).expect("writable");
        let mode = TlsMode::Files {
            domain: "relay.example.org".to_owned(),
            certificate,
            key: key.clone(),
        };
        let load = || async {
            let (closing, tasks) = (CancellationToken::new(), TaskTracker::new());
            let anywhere = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
            let mut config = IntroducerConfig::new(anywhere, data.path().to_owned());
            config.tls = mode.clone();
            let tls = Tls::load(&config, &closing, &tasks).await;
            tls.map(|tls| tls.trust)
        };
        assert!(matches!(load().await, Err(TlsError::File { .. })), "no key");
        make_key(&key).expect("a key file of mode 0600");
        std::fs::write(&key, issued.signing_key.serialize_pem()).expect("writable");
        let trust = load().await.expect("both files");
        assert_eq!(trust, Trust::Domain("relay.example.org".to_owned()));
    }
}
