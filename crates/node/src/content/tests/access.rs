//! Whoever may not have a share learns nothing of it.

use kith_core::content::access::{Asker, Relation};
use kith_core::data::link::LinkSecret;
use kith_core::data::manifest::Totals;
use kith_core::ids::{PeerId, ShareId};
use kith_core::random::Random;

use super::world::{FRIEND, NOW, World};
use crate::content::{Answered, Credential, Get, GetError, NewShare, Recipients, head, list};
use crate::entropy;

fn asker(relation: Relation) -> Asker {
    Asker {
        peer: Some(PeerId([201; 32])),
        relation,
    }
}

#[tokio::test]
async fn more_shares_than_fit_a_page_are_listed_behind_the_last_of_it() {
    let world = World::new();
    world.write("f", b"for all");
    for number in 0..150 {
        let new = NewShare {
            paths: vec![world.source()],
            recipients: Recipients::Public,
            name: Some(number.to_string()),
            bare: false,
        };
        let mut random = Random::new(entropy::seed());
        world.shares.share(&new, &mut random, NOW).expect("shared");
    }
    let all = world.listed().await;
    assert_eq!(all.len(), 150);
    // Of answers of 64 heads each the second is enough.
    let page = list(world.stream(), None, 100, NOW).await;
    let mut page = page.expect("answered");
    assert_eq!(page.heads.len(), 128);
    assert_eq!(page.more_after, page.heads.last().map(|head| head.share));
    let rest = list(world.stream(), page.more_after, 100, NOW).await;
    let rest = rest.expect("answered");
    assert_eq!(rest.more_after, None);
    page.heads.extend(rest.heads);
    assert_eq!(page.heads, all);
    let behind = list(world.stream(), all.last().map(|it| it.share), 100, NOW).await;
    assert_eq!(behind.expect("answered").heads, []);
}

#[tokio::test]
async fn strangers_pending_and_blocked_get_the_answer_of_a_share_that_is_not_there() {
    let mut world = World::new();
    world.write("f", b"private");
    let share = world.share(Recipients::Contacts).head.share;
    for asker in [
        Asker::STRANGER,
        asker(Relation::Stranger),
        asker(Relation::Pending),
        asker(Relation::Blocked),
    ] {
        world.asker = asker;
        assert!(matches!(
            world.get(world.request(share)).await,
            Err(GetError::NotFound)
        ));
        let missing = world.request(ShareId([0; 32]));
        assert!(matches!(world.get(missing).await, Err(GetError::NotFound)));
        assert_eq!(world.listed().await, []);
        assert!(world.out_names().is_empty());
    }
}

#[tokio::test]
async fn a_share_for_somebody_named_is_for_nobody_else() {
    let mut world = World::new();
    world.write("f", b"private");
    let share = world.share(Recipients::Named(vec![FRIEND])).head.share;
    assert_eq!(world.listed().await.len(), 1);
    world.get(world.request(share)).await.expect("named");
    world.asker = asker(Relation::Contact);
    assert!(matches!(
        world.get(world.request(share)).await,
        Err(GetError::NotFound)
    ));
    assert_eq!(world.listed().await, []);
}

#[tokio::test]
async fn a_link_opens_its_share_for_strangers_and_nothing_else_does() {
    let mut world = World::new();
    world.write("f", b"for whoever holds the link");
    let shared = world.share(Recipients::Link);
    let share = shared.head.share;
    world.asker = Asker::STRANGER;
    let with = |credential| Get {
        credential,
        ..world.request(share)
    };
    let wrong = Credential::Link(LinkSecret([0; 32]));
    assert!(matches!(
        world.get(with(wrong)).await,
        Err(GetError::NotFound)
    ));
    assert!(matches!(
        world.get(with(Credential::Session)).await,
        Err(GetError::NotFound)
    ));
    assert_eq!(world.listed().await, []);
    let right = Credential::Link(shared.link.expect("a link share"));
    world.get(with(right)).await.expect("the link opens it");
}

#[tokio::test]
async fn a_share_taken_back_is_gone_for_everybody() {
    let world = World::new();
    world.write("f", b"x");
    let share = world.share(Recipients::Public).head.share;
    head(world.stream(), share, &Credential::Session, None, NOW)
        .await
        .expect("there");
    world.shares.unshare(&share, NOW).expect("taken back");
    assert!(matches!(
        world.get(world.request(share)).await,
        Err(GetError::NotFound)
    ));
    assert!(world.shares.mine().expect("read").is_empty());
    assert!(world.shares.unshare(&share, NOW).is_err());
}

#[tokio::test]
async fn a_contact_is_given_a_grant_with_the_head_and_a_stranger_none() {
    let mut world = World::new();
    world.write("f", b"x");
    let private = world.share(Recipients::Contacts).head.share;
    let Answered { grant, .. } = head(world.stream(), private, &Credential::Session, None, NOW)
        .await
        .expect("there");
    let grant = grant
        .expect("a contact")
        .verify(&kith_core::crypto::Ed25519, NOW)
        .expect("genuine");
    assert_eq!((grant.peer, grant.share), (FRIEND, private));
    world.shares.unshare(&private, NOW).expect("taken back");
    let public = world.share(Recipients::Public).head.share;
    world.asker = Asker::STRANGER;
    let Answered { grant, .. } = head(world.stream(), public, &Credential::Session, None, NOW)
        .await
        .expect("public");
    assert_eq!(grant, None);
}

#[tokio::test]
async fn a_snapshot_is_served_only_to_those_who_may_have_its_share() {
    let world = World::new();
    world.write("f", b"known to the asker");
    let head = world.share(Recipients::Named(vec![PeerId([5; 32])])).head;
    let mut elsewhere = head.clone();
    elsewhere.share = ShareId([0; 32]);
    for head in [head, elsewhere] {
        let error = world
            .fetch_node(&head)
            .await
            .expect_err("not for the asker");
        assert!(matches!(error, GetError::Gone), "{error}");
    }
    let public = world.share(Recipients::Public).head;
    world.fetch_node(&public).await.expect("for everybody");
    let mut other_size = public;
    other_size.totals = Totals::default();
    let error = world.fetch_node(&other_size).await.expect_err("another");
    assert!(matches!(error, GetError::Gone), "{error}");
}

#[tokio::test]
async fn more_shares_than_one_answer_holds_are_listed_all() {
    use crate::content::NewShare;
    use kith_core::random::Random;
    let world = World::new();
    world.write("f", b"x");
    let mut random = Random::new([3; 32]);
    for number in 0..70 {
        let new = NewShare {
            paths: vec![world.source()],
            recipients: Recipients::Contacts,
            name: Some(format!("share {number}")),
            bare: false,
        };
        world.shares.share(&new, &mut random, NOW).expect("shared");
    }
    let heads = world.listed().await;
    assert_eq!(heads.len(), 70);
    assert!(heads.windows(2).all(|pair| pair[0].share < pair[1].share));
}

#[tokio::test]
async fn a_directory_is_listed_by_its_path_for_those_who_may() {
    let mut world = World::new();
    world.write("a/b/one.txt", b"one");
    world.write("a/two.txt", b"two");
    let share = world.share(Recipients::Contacts).head.share;
    for (path, expected) in [
        ("", vec!["a"]),
        ("a", vec!["b", "two.txt"]),
        ("a/b", vec!["one.txt"]),
        ("a/two.txt", vec!["two.txt"]),
    ] {
        let listed = world.entries(share, path).await.expect("listed");
        let names: Vec<&str> = listed.iter().map(|entry| entry.name()).collect();
        assert_eq!(names, expected, "{path}");
    }
    world.asker = Asker::STRANGER;
    let refused = world.entries(share, "a").await;
    assert!(matches!(refused, Err(GetError::NotFound)));
}
