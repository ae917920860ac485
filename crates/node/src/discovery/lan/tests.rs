//! Sources on the loopback interface of this machine, on a port that only the test uses.

use super::super::source::{FINDINGS_MAX, Neighbour, Running, start};
use super::*;
use kith_core::discovery::lan::{Advertisement, Tag};
use kith_core::ids::DeviceKey;
use std::net::{Ipv4Addr, UdpSocket};
use tokio::time::timeout;

/// Far above the second that multicast DNS takes between two announcements.
const PATIENCE: Duration = Duration::from_secs(20);

/// A port nobody uses, so that tests hear only themselves.
fn free_port() -> u16 {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
    socket.local_addr().expect("bound").port()
}

fn lan(port: u16) -> (Running, mpsc::Receiver<Finding>) {
    let (findings, found) = mpsc::channel(FINDINGS_MAX);
    let lan = Lan::with_port(Interfaces::Loopback, port);
    (start(lan, findings), found)
}

fn announcement(device: u8, tags: u8) -> Announcement {
    let tag = |n: u8| Tag([n; 8]);
    Announcement {
        advertisement: Advertisement {
            device: DeviceKey([device; 32]),
            tags: (0..tags).map(tag).collect(),
        },
        port: 7000 + u16::from(device),
        port_v6: Some(8000),
        addresses: Vec::new(),
    }
}

fn neighbour(device: u8, tags: u8) -> Finding {
    let Announcement {
        advertisement,
        port,
        ..
    } = announcement(device, tags);
    Finding::Neighbour(Neighbour {
        advertisement,
        addresses: vec![(Ipv4Addr::LOCALHOST, port).into()],
    })
}

async fn next(found: &mut mpsc::Receiver<Finding>) -> Finding {
    let found = timeout(PATIENCE, found.recv()).await;
    found.expect("in time").expect("running")
}

#[tokio::test]
async fn two_devices_find_each_other_and_nobody_finds_itself() {
    let port = free_port();
    let ((a, mut found_by_a), (b, mut found_by_b)) = (lan(port), lan(port));
    a.order(Order::Announce(Some(announcement(1, 128))));
    b.order(Order::Announce(Some(announcement(2, 16))));
    assert_eq!(next(&mut found_by_a).await, neighbour(2, 16));
    assert_eq!(next(&mut found_by_b).await, neighbour(1, 128));
    a.stop().await;
    let left = Finding::Left(DeviceKey([1; 32]));
    assert_eq!(next(&mut found_by_b).await, left);
    b.stop().await;
    // Who stops looking would not hear when they leave.
    let unheard = Finding::Left(DeviceKey([2; 32]));
    assert_eq!(found_by_a.recv().await, Some(unheard));
    assert_eq!(found_by_a.recv().await, None);
}

#[tokio::test]
async fn with_another_key_the_old_name_leaves_and_a_new_one_appears() {
    let port = free_port();
    let ((a, _found_by_a), (b, mut found)) = (lan(port), lan(port));
    a.order(Order::Announce(Some(announcement(1, 16))));
    assert_eq!(next(&mut found).await, neighbour(1, 16));
    a.order(Order::Announce(Some(announcement(3, 16))));
    let both = [next(&mut found).await, next(&mut found).await];
    // The goodbye comes first, and takes effect a second after it was heard (RFC 6762 §10.1).
    assert!(both.contains(&neighbour(3, 16)), "{both:?}");
    let left = Finding::Left(DeviceKey([1; 32]));
    assert!(both.contains(&left), "{both:?}");
    a.order(Order::Announce(None));
    assert_eq!(next(&mut found).await, Finding::Left(DeviceKey([3; 32])));
    b.stop().await;
}

#[tokio::test]
async fn a_new_contacts_tag_is_seen_under_the_same_name() {
    let port = free_port();
    let ((a, _found_by_a), (b, mut found)) = (lan(port), lan(port));
    a.order(Order::Announce(Some(announcement(1, 16))));
    assert_eq!(next(&mut found).await, neighbour(1, 16));
    a.order(Order::Announce(Some(announcement(1, 32))));
    assert_eq!(next(&mut found).await, neighbour(1, 32));
    b.stop().await;
}

#[tokio::test]
async fn a_source_ends_when_nobody_wants_its_findings() {
    let (running, found) = lan(free_port());
    drop(found);
    timeout(PATIENCE, running.stop()).await.expect("it ended");
}

#[tokio::test]
async fn what_the_daemon_remembers_is_counted() {
    let port = free_port();
    let (running, _found) = lan(port);
    let daemon = Lan::with_port(Interfaces::Loopback, port).start_daemon();
    let daemon = daemon.expect("loopback");
    assert_eq!(
        cached_records(&daemon.get_metrics().expect("running")).await,
        0
    );
    let events = daemon.browse(&service_type()).expect("running");
    running.order(Order::Announce(Some(announcement(1, 16))));
    loop {
        let event = timeout(PATIENCE, events.recv_async()).await;
        if let ServiceEvent::ServiceResolved(_) = event.expect("in time").expect("running") {
            break;
        }
    }
    // PTR, SRV, TXT and A of the one service there is.
    assert!(cached_records(&daemon.get_metrics().expect("running")).await >= 4);
    daemon.shutdown().expect("running");
}
