//! An express lane that breaks in the middle of a transfer.

#![cfg(target_os = "linux")]

use std::os::fd::OwnedFd;
use std::process::Command;

use kith::content::Recipients;
use kith::core::ids::PeerId;
use rustix::net::sockopt::{socket_domain, socket_type};
use rustix::net::{AddressFamily, Shutdown, SocketType, getpeername, shutdown};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

use super::people::{PATIENCE, Person, bytes, finish, until};
use crate::waiting::a_moment;

/// Set for the process in which all lanes are this test's.
pub(super) const ALONE: &str = "KITH_TEST_ALONE";

/// Enough that the transfer is still under way when its lane breaks.
const BIG_BYTES: usize = 96 << 20;

/// The most that may be fetched twice: what was under way.
const TWICE_MAX: u64 = 16 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_breaks_under_way_is_no_matter() {
    if std::env::var_os(ALONE).is_none() {
        let name = "handover::broken::a_lane_that_breaks_under_way_is_no_matter";
        let alone = Command::new(std::env::current_exe().expect("this test"))
            .args([name, "--exact"])
            .env(ALONE, "")
            .output()
            .expect("this test runs");
        let said = String::from_utf8_lossy(&alone.stdout);
        assert!(alone.status.success(), "{said}");
        return;
    }
    let (alice, bob) = (Person::new("alice").await, Person::new("bob").await);
    alice.meet(&bob).await;
    alice.write("big", &bytes(1, BIG_BYTES));
    alice.share("big", Recipients::Contacts).await;
    let options = bob.options("alice/big").await.expect("a source");
    let mut transfer = bob.node.contents().get(options);
    until(&mut transfer, BIG_BYTES as u64 / 2).await;
    let broken = lanes();
    assert!(broken.len() >= 2, "both ends of a lane");
    for lane in broken {
        // An end may be held twice, and is shut with the first.
        let _ = shutdown(lane, Shutdown::Both);
    }
    let fetched = finish(transfer).await.expect("fetched");
    assert!(lanes().is_empty(), "the rest came by the session");
    assert_eq!(fetched.bytes, BIG_BYTES as u64);
    let given = given(&alice, bob.node.peer_id()).await;
    assert!(given <= BIG_BYTES as u64 + TWICE_MAX, "{given} bytes");
    assert!(std::fs::read(bob.at("out/big")).expect("there") == bytes(1, BIG_BYTES));
}

/// How many bytes of the one share somebody was given in all, once that is as many as it has: what is sent a second time is counted too.
async fn given(owner: &Person, to: PeerId) -> u64 {
    let recorded = async {
        loop {
            let share = owner.node.contents().my_share("big").await.expect("hers");
            let mut fetches = share.fetches.iter();
            let fetch = fetches.find(|fetch| fetch.peer == Some(to));
            let bytes = fetch.map_or(0, |fetch| fetch.bytes);
            if bytes >= BIG_BYTES as u64 {
                return bytes;
            }
            a_moment().await;
        }
    };
    let given = tokio::time::timeout(PATIENCE, recorded).await;
    given.expect("it is recorded when a stream ends")
}

/// The connections over TCP that this process has.
pub(super) fn lanes() -> Vec<OwnedFd> {
    let myself = pidfd_open(getpid(), PidfdFlags::empty()).expect("this process");
    let open = std::fs::read_dir("/proc/self/fd").expect("a list");
    let names = open.map(|entry| entry.expect("an entry").file_name());
    let numbers = names.filter_map(|name| name.to_string_lossy().parse().ok());
    let files = numbers.filter_map(|number: i32| {
        // The one of the list itself is closed by now.
        pidfd_getfd(&myself, number, PidfdGetfdFlags::empty()).ok()
    });
    files.filter(is_lane).collect()
}

fn is_lane(file: &OwnedFd) -> bool {
    let is_internet = socket_domain(file)
        .is_ok_and(|family| family == AddressFamily::INET || family == AddressFamily::INET6);
    is_internet && socket_type(file) == Ok(SocketType::STREAM) && getpeername(file).is_ok()
}
