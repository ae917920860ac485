//! Sharing with others than until now.

use kith_core::content::access::{Asker, Relation};
use kith_core::data::head::Audience;
use kith_core::ids::{PeerId, ShareId};
use kith_core::random::Random;

use super::follow::next;
use super::world::{FRIEND, NOW, World};
use crate::content::{Credential, Get, GetError, Recipients, ShareError, ShareEvent};
use crate::entropy;

const OTHER: PeerId = PeerId([199; 32]);

/// The signed head, where the epoch has risen.
fn set_audience(world: &World, share: &ShareId, to: &Recipients) -> Option<Vec<u8>> {
    let mut random = Random::new(entropy::seed());
    let raised = world.shares.set_audience(share, to, &mut random, NOW);
    raised.expect("it is shared")
}

/// From now on it is this contact who asks.
fn ask_as(world: &mut World, peer: PeerId) {
    world.asker = Asker {
        peer: Some(peer),
        relation: Relation::Contact,
    };
}

async fn listed(world: &World) -> usize {
    world.listed().await.len()
}

#[tokio::test]
async fn who_is_taken_out_gets_nothing_any_more_and_who_stays_still_does() {
    let mut world = World::new();
    world.write("f", b"for two");
    let both = Recipients::Named(vec![FRIEND, OTHER]);
    let shared = world.share(both.clone());
    let share = shared.head.share;
    assert_eq!(listed(&world).await, 1);
    let raised = set_audience(&world, &share, &Recipients::Named(vec![OTHER]));
    assert!(raised.is_some(), "grants of until now are void");
    let refused = world.get(world.request(share)).await;
    assert!(matches!(refused, Err(GetError::NotFound)), "{refused:?}");
    assert_eq!(listed(&world).await, 0);

    ask_as(&mut world, OTHER);
    assert_eq!(listed(&world).await, 1);
    let got = world.get(world.request(share)).await.expect("for them");
    assert!(got.head.is_newer_than(&shared.head));
    assert_eq!(
        (got.head.epoch, got.head.manifest),
        (2, shared.head.manifest)
    );
    let mine = world.shares.mine().expect("read");
    assert_eq!(mine[0].named, [OTHER]);
}

#[tokio::test]
async fn who_comes_in_addition_has_it_at_once_and_nobody_needs_a_new_grant() {
    let mut world = World::new();
    world.write("f", b"for one, and then for two");
    let share = world.share(Recipients::Named(vec![FRIEND])).head.share;
    ask_as(&mut world, OTHER);
    assert_eq!(listed(&world).await, 0);
    let mut changes = world.shares.events();
    for wider in [Recipients::Named(vec![FRIEND, OTHER]), Recipients::Contacts] {
        assert_eq!(set_audience(&world, &share, &wider), None);
        let head = next(&mut changes).await;
        assert_eq!((head.share, head.epoch), (share, 1));
        assert_eq!(listed(&world).await, 1);
    }
    world.get(world.request(share)).await.expect("for them");
    assert_eq!(set_audience(&world, &share, &Recipients::Contacts), None);
    while let Ok(event) = changes.try_recv() {
        assert!(
            !matches!(event, ShareEvent::Changed(_)),
            "nothing has changed"
        );
    }
}

#[tokio::test]
async fn a_link_opens_nothing_once_the_share_is_for_others() {
    let mut world = World::new();
    world.write("f", b"for whoever holds the link");
    let first = world.share(Recipients::Link);
    let (share, link) = (first.head.share, first.link.expect("a link"));
    world.asker = Asker::STRANGER;
    let opens = async |world: &World, link| {
        let request = Get {
            credential: Credential::Link(link),
            ..world.request(share)
        };
        world.head(&request).await.is_ok()
    };
    assert!(opens(&world, link.clone()).await);
    assert!(set_audience(&world, &share, &Recipients::Contacts).is_some());
    assert!(!opens(&world, link.clone()).await);
    assert!(world.shares.mine().expect("read")[0].link.is_none());

    assert!(set_audience(&world, &share, &Recipients::Link).is_some());
    let mine = world.shares.mine().expect("read").remove(0);
    let other = mine.link.expect("a new one");
    assert!(other != link && opens(&world, other).await && !opens(&world, link).await);
    assert_eq!(mine.head.epoch, 3);
    ask_as(&mut world, FRIEND);
    assert_eq!(listed(&world).await, 0, "not without the link");
}

#[tokio::test]
async fn a_folder_that_changes_later_stays_for_whom_it_is() {
    let world = World::new();
    world.write("f", b"before");
    let share = world.share(Recipients::Contacts).head.share;
    set_audience(&world, &share, &Recipients::Named(vec![FRIEND]));
    world.write("f", b"afterwards");
    let newer = world.shares.rescan(&share, NOW).expect("read");
    let head = newer.expect("it has changed").head;
    assert_eq!((head.audience, head.epoch), (Audience::Named, 2));
    // The same, shared again with the same people, is the same share.
    let again = world.share(Recipients::Named(vec![FRIEND]));
    assert_eq!(again.head.share, share);
}

#[test]
fn what_was_taken_back_is_for_nobody_again() {
    let world = World::new();
    let share = world.share(Recipients::Contacts).head.share;
    world.shares.unshare(&share, NOW).expect("shared");
    let mut random = Random::new(entropy::seed());
    for share in [share, ShareId([7; 32])] {
        let refused = (world.shares).set_audience(&share, &Recipients::Public, &mut random, NOW);
        assert!(matches!(refused, Err(ShareError::Unknown)), "{refused:?}");
    }
}
