//! Whoever fetched a share provides it, to the same audience, as long as it is shared.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use kith_core::content::access::{Asker, Relation};
use kith_core::content::grant::{GRANT_LIFETIME_MAX, SignedGrant};
use kith_core::content::referral::Referral;
use kith_core::crypto::{Ed25519, SecretKey};
use kith_core::ids::{BlobHash, DeviceKey, PeerId, ShareId};
use kith_core::time::{DAY, Time};

use super::world::{NOW, World, bytes, snapshot};
use crate::content::fresh::Watches;
use crate::content::{
    Credential, Get, GetError, Held, HoldError, LearnError, News, Recipients, Said, Shared, Talk,
};

pub(super) fn alice() -> SecretKey {
    SecretKey::from_bytes([1; 32])
}

fn bob() -> SecretKey {
    SecretKey::from_bytes([2; 32])
}

pub(super) fn carol() -> SecretKey {
    SecretKey::from_bytes([3; 32])
}

/// Alice, who shares; Bob, who has fetched it and provides it to strangers; and the share.
pub(super) async fn fetched(recipients: Recipients) -> (World, World, Shared) {
    let mut alice = World::new();
    alice.write("readme.txt", b"hello");
    alice.write("sub/picture.jpg", &bytes(1, 3_000_000));
    fs::create_dir(alice.source().join("nothing")).expect("created");
    let shared = alice.share(recipients);
    alice.asker = Asker {
        peer: Some(bob().peer_id()),
        relation: Relation::Contact,
    };
    let mut bob = World::of(bob());
    bob.asker = Asker::STRANGER;
    let share = shared.head.share;
    let credential = match &shared.link {
        Some(link) => Credential::Link(link.clone()),
        None => Credential::Session,
    };
    learn(&alice, &bob, share, &credential).await;
    let request = Get {
        out: bob.out(),
        credential,
        ..alice.request(share)
    };
    let got = alice.get(request).await.expect("fetched");
    let held = held(share, got.head.manifest, &got.target);
    bob.shares.hold(&held, NOW).expect("kept");
    assert!(bob.shares.examine(&share).expect("read"));
    (alice, bob, shared)
}

fn held(share: ShareId, manifest: BlobHash, target: &Path) -> Held {
    Held {
        share,
        manifest,
        target: target.to_owned(),
        keep: false,
        selected_of: None,
    }
}

/// `to` asks `from` what a share now is.
pub(super) async fn learn(from: &World, to: &World, share: ShareId, credential: &Credential) {
    let said = Talk::new(from.stream()).head(share, credential).await;
    let Said::Head(news) = said.expect("answered") else {
        panic!("no head");
    };
    to.shares
        .learn(&news, alice().peer_id(), NOW)
        .expect("genuine");
}

/// A grant by `owner`, and its holder's key.
pub(super) fn grant(
    owner: &SecretKey,
    share: ShareId,
    holder: &SecretKey,
    epoch: u64,
    at: Time,
) -> Credential {
    Credential::Grant {
        grant: SignedGrant::sign(&Ed25519, owner, share, holder.peer_id(), epoch, at),
        holder: holder.clone(),
    }
}

fn with(world: &World, share: ShareId, credential: Credential) -> Get {
    Get {
        credential,
        ..world.request(share)
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_copy_that_was_touched_is_examined_anew_and_given_on_and_an_edited_one_is_given_up() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_alice, bob_world, shared) = fetched(Recipients::Public).await;
    let share = shared.head.share;
    let at = bob_world.out().join("holiday/sub/picture.jpg");
    // Nothing of what was shared: others may read it, the same bytes are in it.
    fs::set_permissions(&at, fs::Permissions::from_mode(0o604)).expect("set");
    let to = |name: &str| Get {
        out: bob_world.folder.path().join(name),
        ..with(&bob_world, share, Credential::Session)
    };
    let refused = bob_world.get(to("before")).await.expect_err("changed");
    assert!(matches!(refused, GetError::Changed { .. }), "{refused}");
    bob_world
        .shares
        .tend(&mut Watches::default(), NOW)
        .expect("looked");
    bob_world.get(to("after")).await.expect("fetched");
    fs::write(&at, bytes(2, 3_000_000)).expect("edited");
    bob_world.get(to("edited")).await.expect_err("changed");
    bob_world
        .shares
        .tend(&mut Watches::default(), NOW)
        .expect("looked");
    assert!(bob_world.shares.copies().expect("read").is_empty());
}

#[tokio::test]
async fn a_friend_of_the_owner_gets_a_private_share_from_another_by_their_grant() {
    let (alice_world, mut bob_world, shared) = fetched(Recipients::Contacts).await;
    let share = shared.head.share;
    fs::rename(bob_world.out(), bob_world.folder.path().join("mine")).expect("moved away");
    let moved = Get {
        out: bob_world.folder.path().join("carol"),
        ..with(&bob_world, share, grant(&alice(), share, &carol(), 1, NOW))
    };
    let refused = bob_world.get(moved.clone()).await;
    assert!(matches!(refused, Err(GetError::NotFound)), "{refused:?}");
    fs::rename(bob_world.folder.path().join("mine"), bob_world.out()).expect("moved back");
    let got = bob_world.get(moved).await.expect("by her grant");
    assert!(snapshot(&alice_world.source()) == snapshot(&got.target));
    assert_eq!(got.head, shared.head);
    assert!(got.grant.is_none(), "only the owner gives grants");
    // A contact of Bob's is none of Alice's.
    for relation in [Relation::Contact, Relation::Stranger, Relation::Pending] {
        bob_world.asker = Asker {
            peer: Some(PeerId([9; 32])),
            relation,
        };
        let refused = bob_world.get(bob_world.request(share)).await;
        assert!(matches!(refused, Err(GetError::NotFound)), "{relation:?}");
        assert_eq!(bob_world.listed().await, []);
    }
}

#[tokio::test]
async fn a_copy_that_is_deleted_is_neither_given_nor_announced() {
    let (_alice, bob_world, shared) = fetched(Recipients::Contacts).await;
    let share = shared.head.share;
    let provided = || bob_world.shares.provided(&share).expect("read");
    assert_eq!(provided(), Some(shared.head.audience));
    fs::remove_dir_all(bob_world.out()).expect("there");
    assert_eq!(provided(), None);
    let carols = grant(&alice(), share, &carol(), 1, NOW);
    let said = Talk::new(bob_world.stream()).head(share, &carols).await;
    assert!(matches!(said, Ok(Said::Gone)), "{said:?}");
}

#[tokio::test]
async fn grants_of_another_share_epoch_owner_or_time_open_nothing() {
    let (_alice, bob_world, shared) = fetched(Recipients::Named(vec![bob().peer_id()])).await;
    let share = shared.head.share;
    let long_ago = Time(NOW.0 - (GRANT_LIFETIME_MAX + DAY).as_millis() as u64);
    for (name, credential) in [
        ("nothing", Credential::Session),
        ("epoch", grant(&alice(), share, &carol(), 2, NOW)),
        ("expired", grant(&alice(), share, &carol(), 1, long_ago)),
        ("share", grant(&alice(), ShareId([7; 32]), &carol(), 1, NOW)),
        ("owner", grant(&carol(), share, &carol(), 1, NOW)),
        (
            "stolen",
            Credential::Grant {
                grant: SignedGrant::sign(&Ed25519, &alice(), share, bob().peer_id(), 1, NOW),
                holder: carol(),
            },
        ),
    ] {
        let refused = bob_world.get(with(&bob_world, share, credential)).await;
        assert!(matches!(refused, Err(GetError::NotFound)), "{name}");
    }
    let good = Talk::new(bob_world.stream())
        .head(share, &grant(&alice(), share, &carol(), 1, NOW))
        .await;
    assert!(matches!(good, Ok(Said::Head(_))), "{good:?}");
    let blocked = BTreeSet::from([carol().peer_id()]);
    bob_world.shares.others().set_blocked(blocked);
    let refused = Talk::new(bob_world.stream())
        .head(share, &grant(&alice(), share, &carol(), 1, NOW))
        .await;
    assert!(matches!(refused, Ok(Said::Gone)), "blocked: {refused:?}");
}

#[tokio::test]
async fn copies_behind_a_link_and_public_ones_keep_their_audience() {
    let (_alice, bob_world, shared) = fetched(Recipients::Link).await;
    let (share, link) = (shared.head.share, shared.link.expect("a link"));
    let out = bob_world.folder.path().join("carol");
    let request = |credential| Get {
        out: out.clone(),
        ..with(&bob_world, share, credential)
    };
    let refused = bob_world.get(request(Credential::Session)).await;
    assert!(matches!(refused, Err(GetError::NotFound)));
    let by_link = bob_world.get(request(Credential::Link(link))).await;
    by_link.expect("by the link");

    let (_alice, bob_world, shared) = fetched(Recipients::Public).await;
    let request = Get {
        out: bob_world.folder.path().join("anybody"),
        ..bob_world.request(shared.head.share)
    };
    bob_world.get(request).await.expect("public");
}

#[tokio::test]
async fn a_copy_that_was_edited_is_not_served_and_one_that_is_not_whole_never_provided() {
    let (_alice, bob_world, shared) = fetched(Recipients::Public).await;
    let share = shared.head.share;
    let target = bob_world.out().join("holiday");
    fs::write(target.join("readme.txt"), b"edited").expect("written");
    let request = Get {
        out: bob_world.folder.path().join("carol"),
        ..bob_world.request(share)
    };
    let refused = bob_world.get(request).await;
    assert!(
        matches!(refused, Err(GetError::Changed { .. })),
        "{refused:?}"
    );

    let held = held(share, shared.head.manifest, &target);
    bob_world.shares.hold(&held, NOW).expect("kept");
    assert!(!bob_world.shares.examine(&share).expect("read"));
    assert!(bob_world.shares.copies().expect("read").is_empty());
    let refused = bob_world.get(bob_world.request(share)).await;
    assert!(matches!(refused, Err(GetError::NotFound)), "{refused:?}");
}

#[tokio::test]
async fn a_share_taken_back_is_provided_no_longer_and_its_getters_are_told() {
    let (alice_world, bob_world, shared) = fetched(Recipients::Contacts).await;
    let share = shared.head.share;
    alice_world.shares.unshare(&share, NOW).expect("taken back");
    let said = Talk::new(alice_world.stream())
        .head(share, &Credential::Session)
        .await;
    let Ok(Said::Ended(news)) = said else {
        panic!("{said:?}");
    };
    let carols = grant(&alice(), share, &carol(), 1, NOW);
    let before = Talk::new(bob_world.stream()).head(share, &carols).await;
    let Ok(Said::Head(old)) = before else {
        panic!("{before:?}");
    };
    // Anybody may pass it on: the head speaks for itself.
    let mut talk = Talk::new(bob_world.stream());
    talk.notice(news.head.clone()).await.expect("noted");
    assert!(bob_world.shares.copies().expect("read").is_empty());
    let after = Talk::new(bob_world.stream()).head(share, &carols).await;
    assert!(
        matches!(&after, Ok(Said::Ended(ended)) if ended.head == news.head),
        "{after:?}"
    );
    let stranger = Talk::new(bob_world.stream())
        .head(share, &Credential::Session)
        .await;
    assert!(matches!(stranger, Ok(Said::Gone)), "{stranger:?}");
    // An older head, from whomever, does not bring it back.
    assert!(matches!(
        bob_world.shares.learn(&old, alice().peer_id(), NOW),
        Err(LearnError::Ended)
    ));
    assert!(matches!(
        bob_world
            .shares
            .hold(&held(share, shared.head.manifest, &bob_world.out()), NOW),
        Err(HoldError::Ended)
    ));
    let other = held(ShareId([9; 32]), shared.head.manifest, &bob_world.out());
    let unknown = bob_world.shares.hold(&other, NOW);
    assert!(matches!(unknown, Err(HoldError::Unknown)), "{unknown:?}");
}

#[tokio::test]
async fn a_copy_goes_on_under_a_higher_epoch_and_void_grants_open_it_no_more() {
    let (alice_world, bob_world, shared) = fetched(Recipients::Contacts).await;
    let share = shared.head.share;
    let revoked = alice_world.shares.revoke(&carol().peer_id(), NOW);
    let [(revoked, head)] = &revoked.expect("signed")[..] else {
        panic!("one share");
    };
    assert_eq!(*revoked, share);
    let mut talk = Talk::new(bob_world.stream());
    talk.notice(head.clone()).await.expect("noted");
    let copies = bob_world.shares.copies().expect("read");
    assert_eq!((copies[0].head.epoch, copies[0].examined), (2, true));
    for (epoch, is_good) in [(1, false), (2, true)] {
        let credential = grant(&alice(), share, &carol(), epoch, NOW);
        let got = bob_world.get(with(&bob_world, share, credential)).await;
        assert_eq!(got.is_ok(), is_good, "epoch {epoch}: {got:?}");
    }
    // The owner gives the others new grants, and the next version keeps the epoch.
    let request = alice_world.request(share);
    let answered = alice_world.head(&request).await.expect("for Bob");
    let granted = answered.grant.expect("a grant").verify(&Ed25519, NOW);
    assert_eq!(granted.expect("genuine").epoch, 2);
    alice_world.write("readme.txt", b"hello again");
    let newer = alice_world.shares.rescan(&share, NOW).expect("read");
    assert_eq!(newer.expect("changed").head.epoch, 2);
    // Taken back, it ends.
    let ended = alice_world.shares.unshare(&share, NOW).expect("taken back");
    let mut talk = Talk::new(bob_world.stream());
    talk.notice(ended).await.expect("noted");
    assert!(bob_world.shares.copies().expect("read").is_empty());
}

#[test]
fn only_what_somebody_may_have_been_granted_is_signed_anew() {
    let world = World::new();
    for (name, recipients) in [
        ("contacts", Recipients::Contacts),
        ("named", Recipients::Named(vec![carol().peer_id()])),
        ("others", Recipients::Named(vec![bob().peer_id()])),
        ("link", Recipients::Link),
        ("public", Recipients::Public),
    ] {
        let new = crate::content::NewShare {
            paths: vec![world.source()],
            recipients,
            name: Some(name.to_owned()),
            bare: false,
        };
        let mut random = kith_core::random::Random::new(crate::entropy::seed());
        world.shares.share(&new, &mut random, NOW).expect("shared");
    }
    world
        .shares
        .revoke(&carol().peer_id(), NOW)
        .expect("signed");
    let mine = world.shares.mine().expect("read").into_iter();
    let mut revoked: Vec<String> = mine
        .filter(|mine| mine.head.epoch == 2)
        .map(|mine| mine.head.name)
        .collect();
    revoked.sort();
    assert_eq!(revoked, ["contacts", "named"]);
}

#[tokio::test]
async fn what_others_say_of_a_share_is_believed_only_with_its_signatures() {
    let (alice_world, bob_world, shared) = fetched(Recipients::Contacts).await;
    let share = shared.head.share;
    let said = Talk::new(alice_world.stream())
        .head(share, &Credential::Session)
        .await;
    let Ok(Said::Head(news)) = said else {
        panic!("{said:?}");
    };
    let mut forged = news.clone();
    if let Some(byte) = forged.head.last_mut() {
        *byte ^= 1;
    }
    assert!(matches!(
        bob_world.shares.learn(&forged, alice().peer_id(), NOW),
        Err(LearnError::Head(_))
    ));
    for (signer, of, to) in [
        (alice(), share, carol()),
        (alice(), ShareId([7; 32]), bob()),
        (carol(), share, bob()),
    ] {
        let other = News {
            grant: Some(SignedGrant::sign(
                &Ed25519,
                &signer,
                of,
                to.peer_id(),
                1,
                NOW,
            )),
            ..news.clone()
        };
        assert!(matches!(
            bob_world.shares.learn(&other, alice().peer_id(), NOW),
            Err(LearnError::OtherGrant)
        ));
    }
    let claimed = bob_world.shares.learn(&news, carol().peer_id(), NOW);
    assert!(matches!(claimed, Err(LearnError::Owner)));
    let mut other = news.clone();
    other.share = ShareId([7; 32]);
    let other = bob_world.shares.learn(&other, alice().peer_id(), NOW);
    assert!(matches!(other, Err(LearnError::Head(_))));
    // The owner does not take a head of its own for somebody else's.
    assert!(matches!(
        alice_world.shares.learn(&news, alice().peer_id(), NOW),
        Err(LearnError::Owner)
    ));
    let held = bob_world.shares.credential(&share, NOW).expect("read");
    assert!(matches!(held, Some(Credential::Grant { .. })));
    let late = NOW + GRANT_LIFETIME_MAX + DAY;
    let held = bob_world.shares.credential(&share, late).expect("read");
    assert!(held.is_none(), "{held:?}");
}

#[tokio::test]
async fn a_grant_is_renewed_with_news_and_void_with_a_new_epoch() {
    let (alice_world, bob_world, shared) = fetched(Recipients::Contacts).await;
    let share = shared.head.share;
    let said = Talk::new(alice_world.stream())
        .head(share, &Credential::Session)
        .await;
    let Ok(Said::Head(news)) = said else {
        panic!("{said:?}");
    };
    let late = NOW + 2 * GRANT_LIFETIME_MAX;
    let has_one = |at| {
        let held = bob_world.shares.credential(&share, at).expect("read");
        matches!(held, Some(Credential::Grant { .. }))
    };
    assert!(has_one(NOW) && !has_one(late));
    let met = late - DAY;
    let renewed = News {
        grant: Some(SignedGrant::sign(
            &Ed25519,
            &alice(),
            share,
            bob().peer_id(),
            1,
            met,
        )),
        ..news
    };
    let learnt = bob_world.shares.learn(&renewed, alice().peer_id(), met);
    learnt.expect("genuine");
    assert!(has_one(late));
    // News without a grant leave the one that is there.
    let bare = News {
        grant: None,
        ..renewed
    };
    let learnt = bob_world.shares.learn(&bare, alice().peer_id(), met);
    learnt.expect("genuine");
    assert!(has_one(late));

    let ended = alice_world.shares.unshare(&share, NOW).expect("taken back");
    let mut talk = Talk::new(bob_world.stream());
    talk.notice(ended).await.expect("noted");
    assert!(!has_one(met));
}

#[tokio::test]
async fn providers_are_told_of_to_those_only_who_may_have_the_share() {
    let (alice_world, bob_world, shared) = fetched(Recipients::Contacts).await;
    let share = shared.head.share;
    let mut route = kith_core::address::Route::new(DeviceKey([8; 32]));
    route.relays = vec!["https://relay.example".to_owned()];
    let referral = Referral::new(Some(route), None);
    let mut talk = Talk::new(alice_world.stream());
    let session = Credential::Session;
    let noted = talk.provide(share, &session, referral.clone()).await;
    assert!(noted.expect("answered"));
    let told = talk.providers(share, &session).await.expect("answered");
    assert_eq!(told, [], "not of oneself");

    let carols = grant(&alice(), share, &carol(), 1, NOW);
    let mut talk = Talk::new(bob_world.stream());
    let noted = talk.provide(share, &session, referral.clone()).await;
    assert!(!noted.expect("answered"), "a stranger provides nothing");
    assert_eq!(talk.providers(share, &session).await.expect("answered"), []);
    bob_world
        .shares
        .others()
        .hear(&share, &Asker::STRANGER, &referral, NOW);
    assert_eq!(talk.providers(share, &session).await.expect("answered"), []);
    let told = talk.providers(share, &carols).await.expect("answered");
    assert_eq!(told, [referral]);
}

#[tokio::test]
async fn a_contact_finds_a_copy_by_its_tag_and_a_stranger_does_not() {
    let (_alice, mut bob_world, shared) = fetched(Recipients::Contacts).await;
    let share = shared.head.share;
    let found = async |world: &World, share| {
        let found = Talk::new(world.stream()).find(&share).await;
        found.expect("answered")
    };
    assert!(!found(&bob_world, share).await);
    bob_world.asker = Asker {
        peer: Some(carol().peer_id()),
        relation: Relation::Contact,
    };
    assert!(found(&bob_world, share).await);
    assert!(!found(&bob_world, ShareId([7; 32])).await);
    bob_world.shares.others().set_provides(false);
    assert!(!found(&bob_world, share).await);
    let carols = grant(&alice(), share, &carol(), 1, NOW);
    bob_world.asker = Asker::STRANGER;
    let said = Talk::new(bob_world.stream()).head(share, &carols).await;
    assert!(matches!(said, Ok(Said::Gone)), "{said:?}");
}
