//! A node that can be reached relays for its contacts, for them alone, and within a quota. There is no introducer here.
//!
//! Bob listens on 127.0.0.1 and Carol on ::1, so there is no direct path between them. Alice, whom both know, listens on both.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use kith::config::RelayForContacts;
use kith::config::settings::Change;
use kith::core::ids::Face;
use kith::core::introducer::Introducer;
use kith::core::routing::Access;
use kith::routing::endpoint::RelayState;
use kith::routing::{FaceConfig, FaceEndpoint, PathKind};
use kith::{Node, NodeBuilder};
use tokio::io::AsyncWriteExt as _;

use super::friends::{befriend, spawn};
use super::waiting::soon;

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// How often to look at what tells of no change.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

fn node_on(addresses: &[IpAddr]) -> NodeBuilder {
    let bind = addresses.iter().map(|ip| SocketAddr::new(*ip, 0));
    Node::builder().bind(bind).lan(None).port_mapping(false)
}

fn settings() -> RelayForContacts {
    RelayForContacts {
        addresses: vec![V4],
        ..RelayForContacts::default()
    }
}

/// Alice, who relays in this way, and Bob and Carol, who know her and sit at her relay.
async fn three(settings: RelayForContacts) -> [Node; 3] {
    let alice = spawn(node_on(&[V4, V6]).relay_for_contacts(settings)).await;
    let bob = spawn(node_on(&[V4])).await;
    let carol = spawn(node_on(&[V6])).await;
    for contact in [&bob, &carol] {
        befriend(&alice, contact).await;
        relay_state(contact, |state| state.is_connected).await;
        let relays = contact.contact_relays().await.expect("it runs");
        assert_eq!(relays[0].0, alice.peer_id());
    }
    [alice, bob, carol]
}

async fn contact_face(node: &Node) -> FaceEndpoint {
    let endpoint = node.endpoint(Face::Contact).await.expect("it runs");
    endpoint.expect("every node has a contact face")
}

/// Waits until the contact face stands so with its relay.
async fn relay_state(node: &Node, is_so: impl Fn(&RelayState) -> bool) {
    let endpoint = contact_face(node).await;
    endpoint_state(&endpoint, is_so).await;
}

async fn endpoint_state(endpoint: &FaceEndpoint, is_so: impl Fn(&RelayState) -> bool) {
    let reached = async {
        while !endpoint.relay_states().iter().any(&is_so) {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    soon("a change at the relay", reached).await;
}

/// The relay that `node` runs, once it does.
async fn own_relay(node: &Node) -> Introducer {
    let runs = async {
        loop {
            match node.own_relay().await.expect("it runs") {
                Some(relay) => return relay,
                None => tokio::time::sleep(LOOK_AGAIN).await,
            }
        }
    };
    soon("a relay", runs).await
}

async fn end(nodes: [Node; 3]) {
    futures_util::future::join_all(nodes.iter().map(Node::shutdown)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_contacts_of_a_reachable_node_meet_and_talk_through_it() {
    let [alice, bob, carol] = three(settings()).await;
    befriend(&bob, &carol).await;
    let pong = carol.pinger(bob.peer_id()).ping().await.expect("an answer");
    assert_eq!(pong.path.map(|path| path.kind), Some(PathKind::Relay));
    end([alice, bob, carol]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_at_whose_relay_one_sits() {
    let [alice, bob, carol] = three(settings()).await;
    let home = contact_face(&bob).await.route().relays;
    assert_eq!(home, [own_relay(&alice).await.relay_url()]);
    let life = Duration::from_secs(60);
    let invite = bob.address_book().invite_one(life).await.expect("made");
    let contact = invite.contact.expect("Bob knows where he is");
    assert!(!contact.addresses.is_empty() && contact.relays.is_empty());
    assert_eq!(invite.public, None, "no stranger reaches Bob by it");
    end([alice, bob, carol]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_cannot_use_it() {
    let [alice, bob, carol] = three(settings()).await;
    let mut config = FaceConfig::new(Face::Contact, iroh_base::SecretKey::generate());
    config.bind = vec![SocketAddr::new(V4, 0)];
    config.port_mapping = false;
    config.relays = vec![own_relay(&alice).await];
    let stranger = FaceEndpoint::bind(config).await.expect("bound");
    endpoint_state(&stranger, |state| {
        let failure = state.failure.as_deref().unwrap_or_default();
        !state.is_connected && failure.contains("does not serve you")
    })
    .await;
    stranger.close().await;
    end([alice, bob, carol]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_no_contacts_relay_has_a_face_without_a_place_at_one_until_they_do() {
    let [alice, bob, carol] = three(settings()).await;
    let uses = async |uses| {
        let change = Change {
            use_contact_relays: Some(uses),
            ..Change::default()
        };
        let changed = bob.change_preferences(change).await;
        changed.expect("the disk has room");
        let now = bob.preferences().await.expect("it runs");
        assert_eq!(now.use_contact_relays, uses);
    };
    uses(false).await;
    assert_eq!(bob.contact_relays().await.expect("it runs"), []);
    // The face of before ends a little later, and its place with it.
    let left = async {
        while !contact_face(&bob).await.relay_states().is_empty() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    soon("a face without a place", left).await;
    uses(true).await;
    relay_state(&bob, |state| state.is_connected).await;
    end([alice, bob, carol]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_blocked_or_removed_loses_the_place_at_once() {
    for is_blocked in [true, false] {
        let [alice, bob, carol] = three(settings()).await;
        let book = alice.address_book();
        match is_blocked {
            true => book.block(bob.peer_id()).await.expect("blocked"),
            false => book.remove(bob.peer_id()).await.expect("removed"),
        };
        relay_state(&bob, |state| !state.is_connected).await;
        relay_state(&carol, |state| state.is_connected).await;
        end([alice, bob, carol]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_quota_ends_the_place_of_that_contact_alone() {
    let [alice, bob, carol] = three(RelayForContacts {
        mebibytes_per_day: 1,
        ..settings()
    })
    .await;
    befriend(&bob, &carol).await;
    let protocol: kith::core::protocol::ProtocolName = "/test/flood/1".parse().expect("a name");
    let mut incoming = carol
        .accept(protocol.clone(), Access::Contacts)
        .expect("free");
    let mut stream = bob.open(carol.peer_id(), &[protocol]).await.expect("open");
    let flood = tokio::spawn(async move {
        // Ends with the session.
        while stream.write_all(&[0; 16 * 1024]).await.is_ok() {}
    });
    let mut drain = incoming.next().await.expect("Carol runs");
    let drained = tokio::spawn(async move {
        let mut sink = tokio::io::sink();
        let _ = tokio::io::copy(&mut drain, &mut sink).await;
    });
    relay_state(&bob, |state| {
        let failure = state.failure.as_deref().unwrap_or_default();
        !state.is_connected && failure.contains("quota")
    })
    .await;
    relay_state(&carol, |state| state.is_connected).await;
    flood.abort();
    drained.abort();
    end([alice, bob, carol]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_told_not_to_does_not_relay() {
    let alice = spawn(node_on(&[V4]).relay_for_contacts(RelayForContacts {
        enabled: false,
        ..settings()
    }))
    .await;
    let bob = spawn(node_on(&[V4])).await;
    befriend(&alice, &bob).await;
    assert_eq!(alice.own_relay().await.expect("it runs"), None);
    assert_eq!(bob.contact_relays().await.expect("it runs"), []);
    alice.shutdown().await;
    bob.shutdown().await;
}
