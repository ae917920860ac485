//! Devices that do not speak the protocol they dialled in.

use super::*;
use iroh::SecretKey;
use kith::core::codec;
use kith::core::ids::Face;
use kith::core::routing::CloseCode;
use kith::core::routing::config::{HALF_OPEN_MAX, HELLO_WITHIN};
use kith::routing::{Connection, Ended, FaceConfig, FaceEndpoint};

/// A device without a node behind it.
async fn device() -> FaceEndpoint {
    let config = FaceConfig {
        bind: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        port_mapping: false,
        ..FaceConfig::new(Face::Contact, SecretKey::generate())
    };
    FaceEndpoint::bind(config).await.expect("a port")
}

async fn dial(from: &FaceEndpoint, node: &Node) -> Connection {
    let target = node.endpoint(Face::Contact).await.expect("running");
    let target = target.expect("bound");
    let route = Route {
        addresses: target.bound_addresses(),
        ..Route::new(target.device())
    };
    let dialled = soon("a handshake", from.connect(&route)).await;
    dialled.expect("anyone may dial")
}

fn closed_for(ended: Ended) -> Option<CloseCode> {
    match ended {
        Ended::There { code, .. } => CloseCode::from_number(code),
        _ => None,
    }
}

async fn still_friends(alice: &Node, bob: &Node) {
    let mut pinger = bob.pinger(alice.peer_id());
    soon("a pong", pinger.ping())
        .await
        .expect("friends are not touched");
    assert_eq!(bob.sessions().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_says_hello_is_closed() {
    let (alice, bob) = two().await;
    let silent = device().await;
    let connection = dial(&silent, &alice).await;
    let begun = Instant::now();
    let ended = soon("the end", connection.closed()).await;
    assert_eq!(closed_for(ended), Some(CloseCode::Late));
    let waited = begun.elapsed();
    let slack = Duration::from_secs(2);
    assert!(
        waited + slack > HELLO_WITHIN && waited < HELLO_WITHIN + slack,
        "{waited:?}"
    );
    still_friends(&alice, &bob).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_and_oversized_control_frames_cost_their_sender_its_connection_only() {
    let (alice, bob) = two().await;
    let enemy = device().await;
    let garbage = codec::frame(&[0xff; 100]);
    let endless = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0].to_vec();
    let too_long = vec![0, 0, 0x40, 0x01];
    let empty = codec::frame(&[]);
    for bytes in [garbage, endless, too_long, empty] {
        let connection = dial(&enemy, &alice).await;
        let (mut send, _receive) = connection.open_stream().await.expect("one is allowed");
        send.write_all(&bytes).await.expect("sent");
        let ended = soon("the end", connection.closed()).await;
        assert_eq!(closed_for(ended), Some(CloseCode::Misbehaved), "{bytes:x?}");
        still_friends(&alice, &bob).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_that_never_says_hello_is_bounded_and_keeps_nobody_out() {
    let (alice, bob) = two().await;
    let crowd = device().await;
    let mut connections = Vec::new();
    for _ in 0..HALF_OPEN_MAX + 10 {
        connections.push(dial(&crowd, &alice).await);
    }
    let first = soon("room for the last", connections[0].closed()).await;
    assert_eq!(closed_for(first), Some(CloseCode::Busy));
    still_friends(&alice, &bob).await;
    let carol = spawn(local_node().name("Carol")).await;
    befriend(&alice, &carol).await;
}

/// More streams than a stranger may open do not arrive, and those that arrive are not read before a hello.
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_opens_few_streams() {
    use kith::core::routing::STREAMS_STRANGER_MAX;
    let (alice, bob) = two().await;
    let enemy = device().await;
    let connection = dial(&enemy, &alice).await;
    let mut open = Vec::new();
    let flood = async {
        while let Ok((mut send, receive)) = connection.open_stream().await {
            // It may be over by now.
            let _ = send.write_all(&[0xff; 8]).await;
            open.push((send, receive));
        }
    };
    soon("the end", flood).await;
    let allowed = STREAMS_STRANGER_MAX as usize;
    assert!(open.len() <= allowed, "{} streams", open.len());
    still_friends(&alice, &bob).await;
}
