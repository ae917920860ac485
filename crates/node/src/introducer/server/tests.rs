//! The server as its clients see it: over real sockets on the loopback, with real iroh clients.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use iroh_base::{EndpointId, RelayUrl, SecretKey};
use iroh_relay::client::{Client, ClientBuilder};
use iroh_relay::protos::relay::{ClientToRelayMsg, RelayToClientMsg};
use iroh_relay::quic::QuicClient;
use kith_core::ids::{DeviceKey, Face, TlsPin};
use kith_core::introducer::{RelayName, Trust};
use rustls::pki_types::ServerName;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::introducer::admission::{Admission, Allowance, Doorkeeper};
use crate::routing::relay_name::{relay_resolver, relay_tls_config};
use crate::routing::{FaceConfig, FaceEndpoint, PathKind};

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Another address of this machine.
const NEIGHBOUR: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn config(data: &TempDir) -> IntroducerConfig {
    IntroducerConfig::new(SocketAddr::new(LOCAL, 0), data.path().to_owned())
}

async fn start(config: IntroducerConfig) -> RelayServer {
    RelayServer::start(config).await.expect("free ports")
}

/// A server with these limits, and its data directory.
async fn server(limits: Limits) -> (RelayServer, TempDir) {
    let data = tempfile::tempdir().expect("a place for files");
    let config = IntroducerConfig {
        limits,
        ..config(&data)
    };
    (start(config).await, data)
}

fn line(server: &RelayServer) -> Introducer {
    server.introducer(DeviceKey([1; 32]), 1)
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
    relay_tls_config()
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

fn datagram(to: EndpointId, bytes: &[u8]) -> ClientToRelayMsg {
    ClientToRelayMsg::Datagrams {
        dst_endpoint_id: to,
        datagrams: bytes.into(),
    }
}

/// The next datagram that reaches `client`; `None` when the relay hangs up.
async fn received(client: &mut Client) -> Option<Vec<u8>> {
    loop {
        let next = timeout(PATIENCE, client.next()).await.expect("a message");
        match next? {
            Ok(RelayToClientMsg::Datagrams { datagrams, .. }) => {
                return Some(datagrams.contents.to_vec());
            }
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

async fn face(face: Face, introducer: &Introducer) -> FaceEndpoint {
    let secret = SecretKey::generate();
    let config = FaceConfig {
        relays: vec![introducer.clone()],
        bind: vec![SocketAddr::new(LOCAL, 0)],
        port_mapping: false,
        ..FaceConfig::new(face, secret)
    };
    FaceEndpoint::bind(config).await.expect("free ports")
}

#[tokio::test]
async fn two_endpoints_that_know_only_its_line_talk_over_it() {
    let (server, _data) = server(Limits::default()).await;
    let introducer = line(&server);
    let (called, caller) = (
        face(Face::Public, &introducer).await,
        face(Face::Public, &introducer).await,
    );
    timeout(PATIENCE, called.online()).await.expect("a home");
    assert_eq!(called.route().relays.len(), 1, "the home relay is known");
    let echo = async {
        let connection = called.accept().await.expect("a call");
        let (mut send, mut receive) = connection.accept_stream().await.expect("a stream");
        let bytes = receive.read_frame(64).await.expect("a frame");
        send.write_frame(&bytes.expect("not yet finished"))
            .await
            .expect("sent");
        connection.closed().await;
    };
    let call = async {
        let connection = caller.connect(&called.route()).await.expect("an answer");
        let path = connection.path().expect("a selected path");
        assert_eq!(path.kind, PathKind::Relay);
        let (mut send, mut receive) = connection.open_stream().await.expect("a stream");
        send.write_frame(b"hello").await.expect("sent");
        let answer = receive.read_frame(64).await.expect("a frame");
        assert_eq!(answer.as_deref(), Some(b"hello".as_slice()));
        connection.close(0, "done");
    };
    timeout(PATIENCE, async { tokio::join!(echo, call) })
        .await
        .expect("a conversation");
    assert!(server.metrics().relay.bytes_sent.get() > 0);
    assert_eq!(server.metrics().relay_refused.get(), 0);
}

#[tokio::test]
async fn address_discovery_tells_a_client_its_own_address() {
    let (server, _data) = server(Limits::default()).await;
    let endpoint = noq::Endpoint::client(SocketAddr::new(LOCAL, 0)).expect("a socket");
    let client = QuicClient::new(endpoint.clone(), client_tls());
    let host = host(&server, None).to_str().into_owned();
    let asked = client.create_conn(server.discovery_addresses()[0], &host);
    let connection = timeout(PATIENCE, asked).await.expect("an answer");
    let connection = connection.expect("the pinned key");
    let mut observed = connection.observed_external_addr();
    let address = timeout(PATIENCE, observed.next()).await.expect("a report");
    assert_eq!(address, endpoint.local_addr().ok());
    assert_eq!(server.metrics().discovery_accepted.get(), 1);
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
        ("/metrics", "HTTP/1.1 200 OK\r\n", "\nkith_connections 1\n"),
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
async fn a_client_over_its_rate_is_slowed_and_loses_nothing() {
    const RATE: u32 = 100_000;
    const PACKETS: u32 = 300;
    let (server, _data) = server(Limits {
        client_bytes_per_second: NonZeroU32::new(RATE).expect("not zero"),
        ..Limits::default()
    })
    .await;
    let (fast, reader) = (SecretKey::generate(), SecretKey::generate());
    let mut receiver = relay_client(&server, &reader).await.expect("let in");
    let mut sender = relay_client(&server, &fast).await.expect("let in");
    let start = Instant::now();
    let send = async {
        for number in 0..PACKETS {
            let mut packet = [0; 1000];
            packet[..4].copy_from_slice(&number.to_be_bytes());
            let sent = sender.send(datagram(reader.public(), &packet)).await;
            sent.expect("slowed, not dropped");
        }
    };
    let receive = async {
        for number in 0..PACKETS {
            let packet = received(&mut receiver).await.expect("not dropped");
            assert_eq!(packet[..4], number.to_be_bytes());
        }
    };
    tokio::join!(send, receive);
    // 300 kB at 100 kB/s, of which the first 100 kB are the burst.
    let least = Duration::from_millis(1500);
    assert!(start.elapsed() >= least, "{:?}", start.elapsed());
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
        half_open_per_address: 1,
        ..Limits::default()
    })
    .await;
    let mut slow = connect(&server, LOCAL).await;
    slow.write_all(&[0x16, 0x03, 0x01])
        .await
        .expect("the beginning of a ClientHello");
    let mut rest = Vec::new();
    let end = timeout(PATIENCE, slow.read_to_end(&mut rest)).await;
    let _ = end.expect("the server hangs up");
    assert_eq!(server.metrics().handshakes_timed_out.get(), 1);
    let next = connect_tls(&server, LOCAL, None).await;
    let mut stream = next.expect("its half-open place is free again");
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nX-Never")
        .await
        .expect("half a head");
    let mut rest = Vec::new();
    let end = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    let _ = end.expect("the server hangs up on half a request too");
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
async fn whom_the_doorkeeper_refuses_learns_it_and_whom_it_admits_stays() {
    let data = tempfile::tempdir().expect("a place for files");
    let friend = SecretKey::generate();
    let known = DeviceKey(*friend.public().as_bytes());
    let doorkeeper = Doorkeeper::new(move |key, ip| {
        assert_eq!(ip, LOCAL);
        if key == known {
            Admission::Admit(Allowance::of(key.0))
        } else {
            Admission::Refuse
        }
    });
    let server = start(IntroducerConfig {
        doorkeeper,
        ..config(&data)
    })
    .await;
    assert!(relay_client(&server, &friend).await.is_ok());
    let refused = relay_client(&server, &SecretKey::generate()).await;
    let reason = refused.expect_err("a stranger");
    assert!(reason.contains("does not serve you"), "{reason}");
    assert_eq!(server.metrics().relay_refused.get(), 1);
}

#[tokio::test]
async fn an_account_that_used_up_its_day_is_disconnected_until_tomorrow() {
    let data = tempfile::tempdir().expect("a place for files");
    let doorkeeper = Doorkeeper::new(|key, _| {
        Admission::Admit(Allowance {
            bytes_per_day: Some(20_000),
            ..Allowance::of(key.0)
        })
    });
    let server = start(IntroducerConfig {
        doorkeeper,
        ..config(&data)
    })
    .await;
    let (greedy, reader) = (SecretKey::generate(), SecretKey::generate());
    let mut receiver = relay_client(&server, &reader).await.expect("let in");
    let mut sender = relay_client(&server, &greedy).await.expect("let in");
    let hung_up = async {
        // The relay may hang up at any of these, and does so before the last.
        for _ in 0..100 {
            let packet = datagram(reader.public(), &[7; 1000]);
            if sender.send(packet).await.is_err() {
                break;
            }
        }
        received(&mut sender).await
    };
    assert_eq!(timeout(PATIENCE, hung_up).await.expect("an end"), None);
    assert!(received(&mut receiver).await.is_some());
    let again = relay_client(&server, &greedy).await;
    let reason = again.expect_err("nothing is left of the day");
    assert!(reason.contains("quota"), "{reason}");
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
    assert_eq!(received(&mut client).await, None);
    drop((client, idle));
    let again = IntroducerConfig {
        listen: vec![listen],
        ..config(&data)
    };
    let second = start(again).await;
    assert_eq!(second.trust(), &trust);
    assert!(relay_client(&second, &SecretKey::generate()).await.is_ok());
}

#[tokio::test]
async fn a_port_that_is_taken_is_a_clear_error() {
    let (first, _data) = server(Limits::default()).await;
    let data = tempfile::tempdir().expect("a place for files");
    let error = RelayServer::start(IntroducerConfig {
        listen: first.tcp_addresses().to_vec(),
        ..config(&data)
    })
    .await
    .expect_err("taken");
    let taken = format!("cannot listen on TCP {}", first.tcp_addresses()[0]);
    assert!(error.to_string().starts_with(&taken), "{error}");
}
