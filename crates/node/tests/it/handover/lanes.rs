//! One transfer over two express lanes of one provider, between nodes with real sockets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::process::Command;

use kith::content::{Carrier, Recipients};
use kith::core::protocol::ProtocolName;
use kith::core::routing::Access;
use kith::peer::Attached;
use kith::{ErrorKind, Node};
use rustix::net::{Shutdown, getpeername, getsockname, shutdown};

use super::broken::{ALONE, lanes};
use super::half::limit;
use super::people::{PATIENCE, Person, bytes};
use crate::programs;
use crate::waiting::{a_moment, eventually, soon};

/// What is fetched: as much as makes a further lane worth it, twice.
const BIG_BYTES: usize = 160 << 20;

/// What Alice gives in a second: slow enough to look on.
const RATE: u64 = 32 << 20;

/// What each lane carries at least where both are said to carry.
const CARRIED_MIN: u64 = 8 << 20;

/// The most of it that may be fetched twice: what was under way.
const TWICE_MAX: u64 = 16 << 20;

/// What may come by the session where all content comes by lanes.
const BESIDE_MAX: u64 = 4 << 20;

/// Runs a test in a process in which all lanes are its own. Whether this is it.
fn is_alone(name: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let alone = Command::new(std::env::current_exe().expect("this test"))
        .args([&format!("handover::lanes::{name}"), "--exact"])
        .env(ALONE, "")
        .output()
        .expect("this test runs");
    let said = String::from_utf8_lossy(&alone.stdout);
    assert!(alone.status.success(), "{said}");
    false
}

/// Alice, who shares something large; and Bob, who may have a further lane however slow one is.
async fn strangers() -> (Person, Person) {
    let builder = Node::builder().further_lane_rate(0);
    let (alice, bob) = (
        Person::new("alice").await,
        Person::with("bob", builder).await,
    );
    alice.write("big", &bytes(1, BIG_BYTES));
    alice.share("big", Recipients::Contacts).await;
    (alice, bob)
}

/// They have met, and she gives at a rate at which both lanes are of use.
async fn meet(alice: &Person, bob: &Person) {
    alice.meet(bob).await;
    limit(alice, RATE);
}

async fn alice_and_bob() -> (Person, Person) {
    let (alice, bob) = strangers().await;
    meet(&alice, &bob).await;
    (alice, bob)
}

async fn begin(bob: &Person) -> Attached {
    let options = bob.options("alice/big").await.expect("a source");
    let transfers = bob.node.contents().transfers();
    transfers.begin(options, false).await.expect("begun")
}

/// Fails unless all of it is here.
async fn finish(bob: &Person, transfer: Attached) {
    let finished = tokio::time::timeout(PATIENCE, transfer.finished()).await;
    let fetched = finished.expect("it ends").expect("fetched");
    assert_eq!(fetched.bytes, BIG_BYTES as u64);
    let [source] = fetched.sources.as_slice() else {
        panic!("{:?}", fetched.sources);
    };
    assert_eq!(source.bytes, BIG_BYTES as u64, "from her alone");
    assert!(std::fs::read(bob.at("out/big")).expect("there") == bytes(1, BIG_BYTES));
}

/// What the owner is shown of who fetched it: one entry, of not much more than there is.
async fn assert_remembered_once(alice: &Person, bob: &Person) {
    let recorded = async {
        loop {
            let share = alice.node.contents().my_share("big").await.expect("hers");
            match share.fetches.as_slice() {
                [fetch] if fetch.bytes >= BIG_BYTES as u64 => return *fetch,
                [] | [_] => a_moment().await,
                several => panic!("{several:?}"),
            }
        }
    };
    let fetch = soon("a record", recorded).await;
    assert_eq!(fetch.peer, Some(bob.node.peer_id()));
    assert!(fetch.bytes <= BIG_BYTES as u64 + TWICE_MAX, "{fetch:?}");
    assert!(fetch.whole.is_some());
}

/// The ends of lanes in this process, each once: where each is and leads to.
fn ends() -> BTreeMap<(SocketAddr, SocketAddr), OwnedFd> {
    let ends = lanes().into_iter().filter_map(|lane| {
        let (here, there) = (getsockname(&lane).ok()?, getpeername(&lane).ok()?);
        let (here, there) = (here.try_into().ok()?, there?.try_into().ok()?);
        Some(((here, there), lane))
    });
    ends.collect()
}

/// Waits until there are so many ends.
async fn until_ends(count: usize) {
    eventually("lanes", || ends().len() == count).await;
}

/// How much each end of a lane has received, as the kernel says.
fn received() -> Vec<u64> {
    let told = Command::new("ss")
        .arg("-tinH")
        .output()
        .expect("it is there");
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let ends = ends();
    let lines: Vec<&str> = told.lines().collect();
    let mut received = Vec::new();
    for pair in lines.windows(2) {
        let mut words = pair[0].split_whitespace().skip(3);
        let addresses = words.next().zip(words.next());
        let known = addresses.is_some_and(|(here, there)| {
            here.parse()
                .ok()
                .zip(there.parse().ok())
                .is_some_and(|it| ends.contains_key(&it))
        });
        let bytes = pair[1]
            .split_whitespace()
            .find_map(|it| it.strip_prefix("bytes_received:"));
        if let Some(bytes) = bytes.filter(|_| known) {
            received.push(bytes.parse().expect("a number"));
        }
    }
    received
}

#[tokio::test(flavor = "multi_thread")]
async fn two_lanes_carry_one_transfer_and_count_once() {
    if !programs::is_there("ss") || !is_alone("two_lanes_carry_one_transfer_and_count_once") {
        return;
    }
    let (alice, bob) = alice_and_bob().await;
    let transfer = begin(&bob).await;
    let both = || received().iter().filter(|it| **it >= CARRIED_MIN).count() == 2;
    eventually("both lanes carry", both).await;
    let givers = bob.node.contents().transfers().givers(transfer.id());
    let [giver] = givers.as_slice() else {
        panic!("{givers:?}");
    };
    assert_eq!(giver.peer, Some(alice.node.peer_id()));
    assert_eq!(giver.carrier, Some(Carrier::Lane));
    let uploads = alice.node.contents().uploads().await.expect("told");
    assert_eq!(uploads.len(), 1, "{uploads:?}");
    finish(&bob, transfer).await;
    until_ends(0).await;
    assert_remembered_once(&alice, &bob).await;
    let datagrams: u64 = bob.node.sessions().iter().map(|it| it.bytes.1).sum();
    assert!(datagrams < BESIDE_MAX, "{datagrams} bytes by the session");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_lane_that_breaks_leaves_the_first() {
    if !is_alone("a_second_lane_that_breaks_leaves_the_first") {
        return;
    }
    let (alice, bob) = alice_and_bob().await;
    let transfer = begin(&bob).await;
    until_ends(2).await;
    let first: Vec<_> = ends().into_keys().collect();
    until_ends(4).await;
    for (end, lane) in ends() {
        if !first.contains(&end) {
            // The other end is shut with the first.
            let _ = shutdown(lane, Shutdown::Both);
        }
    }
    until_ends(2).await;
    finish(&bob, transfer).await;
    assert_remembered_once(&alice, &bob).await;
    let datagrams: u64 = bob.node.sessions().iter().map(|it| it.bytes.1).sum();
    assert!(datagrams < BESIDE_MAX, "{datagrams} bytes by the session");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_first_lane_breaks_both_are_over_and_the_session_gives_the_rest() {
    if !is_alone("when_the_first_lane_breaks_both_are_over_and_the_session_gives_the_rest") {
        return;
    }
    let (alice, bob) = alice_and_bob().await;
    let transfer = begin(&bob).await;
    until_ends(2).await;
    let first = ends();
    until_ends(4).await;
    for lane in first.into_values() {
        // The other end is shut with the first.
        let _ = shutdown(lane, Shutdown::Both);
    }
    until_ends(0).await;
    finish(&bob, transfer).await;
    assert_remembered_once(&alice, &bob).await;
    let datagrams: u64 = bob.node.sessions().iter().map(|it| it.bytes.1).sum();
    assert!(datagrams > BESIDE_MAX, "{datagrams} bytes by the session");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_lane_that_is_refused_is_done_without() {
    if !is_alone("a_second_lane_that_is_refused_is_done_without") {
        return;
    }
    let (alice, bob) = alice_and_bob().await;
    let bulk: ProtocolName = "/bulk/1".parse().expect("a name");
    let mut streams = alice
        .node
        .accept(bulk.clone(), Access::Contacts)
        .expect("free");
    let mut held = Vec::new();
    // As many as leave her one.
    for _ in 0..3 {
        let lane = bob.node.open_express(alice.node.peer_id(), &bulk).await;
        held.push(lane.expect("a direct path"));
        held.push(soon("a stream", streams.next()).await.expect("running"));
    }
    let mut transfer = begin(&bob).await;
    let mut most = 0;
    while transfer.changed().await.is_some() {
        most = most.max(ends().len());
    }
    assert_eq!(most, 8, "four lanes");
    finish(&bob, transfer).await;
    let datagrams: u64 = bob.node.sessions().iter().map(|it| it.bytes.1).sum();
    assert!(datagrams < BESIDE_MAX, "{datagrams} bytes by the session");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pauses_or_is_blocked_has_no_lane_left() {
    if !is_alone("who_pauses_or_is_blocked_has_no_lane_left") {
        return;
    }
    let (alice, bob) = alice_and_bob().await;
    let transfer = begin(&bob).await;
    until_ends(4).await;
    let transfers = bob.node.contents().transfers();
    transfers.pause(transfer.id()).await.expect("paused");
    until_ends(0).await;
    transfers.resume(transfer.id()).await.expect("goes on");
    until_ends(4).await;
    let book = alice.node.address_book();
    book.block(bob.node.peer_id()).await.expect("a contact");
    until_ends(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lie_by_either_lane_ends_both_and_is_told() {
    if !is_alone("a_lie_by_either_lane_ends_both_and_is_told") {
        return;
    }
    let (mut alice, bob) = strangers().await;
    let mut wrong = bytes(1, BIG_BYTES);
    // One byte, of one chunk among hundreds, which come in any order: most likely when both lanes carry.
    wrong[BIG_BYTES / 2] ^= 1;
    alice.edit_unseen("big", &wrong).await;
    meet(&alice, &bob).await;
    let transfer = begin(&bob).await;
    let finished = tokio::time::timeout(PATIENCE, transfer.finished()).await;
    let failure = finished.expect("it ends").expect_err("one byte is wrong");
    assert_eq!(failure.kind, ErrorKind::NotVerified, "{failure:?}");
    assert!(failure.message.contains("what came for"), "{failure:?}");
    until_ends(0).await;
}
