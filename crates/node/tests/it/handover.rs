//! A folder goes from hand to hand: share, list and get, between nodes with real sockets.

mod again;
mod audience;
mod blocked;
mod broken;
mod chosen;
mod copies;
mod half;
mod killed;
#[cfg(target_os = "linux")]
mod lanes;
mod liars;
mod limits;
mod links;
mod news;
mod passed_on;
mod people;
mod previews;
mod reading;
mod relayed;
mod resumed;
mod several;
mod transfers;
mod week;

use std::fs;
use std::path::Path;

use crate::waiting::a_moment;
use kith::content::{GetError, Recipients};
use kith::core::data::link::LinkSecret;
use kith::peer::Transfer;
use kith::{Error, ErrorKind};
use people::{Person, bytes, snapshot};

/// Enough that a transfer is still under way when something happens to it.
const BIG_BYTES: usize = 96 << 20;

/// Alice and Bob, who are contacts.
async fn two_who_met() -> (Person, Person) {
    let (alice, bob) = (Person::new("alice").await, Person::new("bob").await);
    alice.meet(&bob).await;
    (alice, bob)
}

/// Bob's transfer of something large that Alice shares, of which some has arrived.
async fn big_under_way(alice: &Person, bob: &Person) -> Transfer {
    alice.write("big", &bytes(1, BIG_BYTES));
    alice.share("big", Recipients::Contacts).await;
    let options = bob.options("alice/big").await.expect("a source");
    let mut transfer = bob.node.contents().get(options);
    people::until(&mut transfer, 1).await;
    transfer
}

/// A small tree of all kinds: small and larger files, folders in folders, an empty one.
fn fill(person: &Person) {
    person.write("holiday/readme.txt", b"hello");
    person.write("holiday/sub/deep/picture.jpg", &bytes(1, 3_000_000));
    person.write("holiday/sub/empty", b"");
    std::fs::create_dir_all(person.at("holiday/nothing")).expect("created");
    for number in 0..100u64 {
        person.write(&format!("holiday/many/{number}.txt"), &bytes(number, 4096));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_shared_with_contacts_arrives_whole() {
    let (alice, bob) = two_who_met().await;
    fill(&alice);
    let published = alice.share("holiday", Recipients::Contacts).await;
    assert_eq!(published.left_out_count, 0);

    let contents = bob.node.contents();
    let listed = contents.list(alice.node.peer_id()).await.expect("listed");
    assert_eq!(listed, std::slice::from_ref(&published.share.head));
    let source = contents
        .resolve("Alice/holiday/sub/")
        .await
        .expect("a source");
    let page = contents.entries(&source, None).await.expect("listed");
    let names: Vec<&str> = page.entries.iter().map(|entry| entry.name()).collect();
    assert_eq!(names, ["deep", "empty"]);

    let options = bob.options("alice/holiday").await.expect("a source");
    let mut transfer = contents.get(options);
    let mut last = transfer.progress();
    while let Some(progress) = transfer.changed().await {
        assert!(progress.bytes >= last.bytes, "{progress:?} after {last:?}");
        last = progress;
    }
    let fetched = people::finish(transfer).await.expect("fetched");
    let totals = published.share.head.totals;
    assert_eq!((fetched.bytes, fetched.files), (totals.bytes, totals.files));
    assert_eq!((last.bytes, last.total), (totals.bytes, Some(totals.bytes)));
    assert_eq!(fetched.sources.len(), 1);
    assert_eq!(fetched.sources[0].peer, Some(alice.node.peer_id()));
    assert_eq!(fetched.sources[0].bytes, totals.bytes);
    assert_eq!(fetched.target, bob.at("out/holiday"));
    assert!(snapshot(&alice.at("holiday")) == snapshot(&bob.at("out/holiday")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_named_get_it_and_the_others_never_hear_of_it() {
    let (alice, bob) = (Person::new("alice").await, Person::new("bob").await);
    let carol = Person::new("carol").await;
    alice.meet(&bob).await;
    alice.meet(&carol).await;
    fill(&alice);
    let named = Recipients::Named(vec![bob.node.peer_id()]);
    let share = alice.share("holiday", named).await.share;

    bob.get("alice/holiday").await.expect("fetched");
    let listed = carol.node.contents().list(alice.node.peer_id()).await;
    assert_eq!(listed.expect("answered"), []);
    let id = share.head.share.to_string();
    for text in [
        "alice/holiday".to_owned(),
        format!("alice/{id}"),
        share.link.to_string(),
    ] {
        let refused = carol.get(&text).await.expect_err("not for Carol");
        assert_eq!(refused.kind(), ErrorKind::NotFound, "{text}: {refused}");
    }
    assert!(carol.fetched().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_with_the_link_gets_it_and_one_without_its_secret_does_not() {
    let (alice, dave) = (Person::new("alice").await, Person::new("dave").await);
    fill(&alice);
    let share = alice.share("holiday", Recipients::Link).await.share;
    let text = share.link.to_string();

    let fetched = dave.get(&text).await.expect("fetched");
    assert_eq!(fetched.bytes, share.head.totals.bytes);
    assert!(snapshot(&alice.at("holiday")) == snapshot(&dave.at("out/holiday")));
    let one = dave
        .get(&format!("{text}/readme.txt"))
        .await
        .expect("a part of it");
    assert_eq!((one.files, one.target), (1, dave.at("out/readme.txt")));

    let mut blind = share.link.clone();
    blind.secret = None;
    let mut forged = share.link.clone();
    forged.secret = Some(LinkSecret([7; 32]));
    for link in [blind, forged] {
        let refused = dave.get(&link.to_string()).await.expect_err("no secret");
        assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused}");
    }
    let mut claimed = share.link.clone();
    claimed.owner = dave.node.peer_id();
    let other = Person::new("other").await;
    let refused = other.get(&claimed.to_string()).await.expect_err("not his");
    assert_eq!(refused.kind(), ErrorKind::NotVerified, "{refused}");

    alice
        .node
        .contents()
        .unshare("holiday")
        .await
        .expect("taken back");
    let refused = other.get(&text).await.expect_err("taken back");
    assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused}");
    assert!(other.fetched().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_contact_gets_what_contacts_get_only_once_confirmed() {
    let (alice, bob) = (Person::new("alice").await, Person::new("bob").await);
    fill(&alice);
    alice.share("holiday", Recipients::Contacts).await;
    let invite = people::invite(&alice.node, true).await;
    let book = bob.node.address_book();
    book.add(invite, Some("alice"))
        .await
        .expect("a good invite");
    people::knows(&alice.node, bob.node.peer_id()).await;

    let listed = bob.node.contents().list(alice.node.peer_id()).await;
    assert_eq!(listed.expect("answered"), []);
    let refused = bob.get("alice/holiday").await.expect_err("pending");
    assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused}");

    let (book, mut events) = (alice.node.address_book(), alice.node.events());
    book.confirm(bob.node.peer_id()).await.expect("pending");
    people::trusts(&mut events, bob.node.peer_id()).await;
    // She looks for him from now on, as he does not know where she is.
    let mut options = bob.options("alice/holiday").await.expect("a source");
    options.wait = people::PATIENCE;
    let fetched = people::finish(bob.node.contents().get(options)).await;
    fetched.expect("confirmed");
}

#[tokio::test(flavor = "multi_thread")]
async fn blocking_somebody_stops_what_they_are_fetching() {
    let (alice, bob) = two_who_met().await;
    let transfer = big_under_way(&alice, &bob).await;
    let book = alice.node.address_book();
    book.block(bob.node.peer_id()).await.expect("a contact");
    let refused = people::finish(transfer).await.expect_err("blocked");
    assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused}");
    assert!(bob.fetched().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_blocked_and_is_trusted_again_goes_on_where_it_ended() {
    /// The most that may be fetched twice: what was under way.
    const TWICE_MAX: u64 = 16 << 20;
    let (alice, bob) = two_who_met().await;
    alice.write("big", &bytes(1, BIG_BYTES));
    alice.share("big", Recipients::Contacts).await;
    let options = bob.options("alice/big").await.expect("a source");
    let mut transfer = bob.node.contents().get(options.clone());
    let before = people::until(&mut transfer, BIG_BYTES as u64 / 2).await;
    let (book, peer) = (alice.node.address_book(), bob.node.peer_id());
    book.block(peer).await.expect("a contact");
    let refused = people::finish(transfer).await.expect_err("blocked");
    assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused}");

    book.unblock(peer).await.expect("blocked");
    alice.meet(&bob).await;
    let mut options = options;
    options.wait = people::PATIENCE;
    let fetched = people::finish(bob.node.contents().get(options)).await;
    let fetched = fetched.expect("trusted again");
    assert_eq!(fetched.bytes, BIG_BYTES as u64);
    let this_run: u64 = fetched.sources.iter().map(|source| source.bytes).sum();
    let rest = BIG_BYTES as u64 - before.bytes;
    assert!(this_run <= rest + TWICE_MAX, "{this_run} of {rest}");
    assert!(fs::read(bob.at("out/big")).expect("there") == bytes(1, BIG_BYTES));
}

#[tokio::test(flavor = "multi_thread")]
async fn taking_a_share_back_stops_what_is_being_fetched_of_it() {
    let (alice, bob) = two_who_met().await;
    let transfer = big_under_way(&alice, &bob).await;
    let contents = alice.node.contents();
    contents.unshare("big").await.expect("taken back");
    let refused = people::finish(transfer).await.expect_err("taken back");
    assert_eq!(refused.kind(), ErrorKind::NotAllowed, "{refused}");
    assert!(bob.fetched().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_was_dropped_goes_on_where_it_ended() {
    let (alice, bob) = two_who_met().await;
    alice.write("big", &bytes(1, BIG_BYTES));
    alice.share("big", Recipients::Contacts).await;
    let options = bob.options("alice/big").await.expect("a source");
    let mut transfer = bob.node.contents().get(options.clone());
    let before = people::until(&mut transfer, BIG_BYTES as u64 / 4).await;
    drop(transfer);
    assert!(bob.fetched().is_empty());

    // What was under way when it was dropped may still be on its way to the disk.
    let fetched = loop {
        match people::finish(bob.node.contents().get(options.clone())).await {
            Err(Error::Get {
                error: GetError::Busy(_),
                ..
            }) => a_moment().await,
            other => break other.expect("fetched"),
        }
    };
    assert_eq!(fetched.bytes, BIG_BYTES as u64);
    let this_run: u64 = fetched.sources.iter().map(|source| source.bytes).sum();
    assert!(
        this_run <= BIG_BYTES as u64 - before.bytes,
        "{this_run} after {before:?}"
    );
    assert!(fs::read(bob.at("out/big")).expect("there") == bytes(1, BIG_BYTES));
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_do_not_verify_get_no_name() {
    let (mut alice, bob) = (Person::new("alice").await, Person::new("bob").await);
    alice.write("holiday/good", b"good");
    alice.write("holiday/bad", &bytes(1, 3_000_000));
    alice.share("holiday", Recipients::Contacts).await;
    let mut edited = bytes(1, 3_000_000);
    edited[2_000_000] ^= 1;
    alice.edit_unseen("holiday/bad", &edited).await;
    alice.meet(&bob).await;

    let refused = bob.get("alice/holiday").await.expect_err("a wrong byte");
    assert_eq!(refused.kind(), ErrorKind::NotVerified, "{refused}");
    assert!(bob.fetched().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_edited_since_arrives_as_it_is_now() {
    let (alice, bob) = two_who_met().await;
    alice.write("holiday/diary", b"Monday");
    let first = alice.share("holiday", Recipients::Contacts).await.share;
    for days in ["Monday, Tuesday", "Monday to Wednesday", "all week"] {
        alice.write("holiday/diary", days.as_bytes());
        bob.get("alice/holiday").await.expect("fetched");
        assert!(snapshot(&alice.at("holiday")) == snapshot(&bob.at("out/holiday")));
        fs::remove_dir_all(bob.at("out/holiday")).expect("removed");
    }

    let mut options = bob.options("alice/holiday").await.expect("a source");
    options.at = Some(first.head.manifest);
    options.out = bob.at("before");
    let refused = people::finish(bob.node.contents().get(options)).await;
    let refused = refused.expect_err("the version of before");
    assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_something_else_is_left_alone() {
    let (alice, bob) = two_who_met().await;
    fill(&alice);
    alice.share("holiday", Recipients::Contacts).await;
    bob.write("out/holiday/mine", b"mine");
    let refused = bob.get("alice/holiday").await.expect_err("in the way");
    assert_eq!(refused.kind(), ErrorKind::Failed, "{refused}");
    assert!(refused.to_string().contains("exists already"), "{refused}");
    assert_eq!(snapshot(&bob.at("out/holiday")).len(), 1);

    fs::remove_dir_all(bob.at("out/holiday")).expect("removed");
    bob.get("alice/holiday").await.expect("fetched");
    let again = bob
        .get("alice/holiday")
        .await
        .expect("the same is no error");
    assert_eq!(again.sources, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_matches_is_fetched() {
    let (alice, bob) = two_who_met().await;
    fill(&alice);
    alice.share("holiday", Recipients::Contacts).await;
    let mut options = bob.options("alice/holiday").await.expect("a source");
    options.only = vec!["*.jpg".to_owned(), "many/1?.txt".to_owned()];
    let fetched = people::finish(bob.node.contents().get(options)).await;
    assert_eq!(fetched.expect("fetched").files, 11);
    let tree = snapshot(&bob.at("out/holiday"));
    assert!(tree.contains_key(Path::new("sub/deep/picture.jpg")));
    assert!(!tree.contains_key(Path::new("readme.txt")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_nothing_says_so() {
    let (alice, bob) = two_who_met().await;
    for (text, expected) in [
        ("", ErrorKind::Usage),
        ("alice", ErrorKind::Usage),
        ("alice/", ErrorKind::Usage),
        ("kith:link1qqqqqqqq", ErrorKind::Usage),
        ("nobody/holiday", ErrorKind::NotFound),
        ("alice/nothing", ErrorKind::NotFound),
        ("alice/nothing/at/all", ErrorKind::NotFound),
    ] {
        let refused = bob.get(text).await.expect_err(text);
        assert_eq!(refused.kind(), expected, "{text}: {refused}");
    }
    alice.node.shutdown().await;
    let refused = bob.get("alice/holiday").await.expect_err("not there");
    assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused}");
}
