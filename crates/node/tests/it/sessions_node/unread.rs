//! Streams that are left unread: alone they stay, and when others wait for their place they are reset.

use kith::core::routing::STREAMS_GUEST_MAX;
use kith::peer::Acceptor;

use super::trusting::maker_and_guest;
use super::*;

/// How long Alice bears with a stream that she leaves unread.
const PATIENCE: Duration = Duration::from_millis(200);

/// A guest's stream to Alice with one byte in it, and her end.
async fn stream(bob: &Node, alice: &Node, accepted: &mut Acceptor) -> (Stream, Stream) {
    let name = [protocol("/held/1")];
    let mut stream = bob.open(alice.peer_id(), &name).await.expect("a session");
    stream.agreed().await.expect("spoken");
    stream.write_all(b"x").await.expect("it stands");
    let there = soon("the stream", accepted.next()).await;
    (stream, there.expect("running"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_left_unread_is_reset_only_while_another_waits_for_its_place() {
    let (alice, bob) = maker_and_guest(local_node().unread_max_time(PATIENCE)).await;
    let mut accepted = alice
        .accept(protocol("/held/1"), Access::Guests)
        .expect("free");
    let (mut unread, mut unread_there) = stream(&bob, &alice, &mut accepted).await;
    let (mut alone, mut alone_there) = stream(&bob, &alice, &mut accepted).await;
    let (mut pinged, mut pinged_there) = stream(&bob, &alice, &mut accepted).await;
    pinged_there.read_exact(&mut [0]).await.expect("it stands");

    // As long as there is room, for many times the patience.
    let begun = Instant::now();
    while begun.elapsed() < 5 * PATIENCE {
        ask_back(&mut pinged, &mut pinged_there).await;
    }
    alone_there.read_exact(&mut [0]).await.expect("not reset");

    // All places are taken: by one with a byte nobody takes, one whose reader waits, and many that are empty.
    let waiting = tokio::spawn(async move {
        let read = alone_there.read_exact(&mut [0]).await.map(drop);
        (read, alone_there)
    });
    let mut empty = Vec::new();
    for _ in 3..STREAMS_GUEST_MAX {
        let (here, mut there) = stream(&bob, &alice, &mut accepted).await;
        there.read_exact(&mut [0]).await.expect("it stands");
        empty.push((here, there));
    }
    // Whose stream it is hears of it, and lets go of it: then its place is free.
    let lost = tokio::spawn(async move { unread.read(&mut [0]).await });
    let (_one_more, _there) = soon("a place", stream(&bob, &alice, &mut accepted)).await;
    let lost = soon("the reset", lost).await.expect("no panic");
    assert!(lost.is_err(), "{lost:?}");
    let lost = unread_there.write_all(b"x").await;
    assert!(lost.is_err(), "both ways");

    // Nobody else lost anything.
    alone.write_all(b"x").await.expect("it stands");
    let (read, _there) = soon("the byte", waiting).await.expect("no panic");
    read.expect("who waits for bytes reads");
    for (here, there) in empty.iter_mut().chain([(pinged, pinged_there)].iter_mut()) {
        ask_back(here, there).await;
    }
}

/// One byte there and one back.
async fn ask_back(here: &mut Stream, there: &mut Stream) {
    here.write_all(b"x").await.expect("it stands");
    there.read_exact(&mut [0]).await.expect("it stands");
    there.write_all(b"y").await.expect("it stands");
    here.read_exact(&mut [0]).await.expect("it stands");
}
