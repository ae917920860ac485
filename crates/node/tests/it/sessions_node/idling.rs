//! What a session does that nobody uses.

use super::*;
use crate::waiting::eventually;
use kith::routing::PathKind;
use kith::routing::transport::{PATH_IDLE_MAX, PATH_KEEP_ALIVE};
use kith::testing::Testnet;
use kith_core::routing::{KEEP_ALIVE_EVERY, KEEP_ALIVE_IDLE_EVERY, USED_FOR};
use std::time::Duration;

/// Bytes sent and received by `node`'s one session: over its direct path, which data takes, and over the relay; `None` while it lacks one of them.
fn bytes(node: &Node) -> Option<(u64, u64)> {
    let relayed = bytes_by(node, PathKind::Relay)?;
    Some((direct(node)?, relayed.0))
}

/// The same over the direct path; `None` without one that data takes.
fn direct(node: &Node) -> Option<u64> {
    let (bytes, is_selected) = bytes_by(node, PathKind::Direct)?;
    is_selected.then_some(bytes)
}

/// Bytes over the path of a kind, and whether data takes it.
fn bytes_by(node: &Node, kind: PathKind) -> Option<(u64, bool)> {
    let sessions = node.sessions();
    let paths = &sessions.first()?.paths;
    let path = paths.iter().find(|path| path.summary.kind == kind)?;
    Some((path.bytes.0 + path.bytes.1, path.is_selected))
}

/// What a sign of life and its acknowledgement take on the wire, in bytes.
const SIGN_BYTES: u64 = 38 + 30;

/// For how long bytes are counted: for so long no engine gives the relayed path up, whatever it has heard by it.
const WHILE: Duration = Duration::from_secs(20);

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
    tokio::time::sleep(WHILE).await;
    for (end, before) in ends.iter().zip(before) {
        let after = bytes(end).expect("two paths");
        let direct = more("in use", after.0, before.0);
        // Of its signs a busy machine leaves half at least; a larger packet looks now and then what the path takes.
        let signs = WHILE.as_secs() / KEEP_ALIVE_EVERY.as_secs();
        assert!(direct >= signs * SIGN_BYTES / 2, "{direct}");
        // The engine asks by it from both ends, 30 bytes, and again where the answer, which comes by the other path, is late.
        let asked = WHILE.as_millis() / PATH_KEEP_ALIVE.as_millis() + 1;
        let relayed = more("relayed", after.1, before.1);
        assert!(u128::from(relayed) <= 4 * asked * 30, "{relayed}");
    }
    // It counts as in use for so long since its path was found; then fewer signs have to keep it.
    tokio::time::sleep(USED_FOR).await;
    let before = ends.map(|end| direct(end).expect("a direct path"));
    tokio::time::sleep(WHILE).await;
    for (end, before) in ends.iter().zip(before) {
        let idle = more("idle", direct(end).expect("a direct path"), before);
        let signs = WHILE.as_secs() / KEEP_ALIVE_IDLE_EVERY.as_secs();
        assert!(idle >= signs * SIGN_BYTES / 2, "{idle}");
    }
    testnet.shutdown().await;
}

/// What came to it; a path that was given up and found again would count from nothing.
fn more(what: &str, after: u64, before: u64) -> u64 {
    let more = after.checked_sub(before);
    more.unwrap_or_else(|| panic!("{what}: another path"))
}
