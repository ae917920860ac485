//! What an introducer learns that writes down everything and knows every PeerId: nothing that it stores, is told or
//! forwards lets it look up where a person is, join a contact face to a person, join two days' records, or draw who
//! looks for whom.
//!
//! What it does see is who connects to it from where and when, by keys of the moment; docs/exposure.md says so.

mod days;
mod introducer;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use introducer::{Observer, Seen, Tape};
use kith::Node;
use kith::clock::{self, Clock};
use kith::core::peer::InviteOptions;
use kith::discovery::Visits;
use kith::testing::{Clue, local_node, wait_for_contact};
use kith_core::codec;
use kith_core::crypto::{Ed25519, SecretKey};
use kith_core::discovery::{REGISTRY_PROTOCOL, Record, Request, Slot, Terms};
use kith_core::ids::{DeviceKey, Face};
use kith_core::peer::Visit;
use kith_core::routing::Offer;
use kith_core::time::DAY;

use crate::waiting::{PATIENCE, a_moment, soon};

fn assert_none_in(place: &str, tape: &[u8], clues: &[Clue]) {
    let checked = Clue::check_none_in(place, tape, clues);
    assert_eq!(checked, Ok(()));
}

/// Who somebody is. A binding in clear would hold it too.
fn identity(name: &str, node: &Node) -> Vec<Clue> {
    let peer = node.peer_id();
    vec![
        Clue::new(format!("{name}'s PeerId"), *peer.as_bytes()),
        Clue::new(format!("{name}'s PeerId in text"), peer.to_string()),
        Clue::new(format!("{name}'s name"), name),
    ]
}

/// Where somebody is: every address of the contact face, as routes are written, and as people write them.
fn places(name: &str, addresses: &[SocketAddr]) -> Vec<Clue> {
    let clues = addresses.iter().flat_map(|address| {
        let what = format!("{name}'s address {address}");
        let written = minicbor::to_vec(address).expect("writing to memory");
        [
            Clue::new(what.clone(), written),
            Clue::new(what, address.to_string()),
        ]
    });
    clues.collect()
}

/// The keys somebody's endpoints present.
async fn keys(name: &str, node: &Node, faces: &[Face]) -> Vec<Clue> {
    let devices = node.devices().await.expect("it runs");
    let wanted = devices.into_iter().filter(|(face, _)| faces.contains(face));
    let clue = |(face, key): (Face, DeviceKey)| {
        Clue::new(format!("{name}'s {face:?} key"), *key.as_bytes())
    };
    wanted.map(clue).collect()
}

async fn contact_addresses(node: &Node) -> Vec<SocketAddr> {
    let endpoint = node.endpoint(Face::Contact).await.expect("it runs");
    let addresses = endpoint.expect("a contact face").route().addresses;
    assert!(!addresses.is_empty());
    addresses
}

/// Alice and Bob become contacts through the observer alone, talk, and leave their addresses with it.
async fn meet(observer: &Observer) -> (Node, Node) {
    meet_by(&Clock::default(), observer).await
}

/// The same, by a clock of their own.
async fn meet_by(clock: &Clock, observer: &Observer) -> (Node, Node) {
    let start = |name: &str| {
        let line = observer.introducer.clone();
        let node = local_node().name(name).introducers([line]);
        node.clock(clock.clone()).spawn()
    };
    let alice = start("Alice of Wonderland").await.expect("loopback");
    let bob = start("Bob the Builder").await.expect("loopback");
    let public = alice.endpoint(Face::Public).await.expect("it runs");
    let mut routes = public.expect("a public face").watch_route();
    let relayed = routes.wait_for(|route| !route.is_empty());
    soon("Alice's relay", relayed).await.expect("it runs");
    let options = InviteOptions {
        reusable: false,
        life: PATIENCE,
        with_addresses: false,
    };
    let invite = alice.address_book().invite(options).await;
    let book = bob.address_book();
    let added = book.add(invite.expect("makes one"), None).await;
    added.expect("a good invite");
    let known = wait_for_contact(&alice, bob.peer_id());
    soon("the meeting", known).await.expect("it runs");
    for (from, to) in [(&alice, &bob), (&bob, &alice)] {
        let pong = soon("a ping", from.pinger(to.peer_id()).ping()).await;
        pong.expect("an answer");
    }
    let left = async {
        // Bob's reply, and an address of each.
        while observer.records() < 3 {
            a_moment().await;
        }
    };
    soon("their records", left).await;
    (alice, bob)
}

#[tokio::test]
async fn an_introducer_that_writes_everything_down_learns_nobody() {
    let observer = Observer::start().await;
    let (alice, bob) = meet(&observer).await;
    let mut who = identity("Alice of Wonderland", &alice);
    who.extend(identity("Bob the Builder", &bob));
    who.extend(places("Alice", &contact_addresses(&alice).await));
    who.extend(places("Bob", &contact_addresses(&bob).await));
    let faces = [Face::Contact, Face::Public];
    let mut devices = keys("Alice", &alice, &faces).await;
    devices.extend(keys("Bob", &bob, &faces).await);
    futures_util::future::join(alice.shutdown(), bob.shutdown()).await;

    let relayed = observer.relayed.lock().expect("a test").clone();
    let sessions = observer.sessions.lock().expect("a test").clone();
    let stored = observer.stored().await;
    assert_none_in("the relay's traffic", &relayed, &who);
    // Faces keep a place at the relay under their keys, so this shows that the tape is worth searching.
    assert!(devices.iter().any(|key| key.is_in(&relayed)));

    who.extend(devices);
    assert_none_in("the registry's disk", &stored, &who);
    let controls = all(&sessions, |seen| &seen.control);
    assert_none_in("the control streams", &controls, &who);
    let requests = all(&sessions, |seen| &seen.requests);
    assert_none_in("the requests", &requests, &who);
}

/// What was said in all of these sessions; in one that ended early it was nothing.
fn all(sessions: &[Seen], said: impl Fn(&Seen) -> &Tape) -> Vec<u8> {
    let tapes = sessions
        .iter()
        .map(|seen| said(seen).lock().expect("a test").clone());
    tapes.flatten().collect()
}

#[tokio::test]
async fn of_a_peer_who_wants_to_be_found_it_learns_the_public_face_and_no_more() {
    let observer = Observer::start().await;
    let line = observer.introducer.clone();
    let builder = local_node().name("Alice of Wonderland").introducers([line]);
    let alice = builder.findable(true).spawn().await.expect("loopback");
    let listed = async {
        while observer.records() < 1 {
            a_moment().await;
        }
    };
    soon("her listing", listed).await;
    let told = [
        Clue::new("her PeerId".to_owned(), *alice.peer_id().as_bytes()),
        keys("Alice", &alice, &[Face::Public]).await.remove(0),
    ];
    let mut hidden = places("Alice", &contact_addresses(&alice).await);
    hidden.extend(keys("Alice", &alice, &[Face::Contact]).await);
    hidden.push(Clue::new("her name".to_owned(), "Alice of Wonderland"));
    alice.shutdown().await;
    let sessions = observer.sessions.lock().expect("a test").clone();
    let stored = observer.stored().await;
    assert!(told.iter().all(|clue| clue.is_in(&stored)));
    assert_none_in("the registry's disk", &stored, &hidden);
    let requests = all(&sessions, |seen| &seen.requests);
    assert_none_in("the requests", &requests, &hidden);
}

#[tokio::test]
async fn each_request_comes_from_a_key_that_is_nobodys_and_comes_once() {
    let observer = Observer::start().await;
    let (alice, bob) = meet(&observer).await;
    let mut endpoints = BTreeSet::new();
    for node in [&alice, &bob] {
        let devices = node.devices().await.expect("it runs");
        endpoints.extend(devices.into_iter().map(|(_, key)| key));
    }
    futures_util::future::join(alice.shutdown(), bob.shutdown()).await;
    let sessions = observer.sessions.lock().expect("a test").clone();
    let (mut came, mut left, mut looked_up, mut ended) = (BTreeSet::new(), 0, 0, 0);
    for seen in &sessions {
        assert!(came.insert(seen.client), "one key came twice");
        let control = seen.control.lock().expect("a test").clone();
        let (greeting, said) = (Visit::greeting(), control.len());
        assert!(
            greeting.starts_with(&control),
            "a visitor says what all say"
        );
        let requests = requests(&seen.requests.lock().expect("a test"));
        match requests.as_slice() {
            // Whoever made it ended before it was done.
            [] => ended += 1,
            _ if said < greeting.len() => panic!("a request before the greeting"),
            [Request::Publish(_)] => left += 1,
            [Request::Lookup(_)] => looked_up += 1,
            other => panic!("one visit asked {other:?}"),
        }
    }
    assert!(came.is_disjoint(&endpoints));
    assert!(
        left >= 3 && looked_up >= 1 && ended <= left,
        "{left} left, {looked_up} looked up, {ended} ended before"
    );
}

/// Says whose it is by whatever a registry and a relay get to see: the key it comes by, and what it leaves.
async fn betray(observer: &Observer, secrets: &[Clue]) -> DeviceKey {
    let visitor = SecretKey::from_bytes([7; 32]);
    let terms = Terms {
        slot: Slot([8; 16]),
        sequence: 1,
        expires: clock::now() + DAY,
        payload: secrets.iter().flat_map(|it| it.bytes().to_vec()).collect(),
    };
    let record = Record::sign(&Ed25519, &SecretKey::from_bytes([9; 32]), terms);
    let visit = Visit {
        introducer: observer.introducer.clone(),
        is_ours: false,
        visitor: visitor.clone(),
        request: Request::Publish(record.expect("small enough")),
        peer: None,
    };
    let visitors = Visits::default();
    let paid = visitors.pay(visit);
    soon("a visit", paid).await.expect("it is kept");
    visitor.device_key()
}

/// The control of the searches above: they find what somebody does betray.
#[tokio::test]
async fn what_a_careless_node_tells_is_found_at_each_place_that_is_searched() {
    let observer = Observer::start().await;
    let alice = local_node().name("Alice of Wonderland");
    let alice = alice.spawn().await.expect("loopback");
    let mut secrets = identity("Alice of Wonderland", &alice);
    secrets.extend(places("Alice", &contact_addresses(&alice).await));
    secrets.extend(keys("Alice", &alice, &[Face::Contact]).await);
    alice.shutdown().await;
    let key = betray(&observer, &secrets).await;

    let relayed = observer.relayed.lock().expect("a test").clone();
    let sessions = observer.sessions.lock().expect("a test").clone();
    let stored = observer.stored().await;
    let key = Clue::new("the key it came by".to_owned(), *key.as_bytes());
    assert!(key.is_in(&relayed));
    let [seen] = sessions.as_slice() else {
        panic!("{} sessions", sessions.len());
    };
    for clue in &secrets {
        assert!(clue.is_in(&stored), "not found on disk: {}", clue.what());
        let asked = seen.requests.lock().expect("a test");
        assert!(
            clue.is_in(&asked),
            "not found in a request: {}",
            clue.what()
        );
    }
    // What it said besides is what all say.
    let control = seen.control.lock().expect("a test").clone();
    assert_eq!(control, Visit::greeting());
}

/// What was asked on a stream: after the offer, request by request, as far as they have come.
fn requests(tape: &[u8]) -> Vec<Request> {
    let offer = Offer::new(vec![REGISTRY_PROTOCOL.parse().expect("a valid name")]);
    let offer = codec::encode(&offer.expect("one name"));
    let begun = offer.starts_with(tape);
    let rest = tape.strip_prefix(offer.as_slice());
    assert!(begun || rest.is_some(), "it asks for the registry");
    let mut rest = rest.unwrap_or_default();
    let mut requests = Vec::new();
    while let Some((header, after)) = rest.split_first_chunk() {
        let Ok(length) = codec::frame_length(*header, after.len()) else {
            break;
        };
        let (body, after) = after.split_at(length);
        requests.push(Request::from_bytes(body).expect("a request"));
        rest = after;
    }
    requests
}
