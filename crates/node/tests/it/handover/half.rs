//! What is only half here is provided: getters of one share get it from each other while it comes.

use std::fs;

use futures_util::future::join_all;
use kith::content::Recipients;
use kith::core::content::limits::{Cap, Plan};
use kith::core::ids::ShareId;
use kith::peer::{Fetched, GetOptions, SourceBytes};
use kith::{Error, Node};

#[cfg(target_os = "linux")]
use super::broken;
use super::copies::heard;
use super::people::{self, Person, bytes, given};

/// How much is shared: many times what a getter asks of one source ahead.
const BYTES: usize = 12 << 20;

/// What the owner may send in a second: slow enough that those who fetch find each other before half is sent.
const RATE: u64 = 3 << 20;

/// Alice, whose upload is limited on loopback too and who shares something; so many friends of hers, who do not know each other; and what each
/// asks for to fetch it.
async fn slow_alice_and_friends(count: usize) -> (Person, Vec<Person>, Vec<GetOptions>) {
    let alice = Person::new("alice").await;
    alice.write("big", &bytes(1, BYTES));
    alice.share("big", Recipients::Contacts).await;
    let (mut friends, mut options) = (Vec::new(), Vec::new());
    for name in ["bob", "carol", "dave", "erin"].into_iter().take(count) {
        let friend = Person::new(name).await;
        alice.meet(&friend).await;
        options.push(friend.options("alice/big").await.expect("a source"));
        friends.push(friend);
    }
    limit(&alice, RATE);
    (alice, friends, options)
}

/// Limits what somebody sends in a second, on loopback too.
pub(super) fn limit(person: &Person, rate: u64) {
    let mut plan = Plan {
        local: true,
        ..Plan::unlimited()
    };
    plan.usual.upload = Some(Cap::Rate(rate));
    person.node.contents().set_plan(plan);
}

/// Has everybody fetch at once.
async fn fetch_all(friends: &[Person], options: &[GetOptions]) -> Vec<Result<Fetched, Error>> {
    let fetched = friends
        .iter()
        .zip(options)
        .map(|(friend, options)| people::finish(friend.node.contents().get(options.clone())));
    join_all(fetched).await
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_fetch_at_once_get_most_of_it_from_each_other() {
    let (alice, friends, options) = slow_alice_and_friends(4).await;
    fetch_mostly_from_each_other(&alice, &friends, &options).await;
}

/// Has all fetch Alice's file at once, and looks who gave what.
async fn fetch_mostly_from_each_other(alice: &Person, friends: &[Person], options: &[GetOptions]) {
    let fetched = fetch_all(friends, options).await;
    let mut sent = 0;
    for (friend, fetched) in friends.iter().zip(fetched) {
        let fetched = fetched.expect("fetched");
        let from_alice = given(&fetched, Some(alice.node.peer_id()));
        assert!(from_alice < BYTES as u64 * 3 / 4, "{from_alice}");
        // The friends did not say who they are.
        assert_eq!(from_alice + given(&fetched, None), BYTES as u64);
        sent += from_alice;
        assert!(fs::read(friend.at("out/big")).expect("there") == bytes(1, BYTES));
    }
    assert!(sent * 10 < BYTES as u64 * 22, "{sent} of {BYTES}");
}

/// Each of them is known to have it, and has it no more; once more, it comes to each while the others ask.
#[tokio::test(flavor = "multi_thread")]
async fn those_who_deleted_their_copies_get_it_from_each_other_again() {
    let (alice, friends, options) = slow_alice_and_friends(4).await;
    fetch_all(&friends, &options).await;
    for friend in &friends {
        heard(
            &alice.node,
            share(&friend.node).await,
            friend.node.peer_id(),
        )
        .await;
        fs::remove_file(friend.at("out/big")).expect("there");
    }
    fetch_mostly_from_each_other(&alice, &friends, &options).await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn those_who_fetch_from_each_other_do_so_by_lanes() {
    if std::env::var_os(broken::ALONE).is_none() {
        let name = "handover::half::those_who_fetch_from_each_other_do_so_by_lanes";
        let alone = std::process::Command::new(std::env::current_exe().expect("this test"))
            .args([name, "--exact"])
            .env(broken::ALONE, "")
            .output()
            .expect("this test runs");
        let said = String::from_utf8_lossy(&alone.stdout);
        assert!(alone.status.success(), "{said}");
        return;
    }
    let (_alice, friends, options) = slow_alice_and_friends(2).await;
    let begun = friends.iter().zip(options);
    let mut transfers: Vec<_> = begun
        .map(|(friend, options)| friend.node.contents().get(options))
        .collect();
    let mut most = 0;
    while transfers[0].changed().await.is_some() {
        most = most.max(lane_ends());
    }
    for transfer in transfers {
        people::finish(transfer).await.expect("fetched");
    }
    assert!(most > 4, "{most} ends; Alice's two lanes have four");
}

/// How many ends of lanes this process has. One may be held twice.
#[cfg(target_os = "linux")]
fn lane_ends() -> usize {
    use rustix::net::{getpeername, getsockname};
    let ends = broken::lanes().into_iter().filter_map(|lane| {
        let (here, there) = (getsockname(&lane).ok()?, getpeername(&lane).ok()?);
        Some(format!("{here:?} {there:?}"))
    });
    ends.collect::<std::collections::BTreeSet<_>>().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_gives_up_is_asked_no_more_and_is_no_liar() {
    let (alice, friends, options) = slow_alice_and_friends(2).await;
    let (bob, carol) = (&friends[0], &friends[1]);
    let mut bobs = bob.node.contents().get(options[0].clone());
    let carols = carol.node.contents().get(options[1].clone());
    people::until(&mut bobs, BYTES as u64 / 2).await;
    drop(bobs);
    people::finish(carols).await.expect("fetched from Alice");
    // He goes on, and gives it to her again.
    people::finish(bob.node.contents().get(options[0].clone()))
        .await
        .expect("fetched");
    heard(&alice.node, share(&bob.node).await, bob.node.peer_id()).await;
    alice.node.shutdown().await;
    carol.node.contents().unshare("big").await.expect("dropped");
    fs::remove_file(carol.at("out/big")).expect("there");
    let again = carol.get("alice/big").await.expect("fetched from Bob");
    let unnamed = SourceBytes {
        peer: None,
        bytes: BYTES as u64,
    };
    assert_eq!(
        again.sources,
        [unnamed],
        "who gave it did not say who they are"
    );
    assert!(fs::read(carol.at("out/big")).expect("there") == bytes(1, BYTES));
}

/// The one share of which a node has a copy.
async fn share(node: &Node) -> ShareId {
    let copies = node.contents().copies().await.expect("read");
    copies.first().expect("one").head.share
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_want_to_provide_does_not_meanwhile() {
    let (alice, friends, mut options) = slow_alice_and_friends(2).await;
    options[0].provide = false;
    let fetched = fetch_all(&friends, &options).await;
    let carols = fetched[1].as_ref().expect("fetched");
    let from_alice = given(carols, Some(alice.node.peer_id()));
    assert_eq!(from_alice, BYTES as u64);
}
