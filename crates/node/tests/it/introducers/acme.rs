//! An introducer that gets its certificate over ACME, from Let's Encrypt's own test server.
//!
//! Everything is on the loopback: `localhost` is the domain, which the system resolves by itself.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use iroh_relay::tls::CaTlsConfig;
use kith::core::introducer::{Ports, Trust};
use kith::relay::TlsMode;
use kith::routing::relay_name::read_roots;
use kith::testing::local_node;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{has_place_at, loopback_introducer, soon};
use crate::programs::is_there;
use crate::waiting::a_moment;

const DOMAIN: &str = "localhost";

/// The authority, until it is dropped.
struct Pebble {
    _child: Child,
    directory: String,
    management: u16,
    root: CertificateDer<'static>,
}

/// Ports that are free now. Nothing else can tell a program where to listen that does not tell where it does.
async fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    let mut listeners = Vec::new();
    for _ in 0..COUNT {
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        listeners.push(bound.expect("a free port"));
    }
    std::array::from_fn(|number| listeners[number].local_addr().expect("bound").port())
}

impl Pebble {
    /// Starts it; it proves domains at `tls_port`.
    async fn start(place: &Path, tls_port: u16) -> Self {
        let issued = rcgen::generate_simple_self_signed([DOMAIN.to_owned()]);
        let issued = issued.expect("a plain name");
        let file = |name: &str, text: String| {
            let path = place.join(name);
            std::fs::write(&path, text).expect("writable");
            path
        };
        let [acme, management] = free_ports().await;
        let config = format!(
            r#"{{"pebble": {{"listenAddress": "127.0.0.1:{acme}", "managementListenAddress": "127.0.0.1:{management}",
                "certificate": {:?}, "privateKey": {:?}, "httpPort": 9, "tlsPort": {tls_port},
                "ocspResponderURL": "", "externalAccountBindingRequired": false}}}}"#,
            file("root.pem", issued.cert.pem()),
            file("key.pem", issued.signing_key.serialize_pem()),
        );
        let child = Command::new("pebble")
            .arg("-config")
            .arg(file("pebble.json", config))
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_WFE_NONCEREJECT", "0")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("it is there");
        let pebble = Self {
            _child: child,
            directory: format!("https://{DOMAIN}:{acme}/dir"),
            management,
            root: issued.cert.der().clone(),
        };
        for port in [acme, management] {
            let listens = async {
                while TcpStream::connect((Ipv4Addr::LOCALHOST, port))
                    .await
                    .is_err()
                {
                    a_moment().await;
                }
            };
            soon("pebble", listens).await;
        }
        pebble
    }

    /// The root of what it issues, PEM.
    async fn issuing_root(&self) -> String {
        let stream = connect(&self.root, self.management).await;
        let mut stream = stream.expect("its own certificate");
        let request = "GET /roots/0 HTTP/1.0\r\nHost: localhost\r\n\r\n";
        let sent = stream.write_all(request.as_bytes()).await;
        sent.expect("an open connection");
        let mut response = String::new();
        // It ends without a goodbye of TLS.
        let _ = stream.read_to_string(&mut response).await;
        let (_, pem) = response.split_once("\r\n\r\n").expect("an answer");
        pem.to_owned()
    }
}

/// TLS with whoever listens at `port` and shows a certificate for the domain that follows from `root`.
async fn connect(
    root: &CertificateDer<'static>,
    port: u16,
) -> std::io::Result<TlsStream<TcpStream>> {
    let roots = CaTlsConfig::custom_roots([root.clone()]);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = roots.client_config(provider).expect("ring verifies");
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let name = ServerName::try_from(DOMAIN).expect("a host name");
    let connector = TlsConnector::from(Arc::new(client));
    connector.connect(name, stream).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_got_over_acme_and_nodes_connect_by_the_domain() {
    if !is_there("pebble") {
        return;
    }
    let place = tempfile::tempdir().expect("a place for files");
    let [tcp] = free_ports().await;
    let pebble = Pebble::start(place.path(), tcp).await;
    let issued = place.path().join("issued.pem");
    std::fs::write(&issued, pebble.issuing_root().await).expect("writable");
    let root = read_roots(&issued).expect("just written").remove(0);
    let introducer = loopback_introducer()
        .ports(Ports {
            tcp,
            udp: 0,
            discovery: 0,
        })
        .tls(TlsMode::Acme {
            domain: DOMAIN.to_owned(),
            contact: vec!["mailto:me@example.org".to_owned()],
            directory: Some(pebble.directory.clone()),
            root: Some(place.path().join("root.pem")),
        })
        .spawn()
        .await
        .expect("free ports");
    let line = introducer.introducer().clone();
    assert_eq!(line.trust, Trust::Domain(DOMAIN.to_owned()));

    let certified = async {
        while connect(&root, tcp).await.is_err() {
            a_moment().await;
        }
    };
    soon("the certificate", certified).await;

    let node = local_node().introducers([line.clone()]).relay_roots(issued);
    let node = node.spawn().await.expect("loopback can be bound");
    has_place_at(&node, &line).await;
    node.shutdown().await;
    introducer.shutdown().await;
}
