//! People who know each other: what a dead introducer costs, how they find each other again, and what a block ends.

use std::time::Duration;

use kith::core::address::Route;
use kith::core::ids::Face;
use kith::core::introducer::Introducer;
use kith::core::peer::Source;
use kith::core::routing::UnreachableReason;
use kith::testing::{Testnet, wait_for_contact};
use kith::{Error, Event, Node};
use tokio::time::Instant;

use super::{eventually, has_place_at, soon};
use crate::waiting::a_moment;

/// Whoever looks too early looks again after a minute, and then after four.
const FOUND_WITHIN: Duration = Duration::from_secs(6 * 60);

/// Less than somebody who is just gone is missed after (30 s), or is looked for in vain (15 s).
const TOLD_WITHIN: Duration = Duration::from_secs(14);

async fn testnet(introducers: usize, nodes: usize) -> Testnet {
    let started = soon("the network", Testnet::start(introducers, nodes)).await;
    started.expect("free ports")
}

#[tokio::test]
async fn a_session_outlives_the_introducer_it_began_with() {
    let mut testnet = testnet(1, 2).await;
    let met = soon("meeting", testnet.befriend(0, 1)).await;
    met.expect("they meet");
    let (alice, bob) = (testnet.node(0).clone(), testnet.node(1).clone());
    let mut pinger = alice.pinger(bob.peer_id());
    soon("a ping", pinger.ping()).await.expect("an answer");
    testnet.stop_introducer(0).await;
    for _ in 0..3 {
        soon("a ping", pinger.ping()).await.expect("an answer");
    }
    testnet.shutdown().await;
}

#[tokio::test]
async fn the_two_faces_keep_their_places_at_different_introducers() {
    let testnet = testnet(3, 1).await;
    let node = testnet.node(0);
    let used = node.introducers().await.expect("it runs");
    let (first, rest) = used.split_first().expect("three");
    assert_eq!(rest.len(), 2);
    let public = vec![first.relay_url()];
    let contact: Vec<String> = rest.iter().map(Introducer::relay_url).collect();
    for (face, theirs, others) in [
        (Face::Public, &public, &contact),
        (Face::Contact, &contact, &public),
    ] {
        let endpoint = node.endpoint(face).await.expect("it runs");
        let mut routes = endpoint.expect("a face").watch_route();
        let placed = routes.wait_for(|route| !route.relays.is_empty());
        let route = soon("a place", placed).await.expect("it runs").clone();
        assert!(route.relays.iter().all(|url| theirs.contains(url)));
        assert!(!route.relays.iter().any(|url| others.contains(url)));
    }
    testnet.shutdown().await;
}

#[tokio::test]
async fn how_far_an_introducer_is_is_known_as_soon_as_it_was_asked() {
    let mut testnet = testnet(2, 0).await;
    let builder = testnet.node_builder();
    testnet.stop_introducer(1).await;
    let node = testnet.add(builder).await.expect("loopback");
    let node = testnet.node(node);
    // Each is asked for its own notice at the start.
    let asked = async {
        loop {
            let states = node.introducer_states().await.expect("it runs");
            if states[0].round_trip.is_some() && !states[1].answers {
                return states;
            }
            a_moment().await;
        }
    };
    let states = soon("an answer of one and none of the other", asked).await;
    assert!(states[0].answers && states[0].round_trip > Some(Duration::ZERO));
    assert_eq!(states[1].round_trip, None);
    assert_eq!(states[0].bytes, (0, 0), "nobody is met there");
    testnet.shutdown().await;
}

#[tokio::test]
async fn one_dead_introducer_of_two_costs_nothing_but_itself() {
    let mut testnet = testnet(2, 0).await;
    let builders = [testnet.node_builder(), testnet.node_builder()];
    // Both nodes have the lines of both, and the first is dead from the start.
    testnet.stop_introducer(0).await;
    for builder in builders {
        testnet.add(builder).await.expect("loopback can be bound");
    }
    let met = soon("meeting", testnet.befriend(0, 1)).await;
    met.expect("they meet");
    let published = || {
        let metrics = testnet.introducer(0).server().metrics();
        metrics.records_published.get()
    };
    eventually("both leave their address", || published() >= 2).await;
    testnet.shutdown().await;
}

#[tokio::test]
async fn a_public_face_whose_introducer_dies_moves_to_the_other() {
    let mut testnet = testnet(2, 1).await;
    let (node, lines) = (testnet.node(0).clone(), testnet.lines());
    has_place_at(&node, &lines[0]).await;
    testnet.stop_introducer(0).await;
    has_place_at(&node, &lines[1]).await;
    testnet.shutdown().await;
}

#[tokio::test]
async fn a_contact_with_a_new_key_is_found_by_todays_locator() {
    let mut testnet = testnet(2, 1).await;
    let data = tempfile::tempdir().expect("a place for files");
    // She waits to be found: nothing makes her dial.
    let home = |testnet: &Testnet| {
        let builder = testnet.node_builder().keep_sessions(false);
        builder.name("Alice").data_dir(data.path())
    };
    let alice = testnet.add(home(&testnet)).await.expect("loopback");
    let met = soon("meeting", testnet.befriend(0, alice)).await;
    met.expect("they meet");
    let bob = testnet.node(0).clone();
    let before = testnet.node(alice).devices().await.expect("it runs");
    let mut events = bob.events();
    testnet.node(alice).shutdown().await;

    // The relay of the public face that Bob knows is dead: only her record can tell where she is now.
    testnet.stop_introducer(0).await;
    let alice = testnet.add(home(&testnet)).await.expect("loopback");
    let alice = testnet.node(alice).clone();
    assert_ne!(alice.devices().await.expect("it runs"), before);
    let found = async {
        loop {
            match events.recv().await.expect("it runs") {
                Event::Found {
                    peer,
                    source: Source::Record,
                } if peer == alice.peer_id() => return,
                _ => {}
            }
        }
    };
    let found = tokio::time::timeout(FOUND_WITHIN, found).await;
    found.expect("her record is found");
    let pong = soon("a ping", bob.pinger(alice.peer_id()).ping()).await;
    pong.expect("an answer");
    testnet.shutdown().await;
}

#[tokio::test]
async fn who_is_blocked_is_served_nothing_and_shares_no_secret_any_more() {
    let testnet = testnet(1, 2).await;
    let met = soon("meeting", testnet.befriend(0, 1)).await;
    met.expect("they meet");
    let (alice, bob) = (testnet.node(0).clone(), testnet.node(1).clone());
    let book = alice.address_book();
    assert!(book.contacts().await.expect("it runs")[0].reach.is_some());
    book.block(bob.peer_id()).await.expect("it runs");
    assert!(book.contacts().await.expect("it runs")[0].reach.is_none());
    let gone = || alice.sessions().iter().all(|it| it.peer.is_none());
    eventually("their session ends", gone).await;
    let pong = soon("a ping", bob.pinger(alice.peer_id()).ping()).await;
    pong.expect_err("no answer");
    // An unblocked one is nobody's contact by that alone: it takes a new invite.
    book.unblock(bob.peer_id()).await.expect("it runs");
    let pong = soon("a ping", bob.pinger(alice.peer_id()).ping()).await;
    pong.expect_err("no answer");
    soon("meeting again", testnet.befriend(0, 1))
        .await
        .expect("by a new invite");
    testnet.shutdown().await;
}

/// Alice, and Bob who met her by the relay; their session has found a direct path since, beside it.
async fn met_by_the_relay(testnet: &Testnet) -> (Node, Node) {
    let (alice, bob) = (testnet.node(0).clone(), testnet.node(1).clone());
    let endpoint = alice.endpoint(Face::Contact).await.expect("it runs");
    let mut routes = endpoint.expect("a face").watch_route();
    let placed = routes.wait_for(|route| !route.relays.is_empty());
    let route = soon("a place", placed).await.expect("it runs").clone();
    let book = alice.address_book();
    let life = Duration::from_secs(3600);
    let mut invite = book.invite_one(life).await.expect("an invite");
    invite.contact = Some(Route {
        addresses: Vec::new(),
        ..route
    });
    bob.address_book()
        .add(invite, None)
        .await
        .expect("a good invite");
    let met = soon("meeting", wait_for_contact(&alice, bob.peer_id())).await;
    met.expect("it runs");
    let direct = bob
        .wait_direct(alice.peer_id(), Duration::from_secs(60))
        .await;
    direct.expect("on one machine");
    (alice, bob)
}

/// What Bob is told who asks Alice for something.
async fn refused<T: std::fmt::Debug>(asked: impl Future<Output = Result<T, Error>>) {
    let begun = Instant::now();
    let told = soon("an answer", asked).await;
    let reason = UnreachableReason::NotAContact;
    let is_told = matches!(&told, Err(Error::Unreachable { reason: told, .. }) if *told == reason);
    assert!(is_told, "{told:?}");
    assert!(begun.elapsed() < TOLD_WITHIN, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_blocked_hears_of_it_though_the_only_introducer_is_dead() {
    for is_relayed in [true, false] {
        let mut testnet = testnet(1, 2).await;
        if is_relayed {
            met_by_the_relay(&testnet).await;
        } else {
            let met = soon("meeting", testnet.befriend(0, 1)).await;
            met.expect("they meet");
        }
        let (alice, bob) = (testnet.node(0).clone(), testnet.node(1).clone());
        testnet.stop_introducer(0).await;
        let blocked = Instant::now();
        alice
            .address_book()
            .block(bob.peer_id())
            .await
            .expect("it runs");
        if is_relayed {
            let gone = || bob.sessions().iter().all(|it| it.peer.is_none());
            eventually("his session ends", gone).await;
            assert!(blocked.elapsed() < TOLD_WITHIN, "{:?}", blocked.elapsed());
        }
        let (contents, them) = (bob.contents(), alice.peer_id());
        refused(contents.list(them)).await;
        refused(bob.pinger(them).ping()).await;
        refused(contents.list(them)).await;
        testnet.shutdown().await;
    }
}
