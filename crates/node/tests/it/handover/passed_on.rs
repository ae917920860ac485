//! Holders of a link pass a share on to each other from their public faces, which are at a relay and tell no address.

use std::fs;
use std::path::PathBuf;

use kith::Node;
use kith::content::{NewShare, Recipients};
use kith::core::identity::ContactState;
use kith::core::ids::{Face, ShareId};
use kith::core::routing::Target;
use kith::peer::{GetOptions, ShareSource};
use kith::routing::PathKind;
use kith::testing::Testnet;

use super::copies::{examined, heard, until};
use super::people::{PATIENCE, bytes, finish, invite, knows, snapshot};

/// The larger of the two files: some ranges.
const BIG_BYTES: usize = 3 << 20;

/// Shares a folder of two files with whoever holds the link.
async fn share(alice: &Node, folder: PathBuf) -> (String, ShareId) {
    fs::create_dir(&folder).expect("created");
    fs::write(folder.join("small"), b"read me").expect("written");
    fs::write(folder.join("big"), bytes(1, BIG_BYTES)).expect("written");
    let new = NewShare {
        paths: vec![folder],
        recipients: Recipients::Link,
        name: None,
        bare: false,
    };
    let share = alice.contents().share(new).await.expect("shared").share;
    (share.link.to_string(), share.head.share)
}

/// Looks at the share until its owner tells of somebody else who has it.
async fn told_of(node: &Node, source: &ShareSource, folder: &std::path::Path) -> Vec<Target> {
    let told = async {
        for number in 0.. {
            let mut options = GetOptions::new(source.clone(), folder.join(number.to_string()));
            options.only = vec!["small".to_owned()];
            options.wait = PATIENCE;
            finish(node.contents().get(options)).await.expect("fetched");
            let further = node.contents().further(source).await.expect("running");
            if !further.is_empty() {
                return further.into_iter().flat_map(|it| it.targets).collect();
            }
        }
        Vec::new()
    };
    let told = tokio::time::timeout(PATIENCE, told);
    told.await.expect("Alice tells of Bob")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_a_link_gets_it_from_the_public_face_of_another_when_the_owner_is_gone() {
    let testnet = Testnet::start(1, 3).await.expect("a network");
    let [alice, bob, dave] = [0, 1, 2].map(|number| testnet.node(number));
    let folder = tempfile::tempdir().expect("a place for files");
    let (link, share) = share(alice, folder.path().join("two")).await;

    let source = bob.contents().resolve(&link).await.expect("a link");
    let mut options = GetOptions::new(source, folder.path().join("bob"));
    options.wait = PATIENCE;
    let got = finish(bob.contents().get(options)).await.expect("fetched");
    assert_eq!(got.head.share, share);
    // Whoever is where a link leads is nobody until they prove it, so what they do falls back on nobody else.
    assert_eq!(got.sources.len(), 1, "{:?}", got.sources);
    assert_eq!(got.sources[0].peer, None);

    let source = dave.contents().resolve(&link).await.expect("a link");
    let told = told_of(dave, &source, folder.path()).await;
    alice.shutdown().await;
    let mut options = GetOptions::new(source, folder.path().join("dave"));
    options.wait = PATIENCE;
    let got = finish(dave.contents().get(options)).await.expect("by Bob");
    assert!(snapshot(&got.target) == snapshot(&folder.path().join("two")));
    let sessions = dave.sessions();
    let to_bob = sessions
        .iter()
        .find(|it| told.contains(&Target::Device(it.device)));
    let session = to_bob.expect("a session stands");
    assert_eq!((session.peer, session.face), (None, Face::Public));
    assert!(
        session
            .path
            .is_some_and(|path| path.kind == PathKind::Relay)
    );
    testnet.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_passes_it_on_hears_at_once_that_the_owner_takes_it_back() {
    let testnet = Testnet::start(1, 2).await.expect("a network");
    let [alice, bob] = [0, 1].map(|number| testnet.node(number));
    let book = bob.address_book();
    let added = book.add(invite(alice, true).await, None).await;
    added.expect("a good invite");
    knows(alice, bob.peer_id()).await;
    let contacts = alice.address_book().contacts().await.expect("read");
    assert_eq!(contacts[0].state, ContactState::Pending);
    let folder = tempfile::tempdir().expect("a place for files");
    let (link, share) = share(alice, folder.path().join("two")).await;
    let source = bob.contents().resolve(&link).await.expect("a link");
    let mut options = GetOptions::new(source, folder.path().join("bob"));
    options.wait = PATIENCE;
    finish(bob.contents().get(options)).await.expect("fetched");
    heard(alice, share, bob.peer_id()).await;
    examined(bob).await;

    let unshared = alice.contents().unshare(&share.to_string()).await;
    unshared.expect("taken back");
    until("Bob is told", async || {
        let copies = bob.contents().copies().await;
        copies.expect("read").is_empty()
    })
    .await;
    testnet.shutdown().await;
}
