//! How sessions end.

use super::*;
use crate::friends::all_ended;
use kith::ErrorKind;
use kith::core::peer::Event;
use kith::core::routing::{CloseCode, DownReason};

/// A moment, on a machine that does much else.
const TOLD_WITHIN: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_is_told_at_once() {
    let (alice, bob) = two().await;
    let mut events = bob.events();
    let told = tokio::spawn(async move {
        loop {
            if let Event::Down { reason, .. } = events.recv().await.expect("running") {
                return (reason, Instant::now());
            }
        }
    });
    let begun = Instant::now();
    alice.shutdown().await;
    let (reason, at) = soon("the end", told).await.expect("no panic");
    assert_eq!(reason, DownReason::Closed(CloseCode::Leaving));
    // Somebody who is just gone is missed only after 30 s.
    assert!(at - begun < TOLD_WITHIN, "{:?}", at - begun);
    assert_eq!(bob.sessions().len(), 0);
}

/// The farewell must not overtake what was sent before it: neither on the way, where packets are lost, nor at the other
/// side, which may be slow to look.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_finished_before_a_shutdown_arrives() {
    let (alice, bob, way) = far_apart(Duration::from_millis(20)).await;
    let mut streams = alice
        .accept(protocol("/last/1"), Access::Contacts)
        .expect("free");
    way.allow(Traffic::Cut);
    for number in 0..50_u8 {
        let mut stream = bob
            .open(alice.peer_id(), &[protocol("/last/1")])
            .await
            .expect("a session");
        stream.write_all(&[number; 1000]).await.expect("written");
        stream.shutdown().await.expect("finished");
    }
    let leaving = tokio::spawn(async move { bob.shutdown().await });
    // Lost for a while, within the time a shutdown waits.
    tokio::time::sleep(Duration::from_millis(300)).await;
    way.allow(Traffic::Open);
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 50 {
        let mut stream = soon("a stream", streams.next()).await.expect("running");
        let mut all = Vec::new();
        soon("its end", stream.read_to_end(&mut all))
            .await
            .expect("all of it");
        assert_eq!(all.len(), 1000);
        seen.insert(all[0]);
    }
    soon("the shutdown", leaving).await.expect("no panic");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_counts_as_open_until_the_other_side_has_all_of_it() {
    let (alice, bob, way) = far_apart(Duration::from_millis(20)).await;
    let mut streams = alice
        .accept(protocol("/last/1"), Access::Contacts)
        .expect("free");
    all_ended(&bob).await;
    let mut stream = bob
        .open(alice.peer_id(), &[protocol("/last/1")])
        .await
        .expect("a session");
    stream.agreed().await.expect("spoken");
    way.allow(Traffic::Cut);
    stream.write_all(b"x").await.expect("written");
    stream.shutdown().await.expect("finished");
    drop(stream);
    let open: Vec<_> = bob.sessions().iter().map(|it| it.streams).collect();
    assert_eq!(open, [1], "nothing has arrived");
    way.allow(Traffic::Open);
    all_ended(&bob).await;
    let mut stream = soon("the stream", streams.next()).await.expect("running");
    let mut all = Vec::new();
    let read = soon("its end", stream.read_to_end(&mut all)).await;
    read.expect("all of it");
    assert_eq!(all, b"x");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_blocked_or_removed_loses_its_session_and_finds_none() {
    for block in [true, false] {
        let (alice, bob) = two().await;
        echo(&alice, "/echo/1");
        let mut stream = bob
            .open(alice.peer_id(), &[protocol("/echo/1")])
            .await
            .expect("a session");
        soon("an answer", ask(&mut stream)).await.expect("spoken");
        let book = alice.address_book();
        match block {
            true => book.block(bob.peer_id()).await.expect("a contact"),
            false => book.remove(bob.peer_id()).await.expect("a contact"),
        }
        let ended = soon("the end", stream.read_exact(&mut [0])).await;
        assert!(ended.is_err());
        let again = soon(
            "an answer",
            bob.open(alice.peer_id(), &[protocol("/echo/1")]),
        )
        .await;
        let answered = match again {
            Ok(mut stream) => soon("an end", ask(&mut stream)).await.is_ok(),
            Err(_) => false,
        };
        assert!(!answered, "block: {block}");
    }
}

/// Somebody who is just gone is missed after 30 s. It takes up to 12 s on a machine that has nothing else to do.
const ASKED_WITHIN: Duration = Duration::from_secs(25);

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_somebody_who_died_without_a_word_is_told_soon_that_they_are_not_reached() {
    let (alice, bob, way) = far_apart(Duration::from_millis(1)).await;
    all_ended(&bob).await;
    way.allow(Traffic::Cut);
    let begun = Instant::now();
    let pong = soon("an answer", bob.pinger(alice.peer_id()).ping()).await;
    let error = pong.expect_err("nobody is there");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(begun.elapsed() < ASKED_WITHIN, "{:?}", begun.elapsed());
    way.allow(Traffic::Open);
    let pong = soon("an answer", bob.pinger(alice.peer_id()).ping()).await;
    pong.expect("she is there");

    stands(&alice, bob.peer_id()).await;
    stands(&bob, alice.peer_id()).await;
    all_ended(&bob).await;
    way.allow(Traffic::Cut);
    let begun = Instant::now();
    let listed = soon("an answer", bob.contents().list(alice.peer_id())).await;
    let error = listed.expect_err("nobody is there");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(begun.elapsed() < ASKED_WITHIN, "{:?}", begun.elapsed());
}

/// Who is carried to another room is silent for longer, and a stream in use is to outlive that.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_to_somebody_silent_ends_no_stream_that_is_in_use() {
    let (alice, bob, way) = far_apart(Duration::from_millis(1)).await;
    echo(&alice, "/echo/1");
    let mut stream = bob
        .open(alice.peer_id(), &[protocol("/echo/1")])
        .await
        .expect("a session");
    soon("an answer", ask(&mut stream)).await.expect("spoken");
    way.allow(Traffic::Cut);
    let pong = soon("an answer", bob.pinger(alice.peer_id()).ping()).await;
    let error = pong.expect_err("nobody answers");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    way.allow(Traffic::Open);
    soon("an answer", ask(&mut stream)).await.expect("it lives");
}
