//! Friends who chose some files each give those to others, while the owner is away.

use kith::content::{Chosen, Recipients};

use super::copies::{alice_and_two_friends, examined, hear_of_others, heard};
use super::people::{self, Person, bytes, given, snapshot};

/// Fetches these files of what Alice shares.
async fn choose(person: &Person, paths: &[&str]) {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    let mut options = person.options("alice/folder").await.expect("a source");
    options.chosen = Chosen::new(paths).expect("few");
    let fetched = people::finish(person.node.contents().get(options)).await;
    fetched.expect("fetched");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_chose_different_files_give_all_of_it_to_a_third() {
    let (alice, bob, carol) = alice_and_two_friends().await;
    let dave = Person::new("dave").await;
    alice.meet(&dave).await;
    alice.write("folder/a.jpg", &bytes(1, 1_500_001));
    alice.write("folder/b.jpg", &bytes(2, 2_000_003));
    alice.write("folder/small", b"read me");
    let share = alice.share("folder", Recipients::Contacts).await.share;
    for (friend, paths) in [(&bob, &["a.jpg", "small"][..]), (&carol, &["b.jpg"][..])] {
        choose(friend, paths).await;
        examined(&friend.node).await;
        heard(&alice.node, share.head.share, friend.node.peer_id()).await;
        let copies = friend.node.contents().copies().await.expect("read");
        assert!(copies[0].part.is_some(), "{copies:?}");
    }
    hear_of_others(&dave, 1).await;
    alice.node.shutdown().await;

    let options = dave.options("alice/folder").await.expect("a source");
    let fetched = people::finish(dave.node.contents().get(options)).await;
    let fetched = fetched.expect("from both");
    assert_eq!(fetched.bytes, share.head.totals.bytes);
    // But for what the look has fetched, which nobody said who they are gave.
    let small = share.head.totals.bytes - given(&fetched, None);
    assert!(small <= 7, "{:?}", fetched.sources);
    assert!(snapshot(&dave.at("out/folder")) == snapshot(&alice.at("folder")));
}
