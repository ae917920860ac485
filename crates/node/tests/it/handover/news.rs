//! Contacts hear of new heads as they come, and nobody hears of what is not for them.

use std::fs;

use kith::content::{Recipients, ShareEvent};
use kith::core::ids::{PeerId, ShareId};
use tokio::sync::broadcast;
use tokio::time::timeout;

use super::people::{PATIENCE, Person, trusts};

pub(super) type Events = broadcast::Receiver<ShareEvent>;

/// Alice and others, contacts with sessions, and what each of these hears of shares.
async fn alice_and<const COUNT: usize>(
    names: [&'static str; COUNT],
) -> (Person, [(Person, Events); COUNT]) {
    let alice = Person::new("alice").await;
    let mut others = Vec::new();
    for name in names {
        let other = Person::new(name).await;
        let mut met = alice.node.events();
        alice.meet(&other).await;
        trusts(&mut met, other.node.peer_id()).await;
        let events = other.node.contents().events();
        others.push((other, events));
    }
    let Ok(others) = others.try_into() else {
        unreachable!("as many as names");
    };
    (alice, others)
}

/// The next share that somebody hears of from a contact.
pub(super) async fn offered(events: &mut Events) -> (PeerId, ShareId) {
    let offered = async {
        loop {
            if let ShareEvent::Offered { owner, share } = events.recv().await.expect("few") {
                return (owner, share);
            }
        }
    };
    timeout(PATIENCE, offered).await.expect("in time")
}

fn has_heard(events: &mut Events) -> bool {
    std::iter::from_fn(|| events.try_recv().ok())
        .any(|event| matches!(event, ShareEvent::Offered { .. }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_hears_of_a_share_when_it_is_made_changed_and_taken_back() {
    let (alice, [(bob, mut heard)]) = alice_and(["bob"]).await;
    alice.write("album/one.jpg", b"1");
    let made = alice.share("album", Recipients::Contacts).await.share.head;
    let this = (alice.node.peer_id(), made.share);
    assert_eq!(offered(&mut heard).await, this);
    // Nobody asks: the folder changes, and the contact knows.
    alice.write("album/two.jpg", b"2");
    assert_eq!(offered(&mut heard).await, this);
    let listed = bob.node.contents().list(alice.node.peer_id()).await;
    let listed = listed.expect("answered");
    assert_eq!(listed[0].totals.files, 2);
    assert!(listed[0].is_newer_than(&made));
    let id = made.share.to_string();
    alice
        .node
        .contents()
        .unshare(&id)
        .await
        .expect("taken back");
    assert_eq!(offered(&mut heard).await, this);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_hears_of_what_is_not_for_them() {
    let (alice, [(bob, mut bobs), (_carol, mut carols)]) = alice_and(["bob", "carol"]).await;
    for name in ["named", "link", "all"] {
        alice.write(&format!("{name}/f"), b"1");
    }
    let named = Recipients::Named(vec![bob.node.peer_id()]);
    let named = alice.share("named", named).await.share.head.share;
    assert_eq!(offered(&mut bobs).await.1, named);
    alice.share("link", Recipients::Link).await;
    let all = alice.share("all", Recipients::Contacts).await.share.head;
    // The first that either hears of after that.
    assert_eq!(offered(&mut carols).await.1, all.share);
    assert_eq!(offered(&mut bobs).await.1, all.share);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_loses_a_share_hears_of_it_and_nobody_who_never_had_it() {
    let people = alice_and(["bob", "carol", "dave"]).await;
    let (alice, [(bob, mut bobs), (carol, mut carols), (_dave, mut daves)]) = people;
    let (bob_id, carol_id) = (bob.node.peer_id(), carol.node.peer_id());
    alice.write("album/f", b"1");
    let named = Recipients::Named(vec![bob_id, carol_id]);
    let album = alice.share("album", named).await.share.head.share;
    assert_eq!(offered(&mut bobs).await.1, album);
    assert_eq!(offered(&mut carols).await.1, album);
    let named = Recipients::Named(vec![carol_id]);
    let contents = alice.node.contents();
    contents.set_audience("album", named).await.expect("shared");
    assert_eq!(offered(&mut bobs).await.1, album);
    let listed = bob.node.contents().list(alice.node.peer_id()).await;
    assert_eq!(listed.expect("answered"), []);
    alice.write("all/f", b"1");
    let all = alice.share("all", Recipients::Contacts).await.share.head;
    // The first that he hears of at all.
    assert_eq!(offered(&mut daves).await.1, all.share);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_blocked_hears_of_nothing_any_more() {
    let (alice, [(_bob, mut bobs), (carol, mut carols)]) = alice_and(["bob", "carol"]).await;
    alice.write("album/f", b"1");
    alice.share("album", Recipients::Contacts).await;
    offered(&mut bobs).await;
    offered(&mut carols).await;
    let book = alice.node.address_book();
    book.block(carol.node.peer_id()).await.expect("blocked");
    // What Bob is told then is told to everybody who may know it.
    has_heard(&mut bobs);
    has_heard(&mut carols);
    fs::write(alice.at("album/f"), b"12").expect("room");
    offered(&mut bobs).await;
    assert!(!has_heard(&mut carols));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_who_could_not_take_the_news_is_told_again_while_they_are_there() {
    let (alice, [(bob, mut heard)]) = alice_and(["bob"]).await;
    // Bob's node cannot look up what he knows of a share, and so answers nobody who tells of one.
    let database = rusqlite::Connection::open(bob.at("data/kith.db")).expect("it is there");
    database.busy_timeout(PATIENCE).expect("set");
    let rename = |from, to| {
        let statement = format!("ALTER TABLE {from} RENAME TO {to}");
        database.execute_batch(&statement).expect("renamed");
    };
    rename("share_known", "away");
    alice.write("album/one.jpg", b"1");
    let made = alice.share("album", Recipients::Contacts).await.share.head;
    let this = (alice.node.peer_id(), made.share);
    assert_eq!(
        offered(&mut heard).await,
        this,
        "it came, and was not taken"
    );
    rename("away", "share_known");
    assert_eq!(offered(&mut heard).await, this, "nothing has changed since");
}
