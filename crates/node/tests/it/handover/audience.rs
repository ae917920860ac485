//! Who may have a share is changed while it is shared.

use kith::content::Recipients;
use kith::{Error, ErrorKind};

use super::copies::{alice_and_two_friends, hear_of_others, heard, until};
use super::people::Person;

#[tokio::test(flavor = "multi_thread")]
async fn whom_the_owner_takes_out_gets_nothing_from_anybody_and_who_is_added_has_it_at_once() {
    let (alice, bob, carol) = alice_and_two_friends().await;
    let dave = Person::new("dave").await;
    alice.meet(&dave).await;
    let [bob_id, carol_id, dave_id] = [&bob, &carol, &dave].map(|person| person.node.peer_id());
    alice.write("folder/small", b"read me");
    let named = Recipients::Named(vec![bob_id, carol_id]);
    let share = alice.share("folder", named).await.share;
    bob.get("alice/folder").await.expect("fetched");
    heard(&alice.node, share.head.share, bob_id).await;
    // She has a grant, and knows of Bob.
    hear_of_others(&carol, 0).await;
    let options = carol.options("alice/folder").await.expect("a source");
    let refused = dave.get("alice/folder").await.expect_err("not for Dave");
    assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused}");

    let named = Recipients::Named(vec![bob_id, dave_id]);
    let changed = alice.node.contents().set_audience("folder", named).await;
    let changed = changed.expect("contacts");
    assert_eq!(changed.link.to_string(), share.link.to_string());
    let mut expected = vec![bob_id, dave_id];
    expected.sort();
    assert_eq!(changed.named, expected);
    dave.get("alice/folder").await.expect("from now on");
    let listed = carol.node.contents().list(alice.node.peer_id()).await;
    assert_eq!(listed.expect("answered"), []);

    until("Bob is told", async || {
        let copies = bob.node.contents().copies().await.expect("read");
        copies[0].head.epoch == 2
    })
    .await;
    alice.node.shutdown().await;
    let refused = super::people::finish(carol.node.contents().get(options)).await;
    refused.expect_err("Bob knows that she is not to have it");
    assert!(carol.fetched().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_contact_cannot_be_named_and_nothing_changes_then() {
    let (alice, bob, carol) = alice_and_two_friends().await;
    alice.write("note", b"read me");
    let named = Recipients::Named(vec![bob.node.peer_id()]);
    let before = alice.share("note", named).await.share;
    let contents = alice.node.contents();
    let stranger = Recipients::Named(vec![Person::new("eve").await.node.peer_id()]);
    let refused = contents.set_audience("note", stranger).await;
    assert!(
        matches!(refused, Err(Error::UnknownContact(_))),
        "{refused:?}"
    );
    let refused = contents.set_audience("letter", Recipients::Public).await;
    assert_eq!(refused.expect_err("no share").kind(), ErrorKind::NotFound);
    let now = contents.my_share("note").await.expect("shared");
    assert_eq!(now.head, before.head);
    let refused = carol.get("alice/note").await;
    refused.expect_err("still not for Carol");
}
