//! What is kept for copies stays within its bound, and what is mine or kept stays.

use std::fs;
use std::time::Duration;

use kith_core::content::Shown;
use kith_core::content::access::{Asker, Relation};
use kith_core::crypto::SecretKey;
use kith_core::ids::{PeerId, ShareId};
use kith_core::time::Time;

use super::world::{NOW, World, bytes};
use crate::content::quota::COPIES_BYTES_MAX;
use crate::content::{Credential, Held, Recipients, Said, Talk};

/// What one of the copies here takes: an outboard of four KiB and a little more. Three of them are more than this, two are less.
const ROOM_FOR_TWO: u64 = 12_000;

/// A public share of Alice's that is fetched into Bob's folder at a time; whether Bob then provides it.
async fn copy(bob: &World, name: u64, keep: bool, at: Time) -> (ShareId, bool) {
    let mut alice = World::of(SecretKey::from_bytes([1; 32]));
    alice.asker = Asker {
        peer: Some(bob.shares.owner().peer_id()),
        relation: Relation::Contact,
    };
    alice.write("big", &bytes(name, 1 << 20));
    let shared = alice.share(Recipients::Public);
    let share = shared.head.share;
    let mut talk = Talk::new(alice.stream());
    let said = talk.head(share, &Credential::Session).await;
    let Ok(Said::Head(news)) = said else {
        panic!("{said:?}");
    };
    let learnt = bob.shares.learn(&news, shared.head.owner, NOW);
    learnt.expect("genuine");
    let out = bob.folder.path().join(name.to_string());
    let request = crate::content::Get {
        out,
        ..alice.request(share)
    };
    let got = alice.get(request).await.expect("fetched");
    let held = Held {
        share,
        manifest: got.head.manifest,
        target: got.target,
        keep,
        selected_of: None,
    };
    bob.shares.hold(&held, at).expect("written");
    (share, bob.shares.examine(&share).expect("read"))
}

fn after(hours: u64) -> Time {
    NOW + Duration::from_secs(hours * 3600)
}

/// Bob, who has room for two copies.
fn bob() -> World {
    let mut bob = World::of(SecretKey::from_bytes([2; 32]));
    bob.asker = Asker::STRANGER;
    bob.shares.others().set_room_bytes(ROOM_FOR_TWO);
    bob
}

fn copied(bob: &World) -> Vec<ShareId> {
    let copies = bob.shares.copies().expect("read");
    copies.iter().map(|copy| copy.head.share).collect()
}

fn sorted<const N: usize>(mut shares: [ShareId; N]) -> [ShareId; N] {
    shares.sort();
    shares
}

#[tokio::test]
async fn the_copy_that_nobody_asked_for_longest_makes_room() {
    let bob = bob();
    let (first, _) = copy(&bob, 1, false, after(0)).await;
    let (second, _) = copy(&bob, 2, false, after(1)).await;
    assert_eq!(copied(&bob), sorted([first, second]));

    // The first is asked for, and by that younger than the second.
    let offered = bob
        .shares
        .admitted((&first, None), &Asker::STRANGER, &Shown::Nothing, after(2));
    assert!(offered.expect("read").is_some());
    let (third, provided) = copy(&bob, 3, false, after(3)).await;
    assert!(provided);
    assert_eq!(copied(&bob), sorted([first, third]));
    let said = Talk::new(bob.stream())
        .head(second, &Credential::Session)
        .await;
    assert!(matches!(said, Ok(Said::Gone)), "{said:?}");
    let file = bob.folder.path().join("2");
    assert!(fs::read_dir(file).expect("there").count() > 0, "files stay");
}

#[tokio::test]
async fn whoever_may_not_have_a_copy_does_not_make_it_younger() {
    let bob = bob();
    let (first, _) = copy(&bob, 1, false, after(0)).await;
    let (second, _) = copy(&bob, 2, false, after(1)).await;
    let blocked = Asker {
        peer: Some(PeerId([9; 32])),
        relation: Relation::Blocked,
    };
    let refused = bob
        .shares
        .admitted((&first, None), &blocked, &Shown::Nothing, after(2));
    assert!(refused.expect("read").is_none());
    let (third, _) = copy(&bob, 3, false, after(3)).await;
    assert_eq!(copied(&bob), sorted([second, third]));
}

#[tokio::test]
async fn what_is_kept_makes_no_room_and_neither_does_what_is_mine() {
    let bob = bob();
    bob.write("mine", &bytes(9, 1 << 20));
    let mine = bob.share(Recipients::Public).head.share;
    let (first, _) = copy(&bob, 1, true, after(0)).await;
    let (second, _) = copy(&bob, 2, true, after(1)).await;
    let (third, provided) = copy(&bob, 3, false, after(2)).await;
    assert!(!provided, "there is no room beside those that are kept");
    assert_eq!(copied(&bob), sorted([first, second]));
    let (fourth, provided) = copy(&bob, 4, true, after(3)).await;
    assert!(provided, "what is to be kept is, over the bound too");
    assert_eq!(copied(&bob), sorted([first, second, fourth]));
    for (share, is_offered) in [(mine, true), (first, true), (third, false)] {
        let said = Talk::new(bob.stream())
            .head(share, &Credential::Session)
            .await;
        assert_eq!(matches!(said, Ok(Said::Head(_))), is_offered);
    }

    // Fetched once more without saying so, it is still kept.
    let row = bob.shares.copies().expect("read");
    let copy = row.iter().find(|copy| copy.head.share == first);
    let copy = copy.expect("kept");
    let again = Held {
        share: first,
        manifest: copy.head.manifest,
        target: copy.target.clone(),
        keep: false,
        selected_of: None,
    };
    bob.shares.hold(&again, after(4)).expect("written");
    assert!(bob.shares.examine(&first).expect("read"));
    assert!(bob.shares.copies().expect("read").iter().all(|it| it.kept));
}

#[tokio::test]
async fn a_copy_larger_than_the_room_drops_no_other() {
    let bob = bob();
    let (first, _) = copy(&bob, 1, false, after(0)).await;
    bob.shares.others().set_room_bytes(5_000);
    let (_, provided) = copy(&bob, 2, false, after(1)).await;
    assert!(provided, "one has room");
    bob.shares.others().set_room_bytes(100);
    let (third, provided) = copy(&bob, 3, false, after(2)).await;
    assert!(!provided);
    assert_eq!(copied(&bob).len(), 1);
    assert!(!copied(&bob).contains(&third) && !copied(&bob).contains(&first));
    bob.shares.others().set_room_bytes(COPIES_BYTES_MAX);
    let (fourth, _) = copy(&bob, 4, false, after(3)).await;
    assert_eq!(copied(&bob).len(), 2);
    assert!(copied(&bob).contains(&fourth));
}
