//! The TLS side of an introducer: a key of its own known by its pin ([`pinned`](super::pinned)), certificate files, or ACME.
//!
//! The pin is the BLAKE3 hash of the key's SubjectPublicKeyInfo (RFC 5280 §4.1.2.7, DER), so that it stays the same
//! whatever certificate stands around the key. Address discovery presents the same key over QUIC.

use std::io;
use std::path::Path;
use std::sync::Arc;

use futures_util::StreamExt as _;
use iroh_relay::server::{DEFAULT_CERT_RELOAD_INTERVAL, reloading_resolver};
use iroh_relay::tls::CaTlsConfig;
use kith_core::discovery::NextPin;
use kith_core::introducer::Trust;
use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::server::{ParsedCertificate, ResolvesServerCert, WantsServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ConfigBuilder, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_rustls_acme::caches::DirCache;
use tokio_rustls_acme::{AcmeAcceptor, AcmeConfig};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::config::{RelayServerConfig, TlsMode};
use super::pinned::{Hidden, PinnedKeys, provider, refuse_exposed};
use super::tls_error::TlsError;
use crate::routing::relay_name::read_roots;

/// Where ACME keeps its account and certificates within the data directory.
pub const ACME_DIRECTORY: &str = "acme";

/// How a server proves itself.
pub(super) struct Tls {
    /// For QUIC, and for TCP without ALPN.
    pub(super) config: ServerConfig,
    /// How clients know it.
    pub(super) trust: Trust,
    /// The pinned key that follows, where a change is announced.
    pub(super) next: Option<NextPin>,
    acceptor: Acceptor,
}

enum Acceptor {
    Plain(TlsAcceptor),
    Acme(AcmeAcceptor, Arc<ServerConfig>),
}

impl Tls {
    /// Loads or makes what [`RelayServerConfig::tls`] needs; ACME goes on in the background until `closing`.
    pub(super) async fn load(
        config: &RelayServerConfig,
        closing: &CancellationToken,
        tasks: &TaskTracker,
    ) -> Result<Self, TlsError> {
        match &config.tls {
            TlsMode::Pinned => pinned(config),
            TlsMode::Files {
                domain,
                certificate,
                key,
            } => from_files(domain, certificate, key).await,
            TlsMode::Acme {
                domain,
                contact,
                directory,
                root,
            } => {
                let trust = authority_trust(root.as_deref())?;
                let account = AcmeConfig::new_with_client_tls_config([domain], trust)
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

/// With the keys kept in the data directory; shown to those alone who name them, where the server is hidden.
fn pinned(config: &RelayServerConfig) -> Result<Tls, TlsError> {
    let keys = PinnedKeys::load(&config.data, config.change_key_after)?;
    let (trust, next) = (Trust::Pin(keys.pin), keys.next);
    let keys: Arc<dyn ResolvesServerCert> = match config.hidden {
        true => Arc::new(Hidden(keys)),
        false => Arc::new(keys),
    };
    Ok(Tls {
        next,
        ..plain(builder()?.with_cert_resolver(keys), trust)
    })
}

/// With certificate files, read again now and then.
async fn from_files(domain: &str, certificate: &Path, key: &Path) -> Result<Tls, TlsError> {
    // A group of those who use certificates, such as Debian's ssl-cert, is a common practice.
    refuse_exposed(key, 0o007)?;
    check_pair(domain, certificate, key)?;
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

/// Refuses what the resolver would take and no client: an empty chain, a certificate for another domain or another key.
fn check_pair(domain: &str, certificate: &Path, key: &Path) -> Result<(), TlsError> {
    let wrong = |reason: String| TlsError::Certificate(reason);
    let chain = read_roots(certificate).map_err(|error| wrong(error.to_string()))?;
    let named = ServerName::try_from(domain).map_err(|error| wrong(error.to_string()))?;
    let is_for =
        ParsedCertificate::try_from(&chain[0]).and_then(|first| verify_server_name(&first, &named));
    is_for.map_err(|error| wrong(format!("{}: {error}", certificate.display())))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError::Key {
        path: key.to_owned(),
        reason: error.to_string(),
    })?;
    match CertifiedKey::from_der(chain, secret, &provider()) {
        Err(rustls::Error::InconsistentKeys(_)) => Err(TlsError::OtherKey {
            path: key.to_owned(),
            certificate: certificate.to_owned(),
        }),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
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
        next: None,
        acceptor,
    })
}

fn plain(config: ServerConfig, trust: Trust) -> Tls {
    let acceptor = TlsAcceptor::from(Arc::new(over_http(&config)));
    Tls {
        config,
        trust,
        next: None,
        acceptor: Acceptor::Plain(acceptor),
    }
}

/// The same, saying that it speaks HTTP/1.1: WebSocket upgrades need it.
fn over_http(config: &ServerConfig) -> ServerConfig {
    let mut config = config.clone();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

/// TLS 1.3 only: QUIC has nothing else, and the relay's proof of key wants its exporter.
fn builder() -> Result<ConfigBuilder<ServerConfig, WantsServerCert>, TlsError> {
    Ok(ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth())
}

/// How the server of the ACME authority is known: by the roots in a file, or else by the authorities of the web.
fn authority_trust(root: Option<&Path>) -> Result<Arc<rustls::ClientConfig>, TlsError> {
    let roots = match root {
        None => CaTlsConfig::embedded(),
        Some(path) => {
            let roots = read_roots(path);
            CaTlsConfig::custom_roots(
                roots.map_err(|error| TlsError::Certificate(error.to_string()))?,
            )
        }
    };
    let config = roots.client_config(provider());
    config
        .map(Arc::new)
        .map_err(|error| TlsError::Certificate(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durable;

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
            let mut config = RelayServerConfig::new(anywhere, data.path().to_owned());
            config.tls = mode.clone();
            let tls = Tls::load(&config, &closing, &tasks).await;
            tls.map(|tls| tls.trust)
        };
        assert!(matches!(load().await, Err(TlsError::File { .. })), "no key");
        let pem = issued.signing_key.serialize_pem();
        durable::create_new(&key, pem.as_bytes()).expect("a key file of mode 0600");
        let trust = load().await.expect("both files");
        assert_eq!(trust, Trust::Domain("relay.example.org".to_owned()));
    }

    #[tokio::test]
    async fn files_that_no_client_would_take_are_refused() {
        let data = tempfile::tempdir().expect("a directory");
        let make = |name: &str, domain: &str| {
            let issued = rcgen::generate_simple_self_signed([domain.to_owned()]);
            let issued = issued.expect("a certificate");
            let file = |ending: &str, text: String| {
                let path = data.path().join(format!("{name}.{ending}"));
                durable::create_new(&path, text.as_bytes()).expect("writable");
                path
            };
            let key = file("key", issued.signing_key.serialize_pem());
            (file("crt", issued.cert.pem()), key)
        };
        let (ours, key) = make("ours", "relay.example.org");
        let (_, other_key) = make("other", "relay.example.org");
        let (elsewhere, elsewhere_key) = make("elsewhere", "www.example.org");
        let load = async |certificate: &Path, key: &Path| {
            let loaded = from_files("relay.example.org", certificate, key).await;
            loaded.map(|_| ()).map_err(|error| error.to_string())
        };
        assert_eq!(load(&ours, &key).await, Ok(()));
        for (certificate, key, said) in [
            (&ours, &other_key, "other.key is not the key"),
            (&elsewhere, &elsewhere_key, "elsewhere.crt: "),
            (&key, &key, "ours.key: no certificates"),
            (&ours, &ours, "ours.crt: not a private key"),
        ] {
            let error = load(certificate, key).await.expect_err(said);
            assert!(error.contains(said), "{error}");
        }
    }
}
