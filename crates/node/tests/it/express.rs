//! Express lanes between whole nodes: who gets one, for what, and how it ends.

use std::time::{Duration, Instant};

use kith::core::peer::Event;
use kith::core::protocol::ProtocolName;
use kith::core::routing::{Access, Level};
use kith::peer::NoLane;
use kith::testing::local_node;
use kith::{Node, Refused, Stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::friends::{all_ended, befriend, spawn, two};
use crate::sessions_node::{echo, far_apart, protocol};
use crate::waiting::soon;

/// What two nodes speak here.
fn bulk() -> ProtocolName {
    protocol("/bulk/1")
}

/// Two friends, of whom the first sends back what comes in `/bulk/1`.
async fn friends() -> (Node, Node) {
    let (alice, bob) = two().await;
    echo(&alice, "/bulk/1");
    (alice, bob)
}

/// A lane that one node dials to the other.
async fn lane(from: &Node, to: &Node) -> Stream {
    let protocol = bulk();
    let opening = from.open_express(to.peer_id(), &protocol);
    soon("a lane", opening).await.expect("a direct path")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_is_a_stream_of_its_session_to_both_sides() {
    let (alice, bob) = two().await;
    let mut streams = alice.accept(bulk(), Access::Contacts).expect("free");
    let mut here = lane(&bob, &alice).await;
    let mut there = soon("a stream", streams.next()).await.expect("running");
    assert_eq!(there.peer(), Some(bob.peer_id()));
    assert_eq!(there.level(), Level::Contact);
    assert_eq!((here.protocol(), there.protocol()), (&bulk(), &bulk()));
    assert_eq!(here.exporter(), there.exporter());
    let beside = bob.open(alice.peer_id(), &[bulk()]).await.expect("open");
    let same = (here.connection().number(), here.exporter());
    assert_eq!(same, (beside.connection().number(), beside.exporter()));

    here.write_all(b"hello").await.expect("open");
    here.shutdown().await.expect("open");
    let mut heard = String::new();
    let read = soon("the end", there.read_to_string(&mut heard)).await;
    read.expect("whole");
    assert_eq!(heard, "hello");
    there
        .write_all(b"well")
        .await
        .expect("the other half is open");
    there.shutdown().await.expect("open");
    let mut answer = String::new();
    let read = soon("the end", here.read_to_string(&mut answer)).await;
    read.expect("whole");
    assert_eq!(answer, "well");
    drop((here, there, beside, streams));
    all_ended(&bob).await;
    all_ended(&alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn megabytes_come_back_whole() {
    let (alice, bob) = friends().await;
    let stream = lane(&bob, &alice).await;
    let (mut reader, mut writer) = stream.into_split();
    let sent: Vec<u8> = (0..20_000_000_u32).map(|i| (i >> 3) as u8).collect();
    let to_send = sent.clone();
    let sending = tokio::spawn(async move {
        for chunk in to_send.chunks(100_003) {
            writer.write_all(chunk).await?;
        }
        writer.shutdown().await
    });
    let mut back = Vec::new();
    let read = soon("all of it", reader.read_to_end(&mut back)).await;
    read.expect("whole");
    assert!(back == sent, "{} bytes came back", back.len());
    sending.await.expect("no panic").expect("open");
}

#[tokio::test(flavor = "multi_thread")]
async fn blocking_or_removing_somebody_ends_their_lanes() {
    for block in [true, false] {
        let (alice, bob) = two().await;
        let mut streams = alice.accept(bulk(), Access::Contacts).expect("free");
        let mut here = lane(&bob, &alice).await;
        let mut there = soon("a stream", streams.next()).await.expect("running");
        let book = alice.address_book();
        match block {
            true => book.block(bob.peer_id()).await.expect("a contact"),
            false => book.remove(bob.peer_id()).await.expect("a contact"),
        }
        let ended = soon("the end", here.read_exact(&mut [0])).await;
        assert!(ended.is_err(), "block: {block}");
        let ended = soon("the end", there.read_exact(&mut [0])).await;
        assert!(ended.is_err(), "block: {block}");
        let again = soon("an answer", bob.open_express(alice.peer_id(), &bulk())).await;
        assert!(again.is_err(), "block: {block}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_keeps_its_session_from_being_idle_and_ends_when_a_node_leaves() {
    let (alice, bob) = friends().await;
    let mut stream = lane(&bob, &alice).await;
    stream.write_all(b"x").await.expect("open");
    soon("an echo", stream.read_exact(&mut [0]))
        .await
        .expect("open");
    assert!(bob.sessions().iter().any(|session| session.streams > 0));
    let mut events = bob.events();
    soon("a shutdown", alice.shutdown()).await;
    let ended = soon("the end", stream.read_exact(&mut [0])).await;
    assert!(ended.is_err());
    let down = async { while !matches!(events.recv().await, Ok(Event::Down { .. })) {} };
    soon("the session's end", down).await;
    let none = bob.open_express(alice.peer_id(), &bulk()).await;
    assert!(matches!(none, Err(NoLane::NoSession)), "{none:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_is_given_for_what_is_spoken_with_the_asker_only() {
    let (alice, bob) = two().await;
    let nobody = Access::Named(Default::default());
    let _others = alice.accept(protocol("/others/1"), nobody).expect("free");
    let peer = alice.peer_id();
    let refused = async |name| {
        let opened = soon("an answer", bob.open_express(peer, &protocol(name))).await;
        match opened {
            Err(NoLane::Refused(refused)) => refused,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused("/nothing/1").await, Refused::Unsupported);
    assert_eq!(refused("/others/1").await, Refused::NotAllowed);
    assert_eq!(refused("/kith/express/1").await, Refused::Unsupported);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_switched_lanes_off_neither_gives_nor_takes_them() {
    let alice = spawn(local_node().name("Alice").express(false)).await;
    let bob = spawn(local_node().name("Bob")).await;
    befriend(&alice, &bob).await;
    echo(&alice, "/bulk/1");
    echo(&bob, "/bulk/1");
    // Of two that were dialled at once one may just be ending: this waits for the one that stays.
    let _held = bob.open(alice.peer_id(), &[bulk()]).await.expect("open");
    let given = soon("an answer", bob.open_express(alice.peer_id(), &bulk())).await;
    assert!(
        matches!(given, Err(NoLane::Refused(Refused::Unsupported))),
        "{given:?}"
    );
    let taken = alice.open_express(bob.peer_id(), &bulk()).await;
    assert!(matches!(taken, Err(NoLane::Off)), "{taken:?}");
}

/// He sees her at another address than the one she listens at, as through a NAT: that other one is where he may knock.
#[tokio::test(flavor = "multi_thread")]
async fn a_lane_is_sought_at_the_sessions_address_and_given_up_quickly_elsewhere() {
    let (alice, bob, _way) = far_apart(Duration::from_millis(1)).await;
    echo(&alice, "/bulk/1");
    let begun = Instant::now();
    let none = bob.open_express(alice.peer_id(), &bulk()).await;
    assert!(matches!(none, Err(NoLane::Dial(_))), "{none:?}");
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    let mut stream = bob.open(alice.peer_id(), &[bulk()]).await.expect("open");
    stream.write_all(b"x").await.expect("open");
    let echoed = soon("an echo", stream.read_exact(&mut [0])).await;
    echoed.expect("the session does as well");
}
