//! From a relay to a direct path, and what is left when the relay goes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use kith::routing::{Connection, FaceEndpoint, PathKind, ReceiveHalf, SendHalf};
use kith_core::ids::Face;

use super::relay::TestRelay;
use super::{contact_face, joined, loopback, relay_route, soon};
use crate::street::{Street, Traffic};

/// The longest silence an application may see when a direct path dies and a relay lives.
const GAP_MAX: Duration = Duration::from_secs(3);

/// How long it may take to be direct again once the way is open and looked for. Left to itself, iroh took 3 s here, and
/// up to 60 s after a longer cut.
const DIRECT_AGAIN_MAX: Duration = Duration::from_secs(2);

/// How often a direct path is looked for until there is one. iroh looks no more often than that.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Waits until `connection` runs over `kind`.
async fn on(connection: &Connection, kind: PathKind) {
    let mut changes = connection.path_changes();
    let moved = async { while changes.next().await.expect("open").kind != kind {} };
    soon("another path", moved).await;
}

/// Has `dialler` look for direct paths, as a node does, until both ends of its connection have one. A first look whose
/// packets come too early or not at all is a failure of that look only, and iroh by itself takes a minute to the next.
pub(super) async fn until_direct(dialler: &FaceEndpoint, ends: [&Connection; 2]) {
    let direct = async {
        for end in ends {
            on(end, PathKind::Direct).await;
        }
    };
    let looks = async {
        let mut due = tokio::time::interval(LOOK_AGAIN);
        loop {
            due.tick().await;
            dialler.seek_direct_paths().await;
        }
    };
    tokio::select! {
        () = direct => {}
        () = looks => unreachable!("it looks for ever"),
    }
}

#[tokio::test]
async fn a_dial_by_relay_becomes_direct_and_outlives_the_relay() {
    let relay = TestRelay::start(IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
    let relays = [relay.introducer.clone()];
    let (one, other) = tokio::join!(contact_face(&relays), contact_face(&relays));
    soon("the relay", other.online()).await;
    let route = relay_route(&other, &relay.introducer);
    let (dialled, accepted) = joined(&one, &other, &route).await;
    until_direct(&one, [&dialled, &accepted]).await;
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

/// Sends a word every 20 ms for as long as it is polled.
async fn speak(send: &mut SendHalf) {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    loop {
        ticks.tick().await;
        send.write_frame(b"word").await.expect("open");
    }
}

/// The longest silence in the words of `receive` until `enough` is over.
async fn longest_gap(receive: &mut ReceiveHalf, enough: impl Future<Output = ()>) -> Duration {
    let (mut gap, mut last) = (Duration::ZERO, Instant::now());
    let mut enough = std::pin::pin!(enough);
    loop {
        tokio::select! {
            word = receive.read_frame(16) => {
                assert!(word.expect("open").is_some());
                gap = gap.max(last.elapsed());
                last = Instant::now();
            }
            () = &mut enough => return gap.max(last.elapsed()),
        }
    }
}

#[tokio::test]
async fn a_dead_direct_path_leaves_a_gap_under_3_s_and_is_found_again_when_sought() {
    let relay = TestRelay::start(IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
    let relays = [relay.introducer.clone()];
    // One speaks IPv6 only and the other IPv4 only, so that the street between them is the one direct way.
    let mut config = loopback(Face::Contact, &relays);
    config.bind = vec![SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
    let dialler = FaceEndpoint::bind(config).await.expect("a free port");
    let listener = contact_face(&relays).await;
    soon("the relay", dialler.online()).await;
    soon("the relay", listener.online()).await;
    let target = listener.bound_addresses()[0];
    let street = Street::open(IpAddr::V6(Ipv6Addr::LOCALHOST), target, Traffic::Open).await;
    // As a router's mapping would be.
    listener.engine().add_external_addr(street.entrance).await;
    let route = relay_route(&listener, &relay.introducer);
    let (dialled, accepted) = joined(&dialler, &listener, &route).await;
    until_direct(&dialler, [&dialled, &accepted]).await;
    let (mut send, _) = dialled.open_stream().await.expect("open");
    send.write_frame(b"first").await.expect("open");
    let accept = soon("a stream", accepted.accept_stream());
    let (_, mut receive) = accept.await.expect("open");
    let cut_and_moved = async {
        street.allow(Traffic::Cut);
        on(&dialled, PathKind::Relay).await;
        on(&accepted, PathKind::Relay).await;
    };
    let gap = tokio::select! {
        () = speak(&mut send) => unreachable!("it speaks for ever"),
        gap = longest_gap(&mut receive, cut_and_moved) => gap,
    };
    assert!(gap < GAP_MAX, "a silence of {gap:?}");
    street.allow(Traffic::Open);
    let opened = Instant::now();
    dialler.seek_direct_paths().await;
    on(&dialled, PathKind::Direct).await;
    let again = opened.elapsed();
    assert!(again < DIRECT_AGAIN_MAX, "direct again after {again:?}");
}
