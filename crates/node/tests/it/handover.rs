//! A folder goes from hand to hand: share, list and get, between nodes with real sockets.

mod people;

use kith::ErrorKind;
use kith::content::Recipients;
use people::{Person, bytes, snapshot};

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
    let (alice, bob) = (Person::new("alice").await, Person::new("bob").await);
    alice.meet(&bob).await;
    fill(&alice);
    let published = alice.share("holiday", Recipients::Contacts).await;
    assert_eq!(published.left_out_count, 0);

    let contents = bob.node.contents();
    let listed = contents.list(alice.node.peer_id()).await.expect("listed");
    assert_eq!(listed, [published.share.head.clone()]);
    let source = contents
        .resolve("Alice/holiday/sub/")
        .await
        .expect("a source");
    let entries = contents.entries(&source).await.expect("listed");
    let names: Vec<&str> = entries.iter().map(|entry| entry.name()).collect();
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
    assert_eq!(fetched.sources[0].peer, alice.node.peer_id());
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
async fn rate_probe() {
    let (alice, bob) = (Person::new("alice").await, Person::new("bob").await);
    alice.meet(&bob).await;
    alice.write("big", &bytes(7, 200 << 20));
    let t = std::time::Instant::now();
    alice.share("big", Recipients::Contacts).await;
    println!("shared in {:?}", t.elapsed());
    let got = bob.get("alice/big").await.expect("fetched");
    println!("got {} in {:?}", got.bytes, got.time);
}
