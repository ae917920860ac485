//! Friends of the owner finish from each other, while the owner is away.

use std::cell::Cell;
use std::fs;
use std::time::Duration;

use kith::content::{GetError, Recipients};
use kith::core::data::manifest::Entry;
use kith::core::ids::{PeerId, ShareId};
use kith::peer::{Fetched, GetOptions};
use kith::{Error, ErrorKind, Node};

use super::news::offered;
use super::people::{self, PATIENCE, Person, bytes, given, snapshot};
use crate::waiting::a_moment;

/// Enough that a transfer is still under way when its source goes.
const BIG_BYTES: usize = 96 << 20;

/// Alice, and Bob and Carol, who are friends of hers and do not know each other.
pub(super) async fn alice_and_two_friends() -> (Person, Person, Person) {
    let (alice, bob) = (Person::new("alice").await, Person::new("bob").await);
    let carol = Person::new("carol").await;
    alice.meet(&bob).await;
    alice.meet(&carol).await;
    (alice, bob, carol)
}

/// Waits until something holds.
pub(super) async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let waited = async {
        while !holds().await {
            a_moment().await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waited).await;
    waited.unwrap_or_else(|_| panic!("{what}"));
}

/// Waits until `node` was told that `peer` provides a share.
pub(super) async fn heard(node: &Node, share: ShareId, peer: PeerId) {
    until("the owner hears of the provider", async || {
        node.contents().provided_by(&share).contains(&peer)
    })
    .await;
}

/// Waits until a copy of `node` is known to be what its head says.
pub(super) async fn examined(node: &Node) {
    until("the copy is examined", async || {
        let copies = node.contents().copies().await.expect("read");
        copies.iter().any(|copy| copy.examined)
    })
    .await;
}

/// Fetches, after what is under way of an earlier run is over.
async fn finished(person: &Person, options: &GetOptions) -> Fetched {
    loop {
        match people::finish(person.node.contents().get(options.clone())).await {
            Err(Error::Get {
                error: GetError::Busy(_),
                ..
            }) => a_moment().await,
            other => return other.expect("fetched"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_friend_finishes_from_another_when_the_owner_goes() {
    let (alice, bob, carol) = alice_and_two_friends().await;
    alice.write("big", &bytes(1, BIG_BYTES));
    let share = alice.share("big", Recipients::Contacts).await.share;
    bob.get("alice/big").await.expect("fetched");
    heard(&alice.node, share.head.share, bob.node.peer_id()).await;

    let options = carol.options("alice/big").await.expect("a source");
    let contents = carol.node.contents();
    let mut transfer = contents.get(options.clone());
    let before = people::until(&mut transfer, BIG_BYTES as u64 / 8).await;
    until("Carol hears of Bob", async || {
        let further = contents.further(&options.source).await;
        !further.expect("running").is_empty()
    })
    .await;
    drop(transfer);
    alice.node.shutdown().await;

    let fetched = finished(&carol, &options).await;
    assert_eq!(fetched.bytes, BIG_BYTES as u64);
    assert!(before.bytes < BIG_BYTES as u64, "{before:?}");
    // Who gave the rest did not say who they are.
    let rest = given(&fetched, None);
    assert!((1..BIG_BYTES as u64).contains(&rest), "{rest}");
    assert_eq!(fetched.sources.len(), 1, "{:?}", fetched.sources);
    assert!(fs::read(carol.at("out/big")).expect("there") == bytes(1, BIG_BYTES));
    let stranger = carol.node.sessions();
    assert!(
        stranger
            .iter()
            .all(|it| it.peer != Some(bob.node.peer_id()))
    );
}

/// Looks at the share, until somebody else than the owner is known to have it beside `known` others.
pub(super) async fn hear_of_others(person: &Person, known: usize) {
    let contents = person.node.contents();
    let number = Cell::new(0);
    until("others are told of", async || {
        let mut options = person.options("alice/folder").await.expect("a source");
        options.only = vec!["small".to_owned()];
        options.provide = false;
        options.out = person.at(&format!(
            "look-{known}-{}",
            number.replace(number.get() + 1)
        ));
        let further = contents.further(&options.source).await.expect("running");
        further.len() > known || {
            people::finish(contents.get(options))
                .await
                .expect("somebody is there");
            false
        }
    })
    .await;
}

/// Alice, who shares a folder, and three friends of hers: Bob has it, and the others have heard of that.
async fn three_friends_of_whom_bob_has_it() -> [Person; 4] {
    let (alice, bob, carol) = alice_and_two_friends().await;
    let dave = Person::new("dave").await;
    alice.meet(&dave).await;
    alice.write("folder/small", b"read me");
    alice.write("folder/big", &bytes(1, 3 << 20));
    let share = alice.share("folder", Recipients::Contacts).await.share;
    bob.get("alice/folder").await.expect("fetched");
    heard(&alice.node, share.head.share, bob.node.peer_id()).await;
    for friend in [&carol, &dave] {
        hear_of_others(friend, 0).await;
    }
    [alice, bob, carol, dave]
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_has_it_leads_to_the_next_when_owner_and_provider_are_gone() {
    let [alice, bob, carol, dave] = three_friends_of_whom_bob_has_it().await;
    alice.node.shutdown().await;

    let options = dave.options("alice/folder").await.expect("a source");
    finished(&dave, &options).await;
    // By their faces, which the provider tells with the first who asks.
    let options = carol.options("alice/folder").await.expect("a source");
    let known = carol.node.contents().further(&options.source).await;
    hear_of_others(&carol, known.expect("running").len()).await;
    bob.node.shutdown().await;
    let fetched = finished(&carol, &options).await;
    assert_eq!(fetched.head.owner, alice.node.peer_id());
    assert!(snapshot(&carol.at("out/folder")) == snapshot(&alice.at("folder")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_copy_holds_is_listed_while_its_owner_is_away() {
    let (alice, bob) = (Person::new("alice").await, Person::new("bob").await);
    alice.meet(&bob).await;
    alice.write("folder/day1/a", b"read me");
    alice.share("folder", Recipients::Contacts).await;
    bob.get("alice/folder").await.expect("fetched");
    let contents = bob.node.contents();
    examined(&bob.node).await;
    alice.node.shutdown().await;
    let source = contents.resolve("alice/folder/day1").await;
    let source = source.expect("a source");
    let listed = contents.entries(&source, None).await.expect("a copy");
    let names: Vec<_> = listed.entries.iter().map(Entry::name).collect();
    assert_eq!(names, ["a"]);
    contents.unshare("folder").await.expect("a copy");
    let nothing = contents.entries(&source, None).await;
    assert!(
        matches!(nothing, Err(Error::Unreachable { .. })),
        "{nothing:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_the_owner_blocks_or_removes_gets_nothing_from_others_either() {
    let [alice, bob, carol, dave] = three_friends_of_whom_bob_has_it().await;
    let epoch = async |node: &Node| node.contents().copies().await.expect("read")[0].head.epoch;
    let book = alice.node.address_book();
    book.block(carol.node.peer_id()).await.expect("blocked");
    until("Bob is told", async || epoch(&bob.node).await == 2).await;
    // Who stays gets a new grant from the owner.
    hear_of_others(&dave, 0).await;
    let options = dave.options("alice/folder").await.expect("a source");
    until("Dave has a new grant", async || {
        let mut look = options.clone();
        look.only = vec!["small".to_owned()];
        look.provide = false;
        look.out = dave.at("look-again");
        let looked = people::finish(dave.node.contents().get(look)).await;
        let _ = fs::remove_dir_all(dave.at("look-again"));
        let further = dave.node.contents().further(&options.source).await;
        looked.is_ok() && !further.expect("running").is_empty()
    })
    .await;
    alice.node.shutdown().await;
    finished(&dave, &options).await;
    let options = carol.options("alice/folder").await.expect("a source");
    let refused = people::finish(carol.node.contents().get(options)).await;
    refused.expect_err("Bob knows that she is not to have it");
    assert!(carol.fetched().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_fetched_it_stops_when_the_owner_takes_it_back() {
    let (alice, bob, carol) = alice_and_two_friends().await;
    alice.write("note", b"read me");
    let named = Recipients::Named(vec![bob.node.peer_id(), carol.node.peer_id()]);
    let share = alice.share("note", named).await.share;
    bob.get("alice/note").await.expect("fetched");
    carol.get("alice/note").await.expect("fetched");
    for friend in [&bob, &carol] {
        heard(&alice.node, share.head.share, friend.node.peer_id()).await;
        let contents = friend.node.contents();
        examined(&friend.node).await;
        let copies = contents.copies().await.expect("read");
        assert_eq!(copies.len(), 1);
        assert_eq!(copies[0].head, share.head);
        assert_eq!(copies[0].target, friend.at("out/note"));
    }
    // Carol is away when it happens.
    carol.node.shutdown().await;
    let contents = alice.node.contents();
    contents.unshare("note").await.expect("taken back");
    let has_none = async |node: &Node| node.contents().copies().await.expect("read").is_empty();
    until("Bob is told", async || has_none(&bob.node).await).await;
    let again = Person::at_home("carol", carol.folder.path()).await;
    until("Carol asks when she is back", async || {
        has_none(&again).await
    })
    .await;
    assert!(snapshot(&bob.at("out")).len() == 1, "what is there stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_friend_of_the_owner_gets_nothing_from_who_fetched() {
    let (alice, bob, _carol) = alice_and_two_friends().await;
    let dave = Person::new("dave").await;
    bob.meet(&dave).await;
    alice.write("note", b"read me");
    let share = alice.share("note", Recipients::Contacts).await.share;
    bob.get("alice/note").await.expect("fetched");
    heard(&alice.node, share.head.share, bob.node.peer_id()).await;
    let id = share.head.share.to_string();
    for text in [format!("bob/{id}"), "bob/note".to_owned()] {
        let refused = dave.get(&text).await.expect_err("no friend of Alice's");
        assert_eq!(refused.kind(), ErrorKind::NotFound, "{text}: {refused}");
    }
    let listed = dave.node.contents().list(bob.node.peer_id()).await;
    assert_eq!(listed.expect("answered"), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_want_to_provide_does_not() {
    let (alice, bob, carol) = alice_and_two_friends().await;
    alice.write("note", b"read me");
    alice.share("note", Recipients::Contacts).await;
    let mut options = bob.options("alice/note").await.expect("a source");
    options.provide = false;
    people::finish(bob.node.contents().get(options))
        .await
        .expect("fetched");
    assert!(bob.node.contents().copies().await.expect("read").is_empty());

    carol.get("alice/note").await.expect("fetched");
    let contents = carol.node.contents();
    assert_eq!(contents.copies().await.expect("read").len(), 1);
    let copy = contents.copy("note").await.expect("named");
    assert_eq!(copy.target, carol.at("out/note"));
    let head = contents.unshare("note").await.expect("not any more");
    assert_eq!(head.owner, alice.node.peer_id());
    assert!(contents.copies().await.expect("read").is_empty());
    assert!(carol.at("out/note").exists());
    let refused = contents.unshare("note").await.expect_err("none any more");
    assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_copy_has_under_another_name_is_not_fetched_again() {
    let (alice, bob, _) = alice_and_two_friends().await;
    alice.write("folder/a/big", &bytes(1, 3 << 20));
    let share = alice.share("folder", Recipients::Contacts).await.share;
    bob.get("alice/folder").await.expect("fetched");
    let contents = bob.node.contents();
    examined(&bob.node).await;

    fs::create_dir(alice.at("folder/b")).expect("made");
    fs::rename(alice.at("folder/a/big"), alice.at("folder/b/large")).expect("renamed");
    alice.write("folder/new", &bytes(2, 70_000));
    // So that what she shares now is known, without waiting for her to notice.
    alice.share("folder", Recipients::Contacts).await;
    let once = (3 << 20) + 70_000;
    let mut options = bob.options("alice/folder").await.expect("a source");
    options.out = bob.at("newer");
    let fetched = people::finish(contents.get(options))
        .await
        .expect("fetched");
    assert_ne!(fetched.head.manifest, share.head.manifest);
    assert!(snapshot(&bob.at("newer/folder")) == snapshot(&alice.at("folder")));
    assert_eq!(fetched.sources[0].bytes, 70_000, "{:?}", fetched.sources);
    // So Alice says, too: it is recorded when a stream ends.
    let given = async || {
        let share = alice.node.contents().my_share("folder").await;
        let fetches = share.expect("hers").fetches;
        fetches.iter().map(|fetch| fetch.bytes).sum::<u64>()
    };
    until("it is recorded", async || given().await >= once).await;
    assert_eq!(given().await, once);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_of_a_friend_is_told_as_one() {
    let (alice, bob, carol) = alice_and_two_friends().await;
    alice.write("folder/small", b"before");
    let share = alice.share("folder", Recipients::Contacts).await.share;
    bob.get("alice/folder").await.expect("fetched");
    heard(&alice.node, share.head.share, bob.node.peer_id()).await;
    examined(&bob.node).await;
    hear_of_others(&carol, 0).await;

    let mut events = carol.node.contents().events();
    alice.write("folder/small", b"after");
    offered(&mut events).await;
    alice.node.shutdown().await;
    let fetched = carol.get("alice/folder").await.expect("of Bob");
    assert!(fetched.is_older);
    assert_eq!(fetched.head, share.head);
    // Who asks for this very version has what they wanted.
    let mut options = carol.options("alice/folder").await.expect("a source");
    options.out = carol.at("as wanted");
    options.at = Some(share.head.manifest);
    let fetched = finished(&carol, &options).await;
    assert!(!fetched.is_older);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_brought_up_to_date_never_becomes_older_unless_that_is_asked_for() {
    let (alice, bob, carol) = alice_and_two_friends().await;
    alice.write("folder/small", b"before");
    let share = alice.share("folder", Recipients::Contacts).await.share;
    bob.get("alice/folder").await.expect("fetched");
    heard(&alice.node, share.head.share, bob.node.peer_id()).await;
    examined(&bob.node).await;
    hear_of_others(&carol, 0).await;

    let mut events = carol.node.contents().events();
    alice.write("folder/small", b"after");
    offered(&mut events).await;
    carol.get("alice/folder").await.expect("fetched");
    let here = || fs::read(carol.at("out/folder/small")).expect("there");
    assert_eq!(here(), b"after");
    examined(&carol.node).await;
    alice.node.shutdown().await;
    let mut options = carol.options("alice/folder").await.expect("a source");
    options.update = true;
    options.wait = Duration::ZERO;
    let refused = people::finish(carol.node.contents().get(options.clone())).await;
    let refused = refused.expect_err("only the version of before is there");
    assert!(matches!(refused, Error::Unreachable { .. }), "{refused}");
    assert_eq!(here(), b"after");
    options.at = Some(share.head.manifest);
    let fetched = finished(&carol, &options).await;
    assert_eq!(fetched.updated.expect("wanted").replaced, 1);
    assert_eq!(here(), b"before");
}
