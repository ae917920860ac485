//! What a stranger learns by dialling, or by being dialled: from a face with relays only, no address. The same dial of a face that has sockets discloses
//! them at once, which is why there are two faces, and shows that these tests would see it.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt as _;
use iroh::TransportAddr;
use iroh::endpoint::PathEvent;
use kith::routing::{Connection, FaceEndpoint};
use kith_core::ids::Face;

use super::relay::TestRelay;
use super::{contact_face, joined, loopback, relay_route, soon};

/// How long to watch. iroh sends its addresses in the first round trips; a direct path on loopback takes milliseconds.
const WATCH: Duration = Duration::from_secs(4);

/// Every IP address that `watcher` comes to know of the other end within [`WATCH`].
async fn addresses_learned(
    watcher: &FaceEndpoint,
    connection: &Connection,
) -> BTreeSet<SocketAddr> {
    let mut learned = BTreeSet::new();
    let mut note = |address: &TransportAddr| {
        if let TransportAddr::Ip(address) = address {
            learned.insert(*address);
        }
    };
    let mut events = connection.engine().path_events();
    connection.path_addresses().iter().for_each(&mut note);
    let watch = async {
        while let Some(event) = events.next().await {
            match event {
                PathEvent::Opened { remote_addr, .. }
                | PathEvent::Selected { remote_addr, .. }
                | PathEvent::Closed { remote_addr, .. } => note(&remote_addr),
                _ => {}
            }
        }
    };
    // The one wait here that is no bound: what must *not* happen gets time to happen.
    let ended = tokio::time::timeout(WATCH, watch).await;
    assert!(ended.is_err(), "the connection lives on");
    connection.path_addresses().iter().for_each(&mut note);
    learned.extend(watcher.known_addresses(connection.remote()).await);
    learned
}

/// Dials `listener` by relay, from a face with sockets, and says what was learned.
async fn dial_and_learn(listener: &FaceEndpoint, relay: &TestRelay) -> BTreeSet<SocketAddr> {
    let dialler = contact_face(std::slice::from_ref(&relay.introducer)).await;
    soon("the relay", dialler.online()).await;
    soon("the relay", listener.online()).await;
    let route = relay_route(listener, &relay.introducer);
    let (dialled, accepted) = joined(&dialler, listener, &route).await;
    let learned = addresses_learned(&dialler, &dialled).await;
    drop(accepted);
    learned
}

#[tokio::test]
async fn a_relay_only_face_discloses_no_address() {
    let relay = TestRelay::start(IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
    let config = loopback(Face::Public, std::slice::from_ref(&relay.introducer));
    let listener = FaceEndpoint::bind(config).await.expect("nothing to bind");
    let learned = dial_and_learn(&listener, &relay).await;
    assert!(learned.is_empty(), "a stranger learned {learned:?}");
    assert!(listener.bound_addresses().is_empty());
    assert!(listener.route().addresses.is_empty());
}

#[tokio::test]
async fn a_relay_only_face_that_dials_discloses_no_address_either() {
    let relay = TestRelay::start(IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
    let relays = std::slice::from_ref(&relay.introducer);
    let listener = contact_face(relays).await;
    soon("the relay", listener.online()).await;
    let config = loopback(Face::Public, relays);
    let dialler = FaceEndpoint::bind(config).await.expect("nothing to bind");
    let route = relay_route(&listener, &relay.introducer);
    let (_dialled, accepted) = joined(&dialler, &listener, &route).await;
    let learned = addresses_learned(&listener, &accepted).await;
    assert!(learned.is_empty(), "the dialled one learned {learned:?}");
}

#[tokio::test]
async fn a_face_with_sockets_discloses_them_before_any_proof() {
    let relay = TestRelay::start(IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
    let listener = contact_face(std::slice::from_ref(&relay.introducer)).await;
    let learned = dial_and_learn(&listener, &relay).await;
    let bound = listener.bound_addresses();
    assert!(
        bound.iter().any(|address| learned.contains(address)),
        "{learned:?} has none of {bound:?}"
    );
}
