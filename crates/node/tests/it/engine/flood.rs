//! A flood of handshakes that are begun and never finished, as from forged addresses.

use std::net::{IpAddr, Ipv4Addr};

use kith_core::address::Route;
use kith_core::routing::config::HALF_OPEN_MAX;
use tokio_util::task::AbortOnDropHandle;

use super::{contact_face, direct_route, joined, soon};
use crate::street::{Street, Traffic};

/// Of a packet with a long header: fixed bits and type (RFC 9000 §17.2).
const LONG_HEADER_BITS: u8 = 0xf0;

/// A Retry packet's (RFC 9000 §17.2.5).
const RETRY: u8 = 0xf0;

#[tokio::test]
async fn a_flood_of_half_open_handshakes_keeps_nobody_out() {
    let server = contact_face(&[]).await;
    let target = server.bound_addresses()[0];
    let mut street = Street::open(IpAddr::V4(Ipv4Addr::LOCALHOST), target, Traffic::OneWay).await;
    let attacker = contact_face(&[]).await;
    let forged = Route {
        addresses: vec![street.entrance],
        ..direct_route(&server)
    };
    let _flood: Vec<_> = (0..HALF_OPEN_MAX + 50)
        .map(|_| {
            let (attacker, forged) = (attacker.clone(), forged.clone());
            AbortOnDropHandle::new(tokio::spawn(async move {
                attacker.connect(&forged).await.map(drop)
            }))
        })
        .collect();
    let retry = street
        .returned
        .wait_for(|first| first & LONG_HEADER_BITS == RETRY);
    let asked = soon("a demand to prove the address", retry).await;
    drop(asked.expect("the street is open"));
    let honest = contact_face(&[]).await;
    let (dialled, accepted) = joined(&honest, &server, &direct_route(&server)).await;
    assert_eq!(dialled.exporter(), accepted.exporter());
}
