//! A stranger goes to the public face of a link's maker, which is at a relay and tells no address.

use kith::content::{NewShare, Recipients};
use kith::core::ids::Face;
use kith::peer::GetOptions;
use kith::routing::PathKind;
use kith::testing::Testnet;

use super::people::{PATIENCE, finish};

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_fetches_by_a_link_over_the_introducers_relay() {
    let testnet = Testnet::start(1, 2).await.expect("a network");
    let (alice, dave) = (testnet.node(0), testnet.node(1));
    let folder = tempfile::tempdir().expect("a place for files");
    let path = folder.path().join("note.txt");
    std::fs::write(&path, b"read me").expect("written");
    let new = NewShare {
        paths: vec![path],
        recipients: Recipients::Link,
        name: None,
        bare: false,
    };
    let published = alice.contents().share(new).await.expect("shared");
    let link = published.share.link;
    let routes: Vec<_> = link.routes().collect();
    assert!(matches!(routes.as_slice(), [(Face::Public, route)] if route.addresses.is_empty()));

    let contents = dave.contents();
    let source = contents.resolve(&link.to_string()).await.expect("a link");
    let mut options = GetOptions::new(source, folder.path().join("out"));
    // Alice may still be on her way to the relay.
    options.wait = PATIENCE;
    let fetched = finish(contents.get(options)).await.expect("fetched");
    assert_eq!(std::fs::read(fetched.target).expect("there"), b"read me");
    let sessions = dave.sessions();
    let to_alice = sessions.iter().find(|it| it.device == routes[0].1.device);
    let session = to_alice.expect("a session stands");
    assert_eq!((session.peer, session.face), (None, Face::Public));
    assert!(
        session
            .path
            .is_some_and(|path| path.kind == PathKind::Relay)
    );
    let used = dave.introducer_states().await.expect("it runs");
    let line = testnet.introducer(0).introducer();
    assert_eq!(session.paths[0].relay, Some(line.relay_url()));
    let (sent, received) = used[0].bytes;
    assert!(sent > 0 && received > 0, "{used:?}");
    testnet.shutdown().await;
}
