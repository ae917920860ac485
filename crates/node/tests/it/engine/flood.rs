//! A flood of handshakes that are begun and never finished, as from forged addresses.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use kith::routing::accept::HALF_OPEN_MAX;
use kith_core::address::Route;
use tokio::net::UdpSocket;
use tokio_util::task::AbortOnDropHandle;

use super::{contact_face, direct_route, joined, soon};

/// Of a packet with a long header: fixed bits and type (RFC 9000 §17.2).
const LONG_HEADER_BITS: u8 = 0xf0;

/// A Retry packet's (RFC 9000 §17.2.5).
const RETRY: u8 = 0xf0;

/// Passes packets on to `target` and none back, but tells when a Retry came.
async fn one_way_street(target: SocketAddr) -> (SocketAddr, Arc<UdpSocket>, AbortOnDropHandle<()>) {
    let any_port = (Ipv4Addr::LOCALHOST, 0);
    let inside = UdpSocket::bind(any_port).await.expect("a free port");
    let outside = Arc::new(UdpSocket::bind(any_port).await.expect("a free port"));
    outside.connect(target).await.expect("loopback");
    let address = inside.local_addr().expect("bound");
    let onward = outside.clone();
    let task = tokio::spawn(async move {
        let mut packet = [0; 65_536];
        while let Ok((length, _)) = inside.recv_from(&mut packet).await {
            // A full queue at the other end is as good as a lost packet.
            let _ = onward.send(&packet[..length]).await;
        }
    });
    (address, outside, AbortOnDropHandle::new(task))
}

/// Waits for a Retry among what comes back.
async fn retry(outside: &UdpSocket) {
    let mut packet = [0; 65_536];
    loop {
        let length = outside.recv(&mut packet).await.expect("loopback");
        if length > 0 && packet[0] & LONG_HEADER_BITS == RETRY {
            return;
        }
    }
}

#[tokio::test]
async fn a_flood_of_half_open_handshakes_keeps_nobody_out() {
    let server = contact_face(&[]).await;
    let (street, outside, _task) = one_way_street(server.bound_addresses()[0]).await;
    let attacker = contact_face(&[]).await;
    let forged = Route {
        addresses: vec![street],
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
    soon("a demand to prove the address", retry(&outside)).await;
    let honest = contact_face(&[]).await;
    let (dialled, accepted) = joined(&honest, &server, &direct_route(&server)).await;
    assert_eq!(dialled.exporter(), accepted.exporter());
}
