//! How long somebody is looked for.

use kith_core::crypto::SecretKey;

use super::*;
use crate::peer::contents::turns::LOOKED_FOR_MAX;
use crate::testing::local_node;

/// As long as somebody waits for whoever has something.
const WAIT: Duration = Duration::from_millis(300);

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_turn_in_time_counts_as_not_answering() {
    let node = local_node().spawn().await.expect("loopback can be bound");
    let turns = &node.transfers().turns;
    let mut taken = Vec::new();
    for _ in 0..LOOKED_FOR_MAX {
        taken.push(turns.turn().await);
    }
    let device = SecretKey::from_bytes([1; 32]).device_key();
    let reach = Reach::provider(&node, "friend", Target::Device(device)).patient(WAIT);
    let begun = Instant::now();
    let found = reach.found_in_turn(Target::Device(device));
    let found = tokio::time::timeout(PATIENCE, found).await;
    let error = found.expect("nobody waits for ever").expect_err("no turn");
    let is_told = matches!(
        &error,
        Error::Unreachable { name, reason: UnreachableReason::NoAnswer } if name == "friend"
    );
    assert!(is_told && begun.elapsed() >= WAIT, "{error:?}");
    drop(taken);
    node.shutdown().await;
}
