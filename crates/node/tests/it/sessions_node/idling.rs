//! What a session does that nobody uses.

use super::*;
use crate::waiting::eventually;
use kith::routing::PathKind;
use kith::routing::transport::PATH_IDLE_MAX;
use kith::testing::Testnet;
use kith_core::routing::{KEEP_ALIVE_EVERY, USED_FOR};

/// Bytes sent and received by `node`'s one session, over its direct path and over the relay; `None` while it lacks one of them, or while
/// data does not go the direct way.
fn bytes(node: &Node) -> Option<(u64, u64)> {
    let sessions = node.sessions();
    let paths = &sessions.first()?.paths;
    let of = |kind: PathKind| {
        let path = paths.iter().find(|path| path.summary.kind == kind)?;
        Some((path.bytes.0 + path.bytes.1, path.is_selected))
    };
    let ((direct, true), (relayed, false)) = (of(PathKind::Direct)?, of(PathKind::Relay)?) else {
        return None;
    };
    Some((direct, relayed))
}

/// For how many signs of life of a session in use bytes are counted.
const BEATS: u32 = 20;

/// What a sign of life and its acknowledgement take on the wire, in bytes.
const SIGN_BYTES: u64 = 38 + 30;

/// What went over each path in some time, of both ends; a path that was given up and found again would count from nothing.
async fn sent_meanwhile(ends: [&Node; 2]) -> [(u64, u64); 2] {
    let before = ends.map(|end| bytes(end).expect("two paths"));
    tokio::time::sleep(BEATS * KEEP_ALIVE_EVERY).await;
    let after = ends.map(|end| bytes(end).expect("two paths"));
    let more = |after: u64, before| after.checked_sub(before).expect("the same path");
    std::array::from_fn(|end| {
        (
            more(after[end].0, before[end].0),
            more(after[end].1, before[end].1),
        )
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_session_keeps_its_direct_path_and_leaves_the_relay_alone() {
    let testnet = soon("the network", Testnet::start(1, 2)).await;
    let testnet = testnet.expect("free ports");
    let met = soon("meeting", testnet.befriend(0, 1)).await;
    met.expect("they meet");
    let ends = [testnet.node(0), testnet.node(1)];
    for end in ends {
        eventually("two paths", || bytes(end).is_some()).await;
    }
    // What follows an introduction is said within moments.
    tokio::time::sleep(PATH_IDLE_MAX).await;
    let (in_use, all) = (sent_meanwhile(ends).await, u64::from(BEATS) * SIGN_BYTES);
    // It counts as in use for so long since its path was found, in which the engine looks what the path takes as well.
    tokio::time::sleep(USED_FOR).await;
    let idle = sent_meanwhile(ends).await;
    for ((direct, relayed), (direct_idle, relayed_idle)) in in_use.into_iter().zip(idle) {
        // A busy machine is late.
        assert!(direct >= all / 2, "{direct} of {all}");
        // Each second sign is left out.
        assert!(
            (all / 4..all * 3 / 4).contains(&direct_idle),
            "{direct_idle} of {all}"
        );
        for relayed in [relayed, relayed_idle] {
            // The engine asks each 5 s.
            assert!(relayed < 500, "{relayed}");
        }
    }
    testnet.shutdown().await;
}
