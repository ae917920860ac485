//! The owner and a friend who has it give at once, each a part.

use std::fs;

use kith::Node;
use kith::content::Recipients;
use kith::core::content::limits::{Cap, Plan};

use super::copies::{alice_and_two_friends, heard};
use super::people::{self, Person, bytes, given};

/// What is fetched: some seconds' worth of one.
const BIG_BYTES: usize = 24 << 20;

/// What each gives at most, in bytes a second: so slow that the other has time to join in.
const RATE: u64 = 4 << 20;

fn slow(node: &Node) {
    let mut plan = Plan {
        local: true,
        ..Plan::unlimited()
    };
    plan.usual.upload = Some(Cap::Rate(RATE));
    node.contents().set_plan(plan);
}

/// Alice, who shares something; Bob, who has fetched it; and Carol, a friend of both, who has not.
async fn two_who_have_it_and_a_friend() -> (Person, Person, Person) {
    let (alice, bob, carol) = alice_and_two_friends().await;
    bob.meet(&carol).await;
    alice.write("big", &bytes(1, BIG_BYTES));
    let share = alice.share("big", Recipients::Contacts).await.share;
    bob.get("alice/big").await.expect("fetched");
    heard(&alice.node, share.head.share, bob.node.peer_id()).await;
    for node in [&alice.node, &bob.node] {
        slow(node);
    }
    (alice, bob, carol)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_and_a_friend_give_at_once() {
    let (alice, bob, carol) = two_who_have_it_and_a_friend().await;
    let fetched = carol.get("alice/big").await.expect("fetched");
    let by = [&alice, &bob].map(|person| given(&fetched, Some(person.node.peer_id())));
    assert!(by.iter().all(|bytes| *bytes > 0), "{by:?}");
    assert_eq!(by.iter().sum::<u64>(), BIG_BYTES as u64);
    assert!(fs::read(carol.at("out/big")).expect("there") == bytes(1, BIG_BYTES));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_friend_gives_the_rest_when_the_owner_goes_half_way() {
    let (alice, bob, carol) = two_who_have_it_and_a_friend().await;
    let options = carol.options("alice/big").await.expect("a source");
    let mut transfer = carol.node.contents().get(options);
    people::until(&mut transfer, BIG_BYTES as u64 / 2).await;
    alice.node.shutdown().await;
    let fetched = people::finish(transfer).await.expect("by Bob");
    let by = [&alice, &bob].map(|person| given(&fetched, Some(person.node.peer_id())));
    assert!(by.iter().all(|bytes| *bytes > 0), "{by:?}");
    assert_eq!(by.iter().sum::<u64>(), BIG_BYTES as u64);
    assert!(fs::read(carol.at("out/big")).expect("there") == bytes(1, BIG_BYTES));
}
