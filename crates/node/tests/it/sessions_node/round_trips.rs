//! What a stream costs in round trips, counted on a way so long that nothing else matters.

use super::*;

/// How often it is tried at most.
const TRIES_MAX: u32 = 100;

/// One way.
const DELAY: Duration = Duration::from_millis(50);

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_with_one_offer_is_answered_within_one_round_trip() {
    let (alice, bob, _way) = far_apart(DELAY).await;
    echo(&alice, "/far/1");
    let path = bob.path_to(alice.peer_id()).expect("a session");
    assert!(
        path.rtt >= DELAY * 2,
        "the way must be long: {:?}",
        path.rtt
    );
    // The best of some, since a busy machine wakes a stream late.
    let (mut sent, mut answered) = (Duration::MAX, Duration::MAX);
    for _ in 0..TRIES_MAX {
        let begun = Instant::now();
        let mut stream = bob
            .open(alice.peer_id(), &[protocol("/far/1")])
            .await
            .expect("a session");
        stream.write_all(b"x").await.expect("written");
        sent = sent.min(begun.elapsed());
        stream.read_exact(&mut [0]).await.expect("an answer");
        answered = answered.min(begun.elapsed());
        // Nothing is waited for before the first byte is sent.
        if sent < DELAY && answered <= DELAY * 2 * 13 / 10 {
            return;
        }
    }
    let round_trip = DELAY * 2;
    panic!("sent after {sent:?}, answered after {answered:?} with round trips of {round_trip:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_offers_cost_one_round_trip_more() {
    let (alice, bob, _way) = far_apart(DELAY).await;
    echo(&alice, "/far/1");
    let begun = Instant::now();
    let offers = [protocol("/far/2"), protocol("/far/1")];
    let mut stream = bob.open(alice.peer_id(), &offers).await.expect("spoken");
    assert!(begun.elapsed() >= DELAY * 2, "the choice is waited for");
    soon("an answer", ask(&mut stream)).await.expect("spoken");
    assert!(begun.elapsed() >= DELAY * 4);
}
