//! Whom a node believes that something they share is new.

use kith_core::content::access::{Asker, Relation};
use kith_core::crypto::SecretKey;
use kith_core::ids::PeerId;

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
