//! What must hold in every swarm, after each step.

use kith_core::content::swarm::Tiling;
use kith_core::content::swarm::config::{END_GAME_COPIES, SOURCES_MAX};

use super::node::Node;
use super::plan::{Conduct, Plan};

/// Looks at the node that a step concerned.
///
/// # Errors
/// What is against the rules.
pub fn check(plan: &Plan, node: &Node) -> Result<(), String> {
    let chunk_bytes = Tiling::new(plan.size).chunk_bytes();
    let (outstanding, unwritten) = node.getter.in_flight();
    let bound = plan.getter.unwritten_bytes_max + chunk_bytes;
    if outstanding + unwritten > bound {
        return Err(format!(
            "{outstanding} + {unwritten} bytes under way, {bound} allowed"
        ));
    }
    // A second copy is asked for at the end, of no more chunks than can be under way, and those that stalled.
    let copies = (END_GAME_COPIES * SOURCES_MAX) as u64 * chunk_bytes;
    if node.tally.twice > copies.min(plan.size) {
        return Err(format!("{} bytes came twice", node.tally.twice));
    }
    let fetched_again = node.tally.fresh.saturating_sub(plan.size);
    if fetched_again > node.tally.lost {
        return Err(format!("{fetched_again} verified bytes were fetched again"));
    }
    if node.tally.lost > super::node::SYNC_BYTES {
        return Err(format!("{} bytes were lost", node.tally.lost));
    }
    if node.done_at.is_some() && !node.held.covers(super::node::whole(plan.size)) {
        return Err("it says done and is not".to_owned());
    }
    Ok(())
}

/// Looks at a swarm that has come to its end.
///
/// # Errors
/// Who is not done.
pub fn at_end(nodes: &[Node]) -> Result<(), String> {
    let late = (nodes.iter().enumerate())
        .find(|(_, node)| node.member.must_finish() && node.done_at.is_none());
    match late {
        Some((place, node)) => Err(format!(
            "node {place} is not done: {:?}",
            node.getter.progress(super::node::TRANSFER)
        )),
        None => Ok(()),
    }
}

/// Whether a node sends lies.
pub fn lies(node: &Node) -> bool {
    node.member.conduct == Conduct::Liar
}
