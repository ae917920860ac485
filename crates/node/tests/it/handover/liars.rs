//! An owner whose disk lies: a friend gives what they fetched before.

use std::fs;

use kith::content::Recipients;

use super::copies::{alice_and_two_friends, examined, heard};
use super::people::{self, bytes, given};

const BYTES: usize = 3 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_friend_gives_what_its_owner_lies_about_and_gives_it_still_when_she_is_known_for_it() {
    let (mut alice, bob, carol) = alice_and_two_friends().await;
    bob.meet(&carol).await;
    alice.write("film", &bytes(1, BYTES));
    let share = alice.share("film", Recipients::Contacts).await.share;
    bob.get("alice/film").await.expect("fetched");
    heard(&alice.node, share.head.share, bob.node.peer_id()).await;
    examined(&bob.node).await;
    alice.edit_unseen("film", &bytes(2, BYTES)).await;
    for friend in [&bob, &carol] {
        friend.reaches(&alice).await;
    }
    heard(&alice.node, share.head.share, bob.node.peer_id()).await;
    for out in ["found out", "known"] {
        let mut options = carol.options("alice/film").await.expect("a source");
        options.out = carol.at(out);
        // What she provides is not fetched again.
        options.provide = false;
        let fetched = people::finish(carol.node.contents().get(options)).await;
        let fetched = fetched.unwrap_or_else(|error| panic!("{out}: {error}"));
        let by_bob = given(&fetched, Some(bob.node.peer_id()));
        assert_eq!(by_bob, BYTES as u64, "{out}: {:?}", fetched.sources);
        assert!(fs::read(&fetched.target).expect("there") == bytes(1, BYTES));
    }
}
