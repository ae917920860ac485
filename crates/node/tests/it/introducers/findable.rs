//! Being found by plain PeerId: for those who ask for it, by strangers, and where strangers arrive.

use kith::config::settings::Change;
use kith::core::ids::{Face, PeerId};
use kith::core::routing::Access;
use kith::testing::Testnet;
use kith::{ErrorKind, Event, Node};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{eventually, soon};

const GREETING: &str = "/test/greeting/1";

/// A network of one introducer with Alice, who greets anyone, and Bob, a stranger to her.
async fn with_alice(findable: bool) -> (Testnet, Node, Node) {
    let testnet = soon("the network", Testnet::start(1, 1)).await;
    let mut testnet = testnet.expect("free ports");
    let builder = testnet.node_builder().name("Alice").findable(findable);
    let alice = testnet.add(builder).await.expect("loopback");
    let (alice, bob) = (testnet.node(alice).clone(), testnet.node(0).clone());
    let name = GREETING.parse().expect("a valid name");
    let mut greeted = alice.accept(name, Access::Anyone).expect("a free name");
    tokio::spawn(async move {
        while let Some(mut stream) = greeted.next().await {
            let written = stream.write_all(b"hello, stranger").await;
            written.expect("somebody reads");
            stream.shutdown().await.expect("somebody reads");
        }
    });
    (testnet, alice, bob)
}

/// Waits until the public face is at its relay: from then on a node can be listed.
async fn has_place(node: &Node) {
    let endpoint = node.endpoint(Face::Public).await.expect("it runs");
    let mut routes = endpoint.expect("a public face").watch_route();
    let placed = routes.wait_for(|route| !route.relays.is_empty());
    soon("the relay", placed).await.expect("it runs");
}

async fn greeting(from: &Node, peer: PeerId) -> Result<String, kith::Error> {
    let name = GREETING.parse().expect("a valid name");
    let mut stream = from.open(peer, &[name]).await?;
    let mut text = String::new();
    let read = stream.read_to_string(&mut text).await;
    read.expect("a whole greeting");
    Ok(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_reaches_the_public_face_of_a_findable_peer_and_public_protocols_only() {
    let (testnet, alice, bob) = with_alice(true).await;
    has_place(&alice).await;
    let metrics = testnet.introducer(0).server().metrics();
    eventually("her listing", || metrics.records_published.get() > 0).await;

    let mut events = bob.events();
    let heard = soon("a greeting", greeting(&bob, alice.peer_id())).await;
    assert_eq!(heard.expect("she is found"), "hello, stranger");
    // It may be here before the session stands on this side.
    let reached = async {
        loop {
            match events.recv().await.expect("it runs") {
                Event::Up(session) if session.face == Face::Public => return session,
                _ => {}
            }
        }
    };
    let reached = soon("a session of the public face", reached).await;
    let public = alice.devices().await.expect("it runs");
    assert!(public.contains(&(Face::Public, reached.remote)));
    assert_eq!(reached.peer, None);

    // What is not public is not there, for all a stranger can tell.
    let pong = soon("a refusal", bob.pinger(alice.peer_id()).ping()).await;
    let refused = pong.expect_err("not public");
    assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused:?}");
    testnet.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_finds_who_did_not_ask_for_it() {
    let (testnet, alice, bob) = with_alice(false).await;
    has_place(&alice).await;
    let metrics = testnet.introducer(0).server().metrics();
    let asked = metrics.lookups.get();
    let refused = soon("an answer", greeting(&bob, alice.peer_id())).await;
    assert_eq!(refused.expect_err("not listed").kind(), ErrorKind::NotFound);
    assert!(metrics.lookups.get() > asked, "the introducer was asked");
    assert_eq!(metrics.records_published.get(), 0, "and holds nothing");
    let pong = soon("an answer", bob.pinger(alice.peer_id()).ping()).await;
    assert_eq!(pong.expect_err("not listed").kind(), ErrorKind::NotFound);
    testnet.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_it_while_the_node_runs_is_found_from_then_on() {
    let (testnet, alice, bob) = with_alice(false).await;
    has_place(&alice).await;
    let metrics = testnet.introducer(0).server().metrics();
    let refused = soon("an answer", greeting(&bob, alice.peer_id())).await;
    assert_eq!(refused.expect_err("not listed").kind(), ErrorKind::NotFound);
    let wish = Change {
        findable: Some(true),
        ..Change::default()
    };
    alice.change_preferences(wish).await.expect("it is kept");
    assert!(alice.preferences().await.expect("it runs").findable);
    eventually("her listing", || metrics.records_published.get() > 0).await;
    let heard = soon("a greeting", greeting(&bob, alice.peer_id())).await;
    assert_eq!(heard.expect("she is found"), "hello, stranger");
    testnet.shutdown().await;
}
