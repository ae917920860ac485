//! What must hold in every swarm, after each step.

use kith_core::content::swarm::Tiling;

use super::node::Node;
use super::plan::{Conduct, PIECE_BYTES, Plan};
use super::tree::Tree;

/// Chunks that may come twice to one node, whatever happens: in 200 random swarms it was 26 at the most, and 10 in all but one.
const TWICE_CHUNKS_MAX: u64 = 32;

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
    let twice_max = TWICE_CHUNKS_MAX * chunk_bytes;
    if node.tally.twice > twice_max {
        let twice = node.tally.twice;
        return Err(format!("{twice} bytes came twice, {twice_max} allowed"));
    }
    let fetched_again = node.tally.fresh.saturating_sub(plan.size);
    if fetched_again > node.tally.lost {
        return Err(format!("{fetched_again} verified bytes were fetched again"));
    }
    // The first piece gives a liar away, and nothing is asked of it again but by who lost all memory of it.
    let liars = (plan.members.iter()).filter(|member| member.conduct == Conduct::Liar);
    let lies_max = liars.count() as u64 * PIECE_BYTES * (1 + node.tally.crashes);
    if node.tally.lies > lies_max {
        let lies = node.tally.lies;
        return Err(format!("{lies} bytes of lies, {lies_max} allowed"));
    }
    let asked_max = plan.tree.as_ref().map_or(0, Tree::count) * (1 + node.tally.crashes);
    if node.tally.asked > asked_max {
        let asked = node.tally.asked;
        return Err(format!("asked for {asked} nodes, {asked_max} allowed"));
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
