//! The server as its clients see it: over real sockets on the loopback, with real iroh clients.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use iroh_base::{RelayUrl, SecretKey};
use iroh_relay::client::{Client, ClientBuilder};
use kith_core::ids::{DeviceKey, TlsPin};
use kith_core::introducer::{RelayName, Trust};
use rustls::pki_types::ServerName;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::relay::config::TlsMode;
use crate::routing::relay_name::{relay_resolver, relay_tls_config};

mod address_discovery;
mod hidden;
mod relay;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Another address of this machine.
const NEIGHBOUR: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn config(data: &TempDir) -> RelayServerConfig {
    RelayServerConfig::new(SocketAddr::new(LOCAL, 0), data.path().to_owned())
}

async fn start(config: RelayServerConfig) -> RelayServer {
    RelayServer::start(config).await.expect("free ports")
}

/// A server with these limits, and its data directory.
async fn server(limits: Limits) -> (RelayServer, TempDir) {
    let data = tempfile::tempdir().expect("a place for files");
    let config = RelayServerConfig {
        limits,
        ..config(&data)
    };
    (start(config).await, data)
}

fn line(server: &RelayServer) -> Introducer {
    let line = server.introducer(DeviceKey([1; 32]), 1);
    line.expect("a bound address")
}

fn host(server: &RelayServer, pin: Option<TlsPin>) -> ServerName<'static> {
    let Trust::Pin(own) = server.trust() else {
        panic!("a pinned server");
    };
    let name = RelayName {
        pin: pin.unwrap_or(*own),
        addresses: vec![LOCAL],
    };
    ServerName::try_from(name.host()).expect("a host name")
}

fn client_tls() -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    relay_tls_config(&[])
        .client_config(provider)
        .expect("ring verifies")
}

/// A TCP connection from `source`.
async fn connect(server: &RelayServer, source: IpAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    let source = SocketAddr::new(source, 0);
    socket.bind(source).expect("an address of this machine");
    let stream = socket.connect(server.tcp_addresses()[0]).await;
    stream.expect("the kernel takes it before the server looks")
}

/// The same, with TLS; an error where the server hangs up.
async fn connect_tls(
    server: &RelayServer,
    source: IpAddr,
    pin: Option<TlsPin>,
) -> io::Result<TlsStream<TcpStream>> {
    let connector = TlsConnector::from(Arc::new(client_tls()));
    let stream = connect(server, source).await;
    let shaken = connector.connect(host(server, pin), stream);
    timeout(PATIENCE, shaken).await.expect("an answer")
}

/// Waits until `fact` holds.
async fn eventually(fact: impl Fn() -> bool) {
    let held = async {
        while !fact() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, held).await.expect("it comes true");
}

/// The response to `GET path`, head and body.
async fn get(stream: &mut TlsStream<TcpStream>, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: introducer\r\nConnection: close\r\n\r\n");
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("an open connection");
    let mut response = String::new();
    let read = timeout(PATIENCE, stream.read_to_string(&mut response)).await;
    read.expect("an answer").expect("a whole answer");
    response
}

/// A client of the relay alone.
async fn relay_client(server: &RelayServer, secret: &SecretKey) -> Result<Client, String> {
    let url: RelayUrl = line(server).relay_url().parse().expect("our own URL");
    let connected = ClientBuilder::new(url, secret.clone(), relay_resolver())
        .tls_client_config(client_tls())
        .connect()
        .await;
    connected.map_err(|error| format!("{error:#}"))
}

#[tokio::test]
async fn health_and_metrics_answer_to_whoever_knows_the_pin() {
    let (server, _data) = server(Limits::default()).await;
    for (path, status, text) in [
        ("/healthz", "HTTP/1.1 200 OK\r\n", "\r\n\r\nok\n"),
        (
            "/ping",
            "HTTP/1.1 200 OK\r\n",
            "access-control-allow-origin: *",
        ),
        ("/generate_204", "HTTP/1.1 204 No Content\r\n", ""),
        ("/metrics", "HTTP/1.1 200 OK\r\n", "\nkith_connections "),
        ("/relay", "HTTP/1.1 400 Bad Request\r\n", "Upgrade"),
        ("/other", "HTTP/1.1 404 Not Found\r\n", ""),
    ] {
        let stream = connect_tls(&server, LOCAL, None).await;
        let response = get(&mut stream.expect("the pinned key"), path).await;
        assert!(response.starts_with(status), "{path}: {response}");
        assert!(response.contains(text), "{path}: {response}");
    }
    let other = Some(TlsPin([9; 32]));
    assert!(connect_tls(&server, LOCAL, other).await.is_err());
}

#[tokio::test]
async fn the_connection_after_the_last_from_one_address_is_refused_and_others_are_served() {
    let (server, _data) = server(Limits {
        connections_per_address: 3,
        ..Limits::default()
    })
    .await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let stream = connect_tls(&server, LOCAL, None).await;
        open.push(stream.expect("within the limit"));
    }
    assert!(connect_tls(&server, LOCAL, None).await.is_err());
    assert_eq!(server.metrics().refused.get(), 1);
    let mut other = connect_tls(&server, NEIGHBOUR, None).await.expect("room");
    assert!(get(&mut other, "/healthz").await.ends_with("ok\n"));
    let mut first = open.swap_remove(0);
    assert!(get(&mut first, "/healthz").await.ends_with("ok\n"));
}

#[tokio::test]
async fn a_handshake_that_dawdles_is_dropped_at_the_time_out() {
    let (server, _data) = server(Limits {
        handshake_timeout: Duration::from_millis(300),
        ..Limits::default()
    })
    .await;
    let mut slow = connect(&server, LOCAL).await;
    let beginning = slow.write_all(&[0x16, 0x03, 0x01]).await;
    beginning.expect("three bytes of a ClientHello");
    let mut rest = Vec::new();
    let end = timeout(PATIENCE, slow.read_to_end(&mut rest)).await;
    let _ = end.expect("the server hangs up");
    eventually(|| server.metrics().handshakes_timed_out.get() == 1).await;
    eventually(|| server.connections() == 0).await;
}

#[tokio::test]
async fn half_a_request_is_dropped_at_the_time_out() {
    let (server, _data) = server(Limits {
        handshake_timeout: Duration::from_secs(1),
        ..Limits::default()
    })
    .await;
    let mut slow = connect_tls(&server, LOCAL, None).await.expect("room");
    let half = slow.write_all(b"GET /healthz HTTP/1.1\r\nX-Never").await;
    half.expect("connected");
    let mut rest = Vec::new();
    let end = timeout(PATIENCE, slow.read_to_end(&mut rest)).await;
    let _ = end.expect("the server hangs up");
    eventually(|| server.connections() == 0).await;
}

#[test]
fn an_address_that_nobody_can_dial_is_not_told() {
    let everywhere = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 1);
    let here = SocketAddr::new(LOCAL, 1);
    assert_eq!(dialable(&[], &[everywhere, here]), [LOCAL]);
    assert_eq!(dialable(&[NEIGHBOUR], &[everywhere, here]), [NEIGHBOUR]);
    assert!(dialable(&[], &[everywhere]).is_empty());
}

#[tokio::test]
async fn a_flood_of_half_open_handshakes_leaves_other_addresses_served() {
    let (server, _data) = server(Limits {
        half_open_per_address: 8,
        ..Limits::default()
    })
    .await;
    let mut flood = Vec::new();
    for _ in 0..64 {
        flood.push(connect(&server, LOCAL).await);
    }
    let mut other = connect_tls(&server, NEIGHBOUR, None).await.expect("room");
    assert!(get(&mut other, "/healthz").await.ends_with("ok\n"));
    assert_eq!(server.metrics().refused.get(), 64 - 8);
}

#[tokio::test]
async fn a_restart_keeps_the_pin_and_a_shutdown_frees_the_port() {
    let data = tempfile::tempdir().expect("a place for files");
    let first = start(config(&data)).await;
    let (trust, listen) = (first.trust().clone(), first.tcp_addresses()[0]);
    let mut client = relay_client(&first, &SecretKey::generate())
        .await
        .expect("let in");
    let idle = connect_tls(&first, LOCAL, None).await.expect("room");
    timeout(PATIENCE, first.shutdown()).await.expect("an end");
    let last = timeout(PATIENCE, client.next()).await.expect("an end");
    assert!(!matches!(last, Some(Ok(_))), "{last:?}");
    drop((client, idle));
    let again = RelayServerConfig {
        listen: vec![listen],
        ..config(&data)
    };
    let second = start(again).await;
    assert_eq!(second.trust(), &trust);
    assert!(relay_client(&second, &SecretKey::generate()).await.is_ok());
}

#[tokio::test]
async fn a_server_that_cannot_keep_records_says_it_is_not_healthy() {
    let (server, _data) = server(Limits::default()).await;
    server.metrics().registry_unwritable.set(1);
    let mut stream = connect_tls(&server, LOCAL, None).await.expect("room");
    let response = get(&mut stream, "/healthz").await;
    assert!(response.starts_with("HTTP/1.1 503 "), "{response}");
}

#[tokio::test]
async fn a_request_head_that_never_ends_is_refused() {
    let (server, _data) = server(Limits::default()).await;
    let mut stream = connect_tls(&server, LOCAL, None).await.expect("room");
    let mut response = String::new();
    stream
        .write_all(b"GET / HTTP/1.1\r\nX-Long: ")
        .await
        .expect("connected");
    // The server may hang up before it has read all of it.
    let _ = stream.write_all(&vec![b'x'; HEAD_BYTES_MAX]).await;
    let read = timeout(PATIENCE, stream.read_to_string(&mut response)).await;
    let _ = read.expect("the server hangs up");
    assert!(response.starts_with("HTTP/1.1 431 "), "{response}");
}

#[tokio::test]
async fn all_listeners_share_one_port() {
    let data = tempfile::tempdir().expect("a place for files");
    let server = start(RelayServerConfig {
        listen: vec![SocketAddr::new(LOCAL, 0), SocketAddr::new(NEIGHBOUR, 0)],
        ..config(&data)
    })
    .await;
    let ports = |addresses: &[SocketAddr]| -> Vec<u16> {
        let mut ports: Vec<u16> = addresses.iter().map(SocketAddr::port).collect();
        ports.dedup();
        ports
    };
    let introducer = line(&server);
    assert_eq!(ports(server.tcp_addresses()), [introducer.tcp_port]);
    let discovery = server.discovery_addresses();
    assert_eq!(ports(&discovery), [introducer.discovery_port]);
    assert_eq!(introducer.addresses, [LOCAL, NEIGHBOUR]);
}

#[tokio::test]
async fn an_authority_out_of_reach_leaves_the_server_up_without_a_certificate() {
    let data = tempfile::tempdir().expect("a place for files");
    // Nothing listens on the discard port of the loopback.
    let directory = "https://127.0.0.1:9/directory".to_owned();
    let server = start(RelayServerConfig {
        tls: TlsMode::Acme {
            domain: "relay.example.org".to_owned(),
            contact: Vec::new(),
            directory: Some(directory),
            root: None,
        },
        ..config(&data)
    })
    .await;
    let domain = "relay.example.org";
    assert_eq!(server.trust(), &Trust::Domain(domain.to_owned()));
    let stream = connect(&server, LOCAL).await;
    let name = ServerName::try_from(domain).expect("a host name");
    let connector = TlsConnector::from(Arc::new(client_tls()));
    assert!(connector.connect(name, stream).await.is_err());
    timeout(PATIENCE, server.shutdown()).await.expect("an end");
}

#[tokio::test]
async fn a_port_that_is_taken_is_a_clear_error() {
    let (first, _data) = server(Limits::default()).await;
    let data = tempfile::tempdir().expect("a place for files");
    let error = RelayServer::start(RelayServerConfig {
        listen: first.tcp_addresses().to_vec(),
        ..config(&data)
    })
    .await
    .expect_err("taken");
    let taken = format!("cannot listen on TCP {}", first.tcp_addresses()[0]);
    assert!(error.to_string().starts_with(&taken), "{error}");
}
