//! A relay inside the test, pinned by its key as an introducer's is.

use std::net::{IpAddr, SocketAddr};

use iroh_relay::server::{CertConfig, QuicConfig, RelayConfig, Server, ServerConfig, TlsConfig};
use kith_core::ids::{DeviceKey, TlsPin};
use kith_core::introducer::{Introducer, Ports, Trust};
use rcgen::PublicKeyData as _;
use rustls::pki_types::PrivatePkcs8KeyDer;

/// A relay with QUIC address discovery.
pub(super) struct TestRelay {
    /// The line that names it.
    pub(super) introducer: Introducer,
    server: Server,
}

impl TestRelay {
    /// Starts one on `ip`, which is a loopback address.
    pub(super) async fn start(ip: IpAddr) -> Self {
        let any_port = SocketAddr::new(ip, 0);
        let (tls, pin) = tls();
        let mut relay = RelayConfig::new(any_port);
        relay.tls = Some(TlsConfig::new(
            any_port,
            CertConfig::Manual {
                server_config: tls.clone(),
            },
        ));
        let mut quic = QuicConfig::new(any_port);
        quic.server_config = Some(tls);
        let mut config = ServerConfig::default();
        config.relay = Some(relay);
        config.quic = Some(quic);
        let server = Server::spawn(config).await.expect("free ports");
        let ports = Ports {
            tcp: server.https_addr().expect("TLS is on").port(),
            udp: 0,
            discovery: server.quic_addr().expect("discovery is on").port(),
        };
        let introducer = Introducer::new(DeviceKey([0; 32]), vec![ip], ports, Trust::Pin(pin));
        Self { introducer, server }
    }

    /// Stops it.
    pub(super) async fn stop(self) {
        self.server.shutdown().await.expect("it was running");
    }

    /// The same relay under a pin that is not its own.
    pub(super) fn mispinned(&self) -> Introducer {
        let mut introducer = self.introducer.clone();
        introducer.trust = Trust::Pin(TlsPin([0xee; 32]));
        introducer
    }
}

/// A server configuration with a fresh key, and the pin of that key.
fn tls() -> (rustls::ServerConfig, TlsPin) {
    let made = rcgen::generate_simple_self_signed(vec!["relay".to_owned()]).expect("a plain name");
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let pin = TlsPin::of(&made.signing_key.subject_public_key_info());
    let provider = rustls::crypto::ring::default_provider();
    let config = rustls::ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .expect("ring speaks them")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .expect("key and certificate fit");
    (config, pin)
}
