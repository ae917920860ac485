//! Whom a node believes that something they share is new, how fast, and what it tells others then.

use std::time::Duration;

use kith_core::content::access::{Asker, Relation};
use kith_core::content::news::{HEARD_PER_SECOND, WAIT_MAX};
use kith_core::crypto::SecretKey;
use kith_core::ids::PeerId;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::time::Instant;

use super::world::World;
use crate::content::{Recipients, ShareEvent, Talk};

fn alice() -> SecretKey {
    SecretKey::from_bytes([1; 32])
}

/// What somebody is told who follows the shares of a node that is told this head by this asker.
async fn told(asker: Asker, head: Vec<u8>) -> Option<ShareEvent> {
    let mut world = World::of(SecretKey::from_bytes([2; 32]));
    world.asker = asker;
    let mut events = world.shares.events();
    let mut talk = Talk::new(world.stream());
    talk.notice(head).await.expect("noted");
    events.try_recv().ok()
}

#[tokio::test]
async fn a_contact_who_tells_of_a_share_of_their_own_is_heard_and_nobody_else() {
    let world = World::new();
    world.write("f", b"1");
    let shared = world.share(Recipients::Contacts);
    let share = shared.head.share;
    let head = world.shares.row(&share).expect("read").expect("there").head;
    let by = |peer: Option<PeerId>, relation| Asker { peer, relation };
    let owner = Some(alice().peer_id());
    let heard = told(by(owner, Relation::Contact), head.clone()).await;
    let offered = ShareEvent::Offered {
        owner: alice().peer_id(),
        share,
    };
    assert_eq!(heard, Some(offered));
    let mut broken = head.clone();
    *broken.last_mut().expect("bytes") ^= 1;
    for (asker, head) in [
        (by(owner, Relation::Pending), &head),
        (by(owner, Relation::Blocked), &head),
        (by(Some(PeerId([3; 32])), Relation::Contact), &head),
        (Asker::STRANGER, &head),
        (by(owner, Relation::Contact), &broken),
    ] {
        assert_eq!(told(asker, head.clone()).await, None, "{asker:?}");
    }
}

/// A contact of Bob's, who tells of shares of her own as often as this.
async fn tells(bob: &World, times: u64) {
    let alice = World::new();
    alice.write("f", b"1");
    let share = alice.share(Recipients::Contacts).head.share;
    let head = alice.shares.row(&share).expect("read").expect("there").head;
    let mut talk = Talk::new(bob.stream());
    for _ in 0..times {
        talk.notice(head.clone()).await.expect("noted");
    }
}

/// Bob, to whom Alice is a contact.
fn bob() -> World {
    let mut bob = World::of(SecretKey::from_bytes([2; 32]));
    bob.asker = Asker {
        peer: Some(alice().peer_id()),
        relation: Relation::Contact,
    };
    bob
}

#[tokio::test(start_paused = true)]
async fn who_tells_more_than_anybody_has_to_tell_waits_to_be_heard() {
    let bob = bob();
    let began = Instant::now();
    tells(&bob, HEARD_PER_SECOND).await;
    assert!(began.elapsed() < Duration::from_millis(100));
    // The clock of this world stands, so nothing is earned.
    tells(&bob, 2 * HEARD_PER_SECOND).await;
    assert!(began.elapsed() > WAIT_MAX, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn own_changes_are_told_and_no_others_however_much_a_contact_tells() {
    let bob = bob();
    bob.write("mine", b"1");
    let mut events = bob.shares.events();
    let mine = bob.share(Recipients::Contacts).head.share;
    tells(&bob, 100).await;
    let missed = events.try_recv();
    assert!(matches!(missed, Err(TryRecvError::Lagged(_))), "{missed:?}");
    assert_eq!(bob.shares.renewed().await, [mine].into());
    tells(&bob, 1).await;
    let more = tokio::time::timeout(Duration::from_secs(1), bob.shares.renewed()).await;
    assert!(more.is_err(), "{more:?}");
}
