//! What a session does that nobody uses.

use super::*;
use crate::waiting::eventually;
use kith::routing::PathKind;
use kith::routing::transport::PATH_IDLE_MAX;
use kith::testing::Testnet;

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

/// A path that was given up and found again would count from nothing.
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
    let before = ends.map(|end| bytes(end).expect("two paths"));
    tokio::time::sleep(3 * PATH_IDLE_MAX).await;
    for (end, before) in ends.iter().zip(before) {
        let after = bytes(end).expect("two paths");
        let direct = after.0.checked_sub(before.0).expect("the same path");
        let relayed = after.1.checked_sub(before.1).expect("the same path");
        // A sign of life each second, 38 bytes, and its acknowledgement, 30, of which a busy machine leaves half at least; a larger packet
        // looks now and then what the path takes.
        assert!(direct >= 200, "{direct}");
        // The engine asks each 5 s.
        assert!(relayed < 250, "{relayed}");
    }
    testnet.shutdown().await;
}
