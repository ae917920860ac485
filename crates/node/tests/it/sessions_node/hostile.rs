//! Devices that do not speak the protocol they dialled in.

use super::*;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use iroh::SecretKey;
use kith::clock::Clock;
use kith::core::codec::{self, Wire as _};
use kith::core::ids::Face;
use kith::core::peer::Visit;
use kith::core::routing::config::{HALF_OPEN_MAX, HELLO_WITHIN};
use kith::core::routing::{Answer, AnswerError, CloseCode, Offer, Refusal};
use kith::peer::OFFER_WITHIN;
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

/// Whether a wait of this bound has ended with it: little sooner, and later as far as a busy machine makes it so.
fn is_about(waited: Duration, bound: Duration) -> bool {
    (bound - Duration::from_secs(2)..bound + Duration::from_secs(10)).contains(&waited)
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
    assert!(is_about(waited, HELLO_WITHIN), "{waited:?}");
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

/// How many more come than there is room for.
const BEYOND: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_that_never_says_hello_is_bounded_and_keeps_nobody_out() {
    let clock = Clock::default();
    let alice = spawn(local_node().name("Alice").clock(clock.clone())).await;
    let bob = spawn(local_node().name("Bob")).await;
    befriend(&alice, &bob).await;
    let crowd = device().await;
    let mut connections = Vec::new();
    let begun = Instant::now();
    for _ in 0..HALF_OPEN_MAX + BEYOND {
        // Her clock stands still meanwhile: on a busy machine the first would be late before the last is here.
        let so_long = i64::try_from(begun.elapsed().as_millis()).expect("short");
        clock.set_ahead(-so_long);
        connections.push(dial(&crowd, &alice).await);
    }
    let mut ends: FuturesUnordered<_> = connections.iter().map(Connection::closed).collect();
    for _ in 0..BEYOND {
        let ended = soon("room for the last", ends.next()).await;
        let ended = ended.expect("there are more");
        assert_eq!(closed_for(ended), Some(CloseCode::Busy));
    }
    still_friends(&alice, &bob).await;
    let carol = spawn(local_node().name("Carol")).await;
    befriend(&alice, &carol).await;
}

/// One stream says only how long its offer will be; on another a byte of it comes now and then, without an end.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_whose_offer_never_ends_is_reset_and_the_others_go_on() {
    let (alice, bob) = two().await;
    let enemy = device().await;
    let connection = dial(&enemy, &alice).await;
    let (mut control, _heard) = connection.open_stream().await.expect("allowed");
    control.write_all(&Visit::greeting()).await.expect("sent");
    let header = u32::try_from(Offer::BYTES_MAX).expect("small");
    let begun = Instant::now();
    let never_ending = async |pause: Duration| {
        let (mut send, mut receive) = connection.open_stream().await.expect("allowed");
        send.write_all(&header.to_be_bytes()).await.expect("sent");
        let drip = async {
            while send.write_all(&[0]).await.is_ok() {
                tokio::time::sleep(pause).await;
            }
        };
        let mut byte = [0];
        tokio::select! {
            () = drip => {}
            read = receive.read(&mut byte) => assert!(!matches!(read, Ok(1..)), "answered"),
        }
        begun.elapsed()
    };
    let both = futures_util::future::join(
        never_ending(Duration::from_millis(100)),
        never_ending(10 * OFFER_WITHIN),
    );
    let (dripping, silent) = soon("the resets", both).await;
    for waited in [dripping, silent] {
        assert!(is_about(waited, OFFER_WITHIN), "{waited:?}");
    }
    // The session goes on, and an offer that ends is answered.
    let (mut send, mut receive) = connection.open_stream().await.expect("it stands");
    let offer = Offer::new(vec![protocol("/nobody/speaks/this/1")]).expect("one name");
    send.write_all(&offer.framed()).await.expect("sent");
    let answer = soon("an answer", receive.read_frame(Answer::BYTES_MAX)).await;
    assert_eq!(
        Answer::read(&answer.expect("it stands").expect("an answer"), &offer),
        Err(AnswerError::Refused(Refusal::Unsupported))
    );
    still_friends(&alice, &bob).await;
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
