//! What an introducer's server is told before it starts.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::admission::Doorkeeper;
use super::limits::Limits;

/// Where to listen, what to say of oneself, and how much to give.
#[derive(Clone, Debug)]
pub struct RelayServerConfig {
    /// Where the relay's TCP port and the address discovery's UDP port are bound. With port 0 the system picks
    /// one, and all addresses get the same. `[::]` covers IPv4 too on systems with dual-stack sockets.
    pub listen: Vec<SocketAddr>,
    /// The UDP port of QUIC address discovery, on the addresses of `listen`; 0 lets the system pick, `None` offers none.
    pub discovery_port: Option<u16>,
    /// The addresses that strangers reach it at, as its line and its relay's host name tell them.
    pub advertised: Vec<IpAddr>,
    /// Where its TLS key and its records are kept.
    pub data: PathBuf,
    /// How its TLS key is known.
    pub tls: TlsMode,
    /// Begins a change of the pinned key, which takes place after this long; for a server of [`TlsMode::Pinned`] that has
    /// none under way. Clients that hear of it before change with it.
    pub change_key_after: Option<Duration>,
    /// Its bounds.
    pub limits: Limits,
    /// Who may use the relay.
    pub doorkeeper: Doorkeeper,
    /// Whether it shows itself only to those who ask for it by its self-certifying name: no certificate for others, and
    /// neither health nor metrics for anybody. Of meaning with [`TlsMode::Pinned`].
    pub hidden: bool,
}

impl RelayServerConfig {
    /// A public introducer on `listen`, known by its pin, that keeps its state in `data`.
    pub fn new(listen: SocketAddr, data: PathBuf) -> Self {
        Self {
            listen: vec![listen],
            discovery_port: Some(0),
            advertised: Vec::new(),
            data,
            tls: TlsMode::Pinned,
            change_key_after: None,
            limits: Limits::default(),
            doorkeeper: Doorkeeper::open(),
            hidden: false,
        }
    }
}

/// How clients know the server's TLS key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsMode {
    /// By the hash of a key that is made at the first start and kept: no domain and no certificate authority needed.
    Pinned,
    /// By the name in a certificate that somebody else renews; the files are read again once a day.
    Files {
        /// The name in the certificate.
        domain: String,
        /// The certificate chain, PEM, as far as the authority that clients know, or one below it.
        certificate: PathBuf,
        /// Its private key, PEM.
        key: PathBuf,
    },
    /// By a certificate got and renewed over ACME (RFC 8555) with the TLS-ALPN-01 challenge (RFC 8737), for which the
    /// authority must reach the TCP port as 443.
    Acme {
        /// The name to certify.
        domain: String,
        /// Where the authority may write to, such as `mailto:me@example.org`.
        contact: Vec<String>,
        /// The authority's directory; Let's Encrypt when `None`.
        directory: Option<String>,
        /// The root certificates by which the authority's own server is known, PEM; those of the web when `None`.
        root: Option<PathBuf>,
    },
}
