//! Transfers as things of the node: seen, paused, resumed, cancelled, and gone on with after a restart.

use std::time::{Duration, Instant, SystemTime};

use kith::ErrorKind;
use kith::content::Recipients;
use kith::core::content::limits::{Cap, Plan, RATE_MIN};
use kith::peer::{Attached, TransferId, TransferInfo, TransferState};
use tokio::net::UdpSocket;

use super::people::{PATIENCE, Person, bytes, invite};
use super::{BIG_BYTES, two_who_met};
use crate::waiting::{a_moment, soon};

/// Begins to fetch Alice's big file.
async fn begin(bob: &Person, background: bool) -> Attached {
    let mut options = bob.options("alice/big").await.expect("a source");
    options.wait = PATIENCE;
    let transfers = bob.node.contents().transfers();
    transfers
        .begin(options, background)
        .await
        .expect("a transfer")
}

/// Waits until so many bytes have come.
pub(super) async fn until(transfer: &mut Attached, bytes: u64) {
    let come = async {
        while let Some(info) = transfer.changed().await {
            if info.progress.bytes >= bytes {
                return;
            }
        }
        panic!("over before so many bytes came");
    };
    tokio::time::timeout(PATIENCE, come).await.expect("in time");
}

/// Waits until somebody is served, or nobody.
async fn served(alice: &Person, somebody: bool) {
    let reached = async {
        let contents = alice.node.contents();
        while contents.uploads().await.expect("told").is_empty() == somebody {
            a_moment().await;
        }
    };
    tokio::time::timeout(PATIENCE, reached)
        .await
        .expect("in time");
}

/// What a transfer has fetched, in the end.
pub(super) async fn done(transfer: Attached) -> kith::peer::Fetched {
    let finished = tokio::time::timeout(PATIENCE, transfer.finished()).await;
    finished.expect("in time").expect("fetched")
}

fn only(bob: &Person) -> TransferInfo {
    let mut list = bob.node.contents().transfers().list();
    assert_eq!(list.len(), 1, "{list:?}");
    list.remove(0)
}

async fn with_big() -> (Person, Person) {
    let (alice, bob) = two_who_met().await;
    alice.write("big", &bytes(1, BIG_BYTES));
    alice.share("big", Recipients::Contacts).await;
    (alice, bob)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_transfer_goes_on_where_it_was_when_it_is_resumed() {
    let (_alice, bob) = with_big().await;
    let transfers = bob.node.contents().transfers();
    let mut transfer = begin(&bob, false).await;
    until(&mut transfer, BIG_BYTES as u64 / 8).await;
    let paused = transfers.pause(transfer.id()).await.expect("there");
    assert_eq!(paused.state, TransferState::Paused);
    assert_eq!(paused.progress.rate, 0);
    assert!(bob.fetched().is_empty());
    assert_eq!(only(&bob), paused);

    transfers.resume(transfer.id()).await.expect("there");
    let fetched = done(transfer).await;
    assert_eq!(fetched.bytes, BIG_BYTES as u64);
    let this_run: u64 = fetched.sources.iter().map(|source| source.bytes).sum();
    let missing = BIG_BYTES as u64 - paused.progress.bytes;
    assert!(
        this_run <= missing,
        "{this_run} of {missing}: fetched again"
    );
    assert_eq!(bob.fetched(), ["big"]);
    assert!(transfers.list().is_empty(), "nobody keeps it");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_for_a_paused_transfer() {
    let (alice, bob) = with_big().await;
    // So slow that it cannot be over by itself.
    let mut slow = Plan::unlimited();
    slow.usual.upload = Some(Cap::Rate(RATE_MIN));
    slow.local = true;
    alice.node.contents().set_plan(slow);
    let transfers = bob.node.contents().transfers();
    let transfer = begin(&bob, true).await;
    served(&alice, true).await;
    let paused = transfers.pause(transfer.id()).await.expect("there");
    served(&alice, false).await;
    assert_eq!(only(&bob), paused, "no byte more");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gets_of_the_same_are_one_transfer() {
    let (_alice, bob) = with_big().await;
    let mut first = begin(&bob, false).await;
    until(&mut first, 1).await;
    let second = begin(&bob, false).await;
    assert_eq!(first.id(), second.id());
    drop(first);
    let fetched = done(second).await;
    assert_eq!(fetched.bytes, BIG_BYTES as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_holds_any_more_is_cancelled_and_goes_on_later() {
    let (_alice, bob) = with_big().await;
    let mut events = bob.node.contents().transfers().events();
    let mut transfer = begin(&bob, false).await;
    until(&mut transfer, 1).await;
    drop(transfer);
    assert!(bob.node.contents().transfers().list().is_empty());
    let mut last = None;
    while let Ok(event) = events.try_recv() {
        last = Some(event.state);
    }
    assert_eq!(last, Some(TransferState::Cancelled));
    done(begin(&bob, false).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_background_transfer_goes_on_after_a_restart_of_the_node() {
    let (alice, mut bob) = with_big().await;
    let mut transfer = begin(&bob, true).await;
    let id = transfer.id();
    until(&mut transfer, BIG_BYTES as u64 / 8).await;
    drop(transfer);
    assert_eq!(only(&bob).id, id);

    bob.restart().await;
    assert!(only(&bob).background);
    let transfer = begin(&bob, false).await;
    assert_eq!(transfer.id(), id, "the same one");
    done(transfer).await;
    let over = only(&bob);
    assert_eq!((over.id, over.state), (id, TransferState::Done));

    bob.restart().await;
    let over = only(&bob);
    assert_eq!((over.id, over.state), (id, TransferState::Done));
    assert_eq!(over.progress.bytes, BIG_BYTES as u64);
    let transfers = bob.node.contents().transfers();
    transfers.cancel(id, false).await.expect("forgotten");
    assert!(transfers.list().is_empty());
    assert_eq!(bob.fetched(), ["big"], "what is whole stays");
    drop(alice);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_background_transfer_whose_node_stops_while_it_looks_for_the_owner_has_not_failed() {
    let (alice, mut bob) = two_who_met().await;
    let route = invite(&alice.node, false).await.contact;
    let place = route.expect("she says where she is").addresses[0];
    alice.node.shutdown().await;
    // Where she was somebody hears him, and says nothing.
    let has_left = async {
        loop {
            match UdpSocket::bind(place).await {
                Ok(there) => return there,
                Err(_) => a_moment().await,
            }
        }
    };
    let there = soon("she has left", has_left).await;
    let id = begin(&bob, true).await.id();
    let heard = soon("he looks for her", there.recv(&mut [0; 2048])).await;
    heard.expect("a packet");

    bob.restart().await;
    let kept = only(&bob);
    assert_eq!((kept.id, kept.failure), (id, None));
    assert_eq!(kept.state, TransferState::Waiting);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_a_second_for_somebody_who_is_away_is_told_so_then() {
    let (alice, bob) = two_who_met().await;
    let carol = Person::new("carol").await;
    alice.write("letter", b"hello");
    let shared = alice.share("letter", Recipients::Link).await.share;
    alice.node.shutdown().await;
    let link = shared.link.to_string();
    for (person, text) in [(&bob, "alice/letter"), (&carol, link.as_str())] {
        let mut options = person.options(text).await.expect("a source");
        options.wait = Duration::from_secs(1);
        let begun = Instant::now();
        let finished = soon("the end", person.node.contents().get(options).finished()).await;
        let error = finished.expect_err("nobody is there");
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        // A dial alone takes 15 s.
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(8), "{text}: {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_background_transfer_stays_paused_over_a_restart() {
    let (_alice, mut bob) = with_big().await;
    let mut transfer = begin(&bob, true).await;
    until(&mut transfer, 1).await;
    let id = transfer.id();
    let transfers = bob.node.contents().transfers();
    transfers.pause(id).await.expect("there");
    drop((transfer, transfers));
    bob.restart().await;
    assert_eq!(only(&bob).state, TransferState::Paused);
    let transfers = bob.node.contents().transfers();
    transfers.resume(id).await.expect("there");
    done(begin(&bob, false).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrived_is_discarded_only_when_asked() {
    let (_alice, bob) = with_big().await;
    let transfers = bob.node.contents().transfers();
    let staged = || std::fs::read_dir(bob.at("out")).expect("there").count();
    for discard in [false, true] {
        let mut transfer = begin(&bob, true).await;
        until(&mut transfer, 1).await;
        let cancelled = transfers.cancel(transfer.id(), discard).await;
        assert_eq!(cancelled.expect("there").state, TransferState::Cancelled);
        let failure = transfer.finished().await.expect_err("cancelled");
        assert_eq!(failure.kind, ErrorKind::Failed);
        assert!(failure.message.contains("cancelled"), "{failure}");
        assert_eq!(staged(), usize::from(!discard));
    }
    assert!(transfers.list().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_fails_says_why_and_can_be_resumed() {
    let (alice, bob) = two_who_met().await;
    let transfers = bob.node.contents().transfers();
    let options = bob.options("alice/later").await.expect("a source");
    let transfer = transfers.begin(options, true).await.expect("a transfer");
    let id = transfer.id();
    let failure = transfer.finished().await.expect_err("no such share yet");
    assert_eq!(failure.kind, ErrorKind::NotFound);
    assert_eq!(only(&bob).failure.as_ref(), Some(&failure));

    alice.write("later", b"now");
    alice.share("later", Recipients::Contacts).await;
    transfers.resume(id).await.expect("there");
    let options = bob.options("alice/later").await.expect("a source");
    done(transfers.begin(options, false).await.expect("the same")).await;
    assert_eq!(bob.fetched(), ["later"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_no_transfer_is_not_found() {
    let bob = Person::new("bob").await;
    let transfers = bob.node.contents().transfers();
    let id = "7".parse().expect("a number");
    for refused in [
        transfers.pause(id).await,
        transfers.resume(id).await,
        transfers.cancel(id, true).await,
    ] {
        let refused = refused.expect_err("no such transfer");
        assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused}");
    }
}

/// Nothing can be written to somebody's database.
struct Unwritable(rusqlite::Connection);

impl Unwritable {
    fn begin(person: &Person) -> Self {
        let path = person.at("data/kith.db");
        let database = rusqlite::Connection::open(path).expect("it is there");
        database.busy_timeout(PATIENCE).expect("set");
        let this = Self(database);
        this.rename("state", "away");
        this
    }

    fn end(self) {
        self.rename("away", "state");
    }

    fn rename(&self, from: &str, to: &str) {
        let statement = format!("ALTER TABLE {from} RENAME TO {to}");
        self.0.execute_batch(&statement).expect("renamed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_somebody_else_cannot_have_kept_goes_on() {
    let (_alice, bob) = with_big().await;
    let transfer = begin(&bob, true).await;
    let options = bob.options("alice/big").await.expect("a source");
    let transfers = bob.node.contents().transfers();
    let unwritable = Unwritable::begin(&bob);
    let refused = transfers.begin(options, true).await;
    unwritable.end();
    assert!(refused.is_err());
    assert_eq!(only(&bob).id, transfer.id());
    assert_eq!(done(transfer).await.bytes, BIG_BYTES as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_of_a_resumed_transfer_leaves_it_to_be_resumed() {
    let (_alice, bob) = with_big().await;
    let transfer = begin(&bob, true).await;
    let transfers = bob.node.contents().transfers();
    transfers.pause(transfer.id()).await.expect("there");
    let unwritable = Unwritable::begin(&bob);
    let refused = transfers.resume(transfer.id()).await;
    unwritable.end();
    assert!(refused.is_err());
    assert_eq!(only(&bob).state, TransferState::Paused);
    transfers.resume(transfer.id()).await.expect("written");
    assert_eq!(done(transfer).await.bytes, BIG_BYTES as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_transfer_that_cannot_be_forgotten_leaves_nothing_behind_and_is_cancelled_again()
 {
    let (_alice, mut bob) = with_big().await;
    let mut transfer = begin(&bob, true).await;
    until(&mut transfer, 1).await;
    let id = transfer.id();
    let transfers = bob.node.contents().transfers();
    let unwritable = Unwritable::begin(&bob);
    let refused = transfers.cancel(id, true).await;
    unwritable.end();
    assert!(refused.is_err());
    let left = std::fs::read_dir(bob.at("out")).expect("there").count();
    assert_eq!(left, 0, "what arrived is deleted, as on a full disk");
    assert_eq!(only(&bob).state, TransferState::Cancelled);
    transfers.cancel(id, true).await.expect("forgotten");
    drop((transfer, transfers));
    bob.restart().await;
    assert!(bob.node.contents().transfers().list().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrived_for_a_paused_transfer_outlives_others_beside_it_by_any_time() {
    let (alice, bob) = with_big().await;
    let mut transfer = begin(&bob, true).await;
    until(&mut transfer, BIG_BYTES as u64 / 8).await;
    let transfers = bob.node.contents().transfers();
    transfers.pause(transfer.id()).await.expect("there");
    served(&alice, false).await;
    let mut staged = std::fs::read_dir(bob.at("out")).expect("there");
    let staged = staged.next().expect("one").expect("read").path();
    let lock = std::fs::File::open(staged.join("lock")).expect("there");
    let long_ago = SystemTime::now() - Duration::from_secs(400 * 24 * 60 * 60);
    lock.set_modified(long_ago).expect("set");
    alice.write("small", b"beside it");
    alice.share("small", Recipients::Contacts).await;
    let beside = bob.options("alice/small").await.expect("a source");
    done(transfers.begin(beside, false).await.expect("begun")).await;
    assert!(staged.exists());
}

/// Two of whom Alice was gone when some of her folder `both` had come to Bob: which transfer failed of it, and how much has arrived.
async fn failed_on_the_way(big: &[u8]) -> (Person, Person, TransferId, u64) {
    let (alice, bob) = two_who_met().await;
    alice.write("both/big", big);
    alice.write("both/small", b"beside it");
    alice.share("both", Recipients::Contacts).await;
    let mut slow = Plan::unlimited();
    slow.usual.upload = Some(Cap::Rate(BIG_BYTES as u64 / 4));
    slow.local = true;
    alice.node.contents().set_plan(slow);
    let options = bob.options("alice/both").await.expect("a source");
    let transfers = bob.node.contents().transfers();
    let mut transfer = transfers.begin(options, true).await.expect("begun");
    let id = transfer.id();
    until(&mut transfer, BIG_BYTES as u64 / 4).await;
    // He waits for nobody, so it fails.
    alice.node.shutdown().await;
    let finished = tokio::time::timeout(PATIENCE, transfer.finished()).await;
    finished.expect("in time").expect_err("she is gone");
    let arrived = only(&bob).progress.bytes;
    assert!(arrived >= BIG_BYTES as u64 / 4, "{arrived}");
    (alice, bob, id, arrived)
}

/// Goes on in this folder, and fetches there no more than had not arrived.
async fn goes_on_in(bob: &Person, id: TransferId, out: &str, (big, arrived): (&[u8], u64)) {
    let out = bob.at(out);
    let transfers = bob.node.contents().transfers();
    let transfer = transfers.again(id, Some(&out), false).await;
    let fetched = done(transfer.expect("begun again")).await;
    let came: u64 = fetched.sources.iter().map(|source| source.bytes).sum();
    let all = BIG_BYTES as u64 + b"beside it".len() as u64;
    assert!(came <= all - arrived, "{came} of {all}, {arrived} was here");
    assert!(std::fs::read(out.join("both/big")).expect("there") == big);
    assert_eq!(only(bob).state, TransferState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrived_is_taken_along_when_it_goes_on_in_another_folder() {
    let big = bytes(1, BIG_BYTES);
    let (mut alice, bob, id, arrived) = failed_on_the_way(&big).await;
    alice.come_back(kith::Node::builder()).await;
    goes_on_in(&bob, id, "elsewhere", (&big, arrived)).await;
    let left = std::fs::read_dir(bob.at("out")).expect("there").count();
    assert_eq!(left, 0, "nothing is left where it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_what_arrived_lies_is_known_after_a_restart_though_nothing_could_go_on_there() {
    let big = bytes(1, BIG_BYTES);
    let (mut alice, mut bob, id, arrived) = failed_on_the_way(&big).await;
    let elsewhere = bob.at("elsewhere");
    let transfers = bob.node.contents().transfers();
    let transfer = transfers.again(id, Some(&elsewhere), false).await;
    let finished = transfer.expect("begun again").finished();
    let finished = tokio::time::timeout(PATIENCE, finished).await;
    finished.expect("in time").expect_err("she is gone");
    // He knows where she is by then.
    alice.come_back(kith::Node::builder()).await;
    let listed = bob.node.contents().list(alice.node.peer_id()).await;
    listed.expect("she answers");
    bob.restart().await;
    goes_on_in(&bob, only(&bob).id, "third", (&big, arrived)).await;
    for left in [bob.at("out"), elsewhere] {
        let left = std::fs::read_dir(left).expect("there").count();
        assert_eq!(left, 0, "nothing is left where it was");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_deletes_what_arrived_deletes_that_of_the_one_in_whose_place_it_is_too() {
    let (_alice, bob, id, _) = failed_on_the_way(&bytes(1, BIG_BYTES)).await;
    let transfers = bob.node.contents().transfers();
    // To what is there already: another download, in a folder of its own.
    let again = transfers.again(id, None, true).await.expect("begun again");
    let left = || std::fs::read_dir(bob.at("out")).expect("there").count();
    assert_eq!(left(), 1, "what arrived waits for what becomes of it");
    let cancelled = transfers.cancel(again.id(), true).await.expect("it was");
    assert_eq!(cancelled.state, TransferState::Cancelled);
    assert_eq!((left(), transfers.list().len()), (0, 0));
}
