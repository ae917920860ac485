//! The relay as its clients see it.

use std::num::NonZeroU32;

use futures_util::SinkExt as _;
use iroh_base::EndpointId;
use iroh_relay::protos::relay::{ClientToRelayMsg, RelayToClientMsg};
use kith_core::ids::Face;
use tokio::time::Instant;

use super::*;
use crate::relay::admission::{Admission, Allowance, Doorkeeper};
use crate::routing::{FaceConfig, FaceEndpoint, PathKind};

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
    eventually(|| server.metrics().relay.bytes_sent.get() > 0).await;
    assert_eq!(server.metrics().relay_refused.get(), 0);
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
    let server = start(RelayServerConfig {
        doorkeeper,
        ..config(&data)
    })
    .await;
    assert!(relay_client(&server, &friend).await.is_ok());
    let refused = relay_client(&server, &SecretKey::generate()).await;
    let reason = refused.expect_err("a stranger");
    assert!(reason.contains("does not serve you"), "{reason}");
    eventually(|| server.metrics().relay_refused.get() == 1).await;
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
    let server = start(RelayServerConfig {
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
async fn dropping_the_server_disconnects_its_clients() {
    let (server, _data) = server(Limits::default()).await;
    let client = relay_client(&server, &SecretKey::generate()).await;
    let mut client = client.expect("let in");
    drop(server);
    assert_eq!(received(&mut client).await, None);
}

#[tokio::test]
async fn one_client_can_be_disconnected() {
    let (server, _data) = server(Limits::default()).await;
    let secrets = [SecretKey::generate(), SecretKey::generate()];
    let mut gone = relay_client(&server, &secrets[0]).await.expect("let in");
    let mut stays = relay_client(&server, &secrets[1]).await.expect("let in");
    assert!(server.disconnect(DeviceKey(*secrets[0].public().as_bytes())));
    assert_eq!(received(&mut gone).await, None);
    let to_itself = datagram(secrets[1].public(), b"still here");
    stays.send(to_itself).await.expect("connected");
    assert!(received(&mut stays).await.is_some());
    assert!(!server.disconnect(DeviceKey([7; 32])));
}

#[tokio::test]
async fn it_is_reached_over_ipv6_by_name() {
    let data = tempfile::tempdir().expect("a place for files");
    let server = start(RelayServerConfig {
        listen: vec!["[::1]:0".parse().expect("literal")],
        ..config(&data)
    })
    .await;
    let reader = SecretKey::generate();
    let mut receiver = relay_client(&server, &reader).await.expect("let in");
    let other = SecretKey::generate();
    let mut sender = relay_client(&server, &other).await.expect("let in");
    let packet = datagram(reader.public(), b"six");
    sender.send(packet).await.expect("connected");
    assert_eq!(received(&mut receiver).await.as_deref(), Some(&b"six"[..]));
}

#[tokio::test]
async fn a_relay_client_outlives_the_time_that_http_has() {
    let (server, _data) = server(Limits {
        http_lifetime: Duration::from_millis(500),
        ..Limits::default()
    })
    .await;
    let secret = SecretKey::generate();
    let mut client = relay_client(&server, &secret).await.expect("let in");
    let mut idle = connect_tls(&server, LOCAL, None).await.expect("room");
    let mut nothing = Vec::new();
    let end = timeout(PATIENCE, idle.read_to_end(&mut nothing)).await;
    let _ = end.expect("the server hangs up on the one without a purpose");
    let to_itself = datagram(secret.public(), b"still here");
    client.send(to_itself).await.expect("connected");
    assert!(received(&mut client).await.is_some());
}

/// A connection that was upgraded and has proven nothing yet.
async fn upgraded(server: &RelayServer) -> TlsStream<TcpStream> {
    let mut stream = connect_tls(server, LOCAL, None).await.expect("room");
    let request = "GET /relay HTTP/1.1\r\nHost: introducer\r\nConnection: upgrade\r\n\
        Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Protocol: iroh-relay-v2\r\n\r\n";
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("connected");
    let mut status = [0; 13];
    let read = timeout(PATIENCE, stream.read_exact(&mut status)).await;
    read.expect("an answer").expect("a status");
    assert_eq!(&status, b"HTTP/1.1 101 ");
    stream
}

#[tokio::test]
async fn a_client_that_proves_nothing_is_dropped_at_the_time_out() {
    let (server, _data) = server(Limits {
        handshake_timeout: Duration::from_secs(1),
        ..Limits::default()
    })
    .await;
    let mut silent = upgraded(&server).await;
    let mut challenge = Vec::new();
    let end = timeout(PATIENCE, silent.read_to_end(&mut challenge)).await;
    let _ = end.expect("the server hangs up");
    eventually(|| server.metrics().relay_refused.get() == 1).await;
    eventually(|| server.connections() == 0).await;
}

#[tokio::test]
async fn a_message_that_announces_too_much_ends_its_connection_before_it_is_read() {
    let (server, _data) = server(Limits::default()).await;
    let mut liar = upgraded(&server).await;
    // A final, binary, masked frame of 2 MiB (RFC 6455 §5.2), of which only the head comes.
    let head = [0x82, 0xff, 0, 0, 0, 0, 0, 0x20, 0, 0, 1, 2, 3, 4];
    liar.write_all(&head).await.expect("connected");
    let mut rest = Vec::new();
    let end = timeout(Duration::from_secs(5), liar.read_to_end(&mut rest)).await;
    let _ = end.expect("the server hangs up, long before the handshake's time-out");
    eventually(|| server.metrics().relay_refused.get() == 1).await;
}
