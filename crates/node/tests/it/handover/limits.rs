//! Content moves no faster than its plan says, and it is told what is served.

use std::time::{Duration, Instant};

use kith::content::Recipients;
use kith::core::content::limits::{Cap, Caps, DAY_MINUTES, Limits, PeerCaps, Period, Plan};

use super::people::{PATIENCE, Person, bytes};
use super::two_who_met;
use crate::waiting::a_moment;

/// A test's rate in bytes a second; the first second's worth passes at once.
const RATE: u64 = 1 << 20;

/// How much is fetched: a burst, and two seconds' worth.
const BYTES: usize = 3 * RATE as usize;

/// How long that takes at least. What the clock may take off is far below a hundredth; the proofs that come with the bytes make it longer.
const TIME_MIN: Duration = Duration::from_millis(1_980);

/// And at most, in one of a few tries: a machine that does much else at once wakes a stream late, and all but the first begin without a burst.
const TIME_MAX: Duration = Duration::from_millis(3_500);

/// How many tries.
const TRIES: u64 = 5;

/// A rate at which what is fetched would take longer than anybody waits here.
const SLOW: u64 = 16 << 10;

/// A plan that holds on loopback too.
fn plan() -> Plan {
    Plan {
        local: true,
        ..Plan::unlimited()
    }
}

/// Has something else fetched for each number.
async fn fetch(alice: &Person, bob: &Person, number: u64) {
    let name = format!("big{number}");
    alice.write(&name, &bytes(number, BYTES));
    alice.share(&name, Recipients::Contacts).await;
    bob.get(&format!("alice/{name}")).await.expect("fetched");
}

/// Fails where the rate does not hold, or is never used.
async fn keeps_to_the_rate_and_uses_it(alice: &Person, bob: &Person) {
    let mut fastest = Duration::MAX;
    for number in 1..=TRIES {
        let begun = Instant::now();
        fetch(alice, bob, number).await;
        let took = begun.elapsed();
        assert!(took >= TIME_MIN, "{took:?}");
        fastest = fastest.min(took);
        if fastest < TIME_MAX {
            return;
        }
    }
    panic!("{fastest:?} at best");
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_together_keep_to_their_rate_and_use_it() {
    let (alice, bob) = two_who_met().await;
    let mut plan = plan();
    plan.usual.upload = Some(Cap::Rate(RATE));
    alice.node.contents().set_plan(plan);
    keeps_to_the_rate_and_uses_it(&alice, &bob).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn downloads_of_one_peer_keep_to_its_rate_and_use_it() {
    let (alice, bob) = two_who_met().await;
    let mut plan = Plan::unlimited();
    let caps = PeerCaps {
        upload: None,
        download: Some(Cap::Rate(RATE)),
    };
    plan.peers.insert(alice.node.peer_id(), caps);
    bob.node.contents().set_plan(plan);
    keeps_to_the_rate_and_uses_it(&alice, &bob).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_that_an_hour_lifts_holds_nothing_back() {
    let (alice, bob) = two_who_met().await;
    let mut plan = plan();
    plan.usual.upload = Some(Cap::Rate(SLOW));
    let caps = Caps {
        upload: Some(Cap::Unlimited),
        ..Caps::default()
    };
    plan.schedule = vec![Period {
        days: [true; 7],
        from: 0,
        until: DAY_MINUTES,
        caps,
    }];
    alice.node.contents().set_plan(plan);
    fetch(&alice, &bob, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_default_nothing_is_held_back_on_the_local_network() {
    let (alice, bob) = two_who_met().await;
    let mut plan = Plan::default();
    plan.usual.upload = Some(Cap::Rate(SLOW));
    plan.usual.download_each = Some(Cap::Rate(SLOW));
    alice.node.contents().set_plan(plan.clone());
    bob.node.contents().set_plan(plan);
    fetch(&alice, &bob, 1).await;
}

/// What passes over a lane for several seconds, and how fast: at each news of the transfer no more than the burst and a tenth above the rate.
async fn keeps_to_the_rate_over_a_lane(alice: &Person, bob: &Person) {
    const SECONDS: u64 = 5;
    alice.write("big", &bytes(1, ((SECONDS + 1) * RATE) as usize));
    alice.share("big", Recipients::Contacts).await;
    let options = bob.options("alice/big").await.expect("a source");
    let begun = Instant::now();
    let mut transfer = bob.node.contents().get(options);
    while let Some(progress) = transfer.changed().await {
        let seconds = begun.elapsed().as_secs_f64();
        let allowed = RATE as f64 * (1.0 + 1.1 * seconds);
        assert!(
            progress.bytes as f64 <= allowed,
            "{progress:?} after {seconds} s"
        );
    }
    super::people::finish(transfer).await.expect("fetched");
    let took = begun.elapsed().as_secs_f64();
    assert!(took >= 0.99 * SECONDS as f64, "{took} s");
    // What a session carries is seen in its datagrams; a lane's bytes are not.
    let datagrams = bob.node.sessions().iter().map(|it| it.bytes.1).sum::<u64>();
    assert!(
        datagrams < RATE,
        "{datagrams} bytes came by the session, and not by a lane"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_rate_holds_over_an_express_lane_for_seconds() {
    let (alice, bob) = two_who_met().await;
    let mut plan = plan();
    plan.usual.upload = Some(Cap::Rate(RATE));
    alice.node.contents().set_plan(plan);
    keeps_to_the_rate_over_a_lane(&alice, &bob).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_rate_holds_over_an_express_lane_for_seconds() {
    let (alice, bob) = two_who_met().await;
    let mut plan = plan();
    plan.usual.download = Some(Cap::Rate(RATE));
    bob.node.contents().set_plan(plan);
    keeps_to_the_rate_over_a_lane(&alice, &bob).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_lifted_under_a_transfer_and_what_is_served_is_told() {
    let (alice, bob) = two_who_met().await;
    let mut slow = plan();
    slow.usual.upload_each = Some(Cap::Rate(SLOW));
    let contents = alice.node.contents();
    contents.set_plan(slow);
    let mut limits = contents.limits();
    assert_eq!(limits.borrow_and_update().upload_each, Some(SLOW));

    alice.write("big", &bytes(1, BYTES));
    let share = alice.share("big", Recipients::Contacts).await.share;
    let options = bob.options("alice/big").await.expect("a source");
    let transfer = bob.node.contents().get(options);
    let served = async {
        loop {
            if let [upload] = &contents.uploads().await.expect("told")[..] {
                return upload.clone();
            }
            a_moment().await;
        }
    };
    let served = tokio::time::timeout(PATIENCE, served).await;
    let served = served.expect("in time");
    assert_eq!(served.peer, Some(bob.node.peer_id()));
    assert_eq!(
        (served.share, served.name),
        (share.head.share, "big".to_owned())
    );

    contents.set_plan(Plan::unlimited());
    assert_eq!(*limits.borrow_and_update(), Limits::default());
    super::people::finish(transfer).await.expect("fetched");
}
