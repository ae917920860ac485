//! What is not to be had any more is shared again under its name.

use std::fs;

use kith::content::Recipients;

use super::copies::{alice_and_two_friends, examined, heard, until};
use super::people::{self, Person};
use super::reading::{all, open};
use super::two_who_met;

/// What comes by the name into a folder of its own.
async fn got(person: &Person, text: &str) -> Vec<u8> {
    let mut options = person.options(text).await.expect("a source");
    options.out = person.at("again");
    let fetched = people::finish(person.node.contents().get(options)).await;
    fs::read(fetched.expect("fetched").target).expect("there")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_back_and_is_shared_again_is_read_and_got_by_its_name() {
    let (alice, bob) = two_who_met().await;
    alice.write("note", b"first");
    let share = alice.share("note", Recipients::Contacts).await.share;
    bob.get("alice/note").await.expect("fetched");
    heard(&alice.node, share.head.share, bob.node.peer_id()).await;
    examined(&bob.node).await;
    let contents = alice.node.contents();
    contents.unshare("note").await.expect("taken back");
    until("Bob is told", async || {
        let copies = bob.node.contents().copies().await;
        copies.expect("read").is_empty()
    })
    .await;
    alice.write("note", b"second");
    let again = alice.share("note", Recipients::Contacts).await.share;
    assert_ne!(again.head.share, share.head.share);

    let mut reader = open(&bob, "alice/note").await.expect("a source");
    assert_eq!(all(&mut reader).await.expect("readable"), b"second");
    assert_eq!(got(&bob, "alice/note").await, b"second");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_others_now_and_is_shared_again_is_got_by_its_name() {
    let (alice, bob, carol) = alice_and_two_friends().await;
    alice.write("note", b"first");
    let named = Recipients::Named(vec![bob.node.peer_id()]);
    alice.share("note", named).await;
    bob.get("alice/note").await.expect("fetched");
    let named = Recipients::Named(vec![carol.node.peer_id()]);
    let contents = alice.node.contents();
    contents.set_audience("note", named).await.expect("hers");
    alice.write("note", b"second");
    alice.share("note", Recipients::Contacts).await;
    assert_eq!(got(&bob, "alice/note").await, b"second");
}
