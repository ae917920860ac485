//! Floods of handshakes that are begun and never finished: as from forged addresses, and from one real address.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use kith::routing::accept::HALF_OPEN_PER_ADDRESS;
use kith::routing::endpoint::DialError;
use kith::routing::{FaceConfig, FaceEndpoint};
use kith_core::address::Route;
use kith_core::ids::Face;
use kith_core::routing::config::HALF_OPEN_MAX;
use tokio_util::task::AbortOnDropHandle;

use super::{contact_face, direct_route, joined, loopback, soon};
use crate::street::{Street, Traffic, is_retry};

/// Begins more handshakes with `server` than there is room for, down this street.
async fn flood(server: &FaceEndpoint, street: &Street) -> Vec<AbortOnDropHandle<()>> {
    let attacker = contact_face(&[]).await;
    let by_street = Route {
        addresses: vec![street.entrance],
        ..direct_route(server)
    };
    let dial = |_| {
        let (attacker, by_street) = (attacker.clone(), by_street.clone());
        AbortOnDropHandle::new(tokio::spawn(async move {
            // None is answered to the end.
            let _ = attacker.connect(&by_street).await;
        }))
    };
    (0..HALF_OPEN_MAX + 50).map(dial).collect()
}

async fn street_to(server: &FaceEndpoint, traffic: Traffic) -> Street {
    let target = server.bound_addresses()[0];
    Street::open(IpAddr::V4(Ipv4Addr::LOCALHOST), target, traffic).await
}

#[tokio::test]
async fn a_flood_of_half_open_handshakes_keeps_nobody_out() {
    let server = contact_face(&[]).await;
    let mut street = street_to(&server, Traffic::OneWay).await;
    let _flood = flood(&server, &street).await;
    let retry = street.returned.wait_for(|first| is_retry(*first));
    let asked = soon("a demand to prove the address", retry).await;
    drop(asked.expect("the street is open"));
    let honest = contact_face(&[]).await;
    let (dialled, accepted) = joined(&honest, &server, &direct_route(&server)).await;
    assert_eq!(dialled.exporter(), accepted.exporter());
}

/// Each handshake of the flood shows that its address is its own, and stalls then.
#[tokio::test]
async fn a_flood_from_one_real_address_takes_that_addresss_part_only() {
    const { assert!(HALF_OPEN_PER_ADDRESS < HALF_OPEN_MAX) };
    let server = contact_face(&[]).await;
    let street = street_to(&server, Traffic::Stalling).await;
    let _flood = flood(&server, &street).await;
    let neighbour = contact_face(&[]).await;
    let route = direct_route(&server);
    // A dial that fails in another way, as on a busy machine, says nothing of places.
    let refused = async {
        loop {
            if let Err(DialError::Handshake(why)) = neighbour.connect(&route).await
                && why.contains("refused")
            {
                return;
            }
        }
    };
    soon("places that are taken", refused).await;
    let elsewhere = FaceEndpoint::bind(FaceConfig {
        bind: vec![SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), 0))],
        ..loopback(Face::Contact, &[])
    });
    let elsewhere = elsewhere.await.expect("a free port");
    let dialled = soon("a place", elsewhere.connect(&route)).await;
    assert_eq!(dialled.expect("it answers").remote(), server.device());
}
