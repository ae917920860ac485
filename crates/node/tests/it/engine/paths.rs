//! From a relay to a direct path, and what is left when the relay goes.

use std::net::{IpAddr, Ipv4Addr};

use kith::routing::PathKind;

use super::relay::TestRelay;
use super::{contact_face, joined, relay_route, soon};

#[tokio::test]
async fn a_dial_by_relay_becomes_direct_and_outlives_the_relay() {
    let relay = TestRelay::start(IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
    let relays = [relay.introducer.clone()];
    let (one, other) = tokio::join!(contact_face(&relays), contact_face(&relays));
    soon("the relay", other.online()).await;
    let route = relay_route(&other, &relay.introducer);
    let (dialled, accepted) = joined(&one, &other, &route).await;
    for connection in [&dialled, &accepted] {
        let mut changes = connection.path_changes();
        while soon("a direct path", changes.next())
            .await
            .expect("open")
            .kind
            != PathKind::Direct
        {}
    }
    relay.stop().await;
    let (mut send, _receive) = dialled.open_stream().await.expect("open");
    send.write_frame(b"still here").await.expect("open");
    let (_reply, mut receive) = soon("a stream", accepted.accept_stream())
        .await
        .expect("open");
    let frame = soon("the frame", receive.read_frame(64)).await;
    assert_eq!(frame.expect("whole").as_deref(), Some(&b"still here"[..]));
}

#[tokio::test]
async fn path_changes_end_with_the_connection() {
    let (_one, _other, dialled, accepted) = super::pair().await;
    let mut changes = dialled.path_changes();
    let first = soon("the first", changes.next()).await;
    assert_eq!(first.map(|path| path.kind), Some(PathKind::Direct));
    accepted.close(0, "");
    assert_eq!(soon("the end", changes.next()).await, None);
}
