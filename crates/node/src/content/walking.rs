//! The walk of a transfer's tree: which nodes are asked for, and which of those that are here is read next.
//!
//! Nodes are asked for ahead of their turn, so that a long way to whoever gives them costs once. Each that is read tells of further ones, so they
//! are read in any order while little of the tree waits, and depth first beyond that: what is held does not grow with the tree.

use std::collections::BTreeSet;

use kith_core::content::swarm::config::NODES_MAX;
use kith_core::data::walk::{Item, Walk, WalkError, Wanted};
use kith_core::ids::BlobHash;

use crate::content::swarm::tree::Tree;

/// From how much of a tree on that waits to be read it is read depth first, in bytes: some ten thousand folders, many more than may be asked
/// for at once.
const ANY_ORDER_BYTES: u64 = 4 << 20;

/// A walk.
#[derive(Debug)]
pub(super) struct Walking {
    walk: Walk,
    /// What was asked for and has not come.
    asked: BTreeSet<BlobHash>,
    /// Whether all that can be asked for was.
    is_asked: bool,
}

impl Walking {
    /// One that begins.
    pub(super) fn new(walk: Walk) -> Self {
        Self {
            walk,
            asked: BTreeSet::new(),
            is_asked: false,
        }
    }

    /// Whether everything was read.
    pub(super) fn is_done(&self) -> bool {
        self.walk.is_done()
    }

    /// Has nodes asked for that come next and are not here, by `ask`, which says whether there was room for one more.
    pub(super) fn ask(&mut self, tree: &Tree, ask: impl Fn(BlobHash) -> bool) {
        if self.is_asked {
            return;
        }
        let first = self.walk.first().map(|wanted| wanted.node);
        let ahead_max = tree.ahead_max(first);
        for wanted in self.walk.upcoming().take(NODES_MAX) {
            let node = wanted.node;
            if self.asked.contains(&node) || tree.contains(&node) {
                continue;
            }
            let has_room = self.asked.len() < ahead_max || Some(node) == first;
            if !has_room || !ask(node) {
                return;
            }
            self.asked.insert(node);
        }
        self.is_asked = true;
    }

    /// A node that was asked for came.
    pub(super) fn came(&mut self, node: &BlobHash) {
        self.asked.remove(node);
        // There is room for another, and it may have had to go again.
        self.is_asked = false;
    }

    /// The node to be read now; `None` while it is awaited.
    pub(super) fn readable(&self, tree: &Tree) -> Option<Wanted> {
        let is_narrow = self.walk.held_bytes() < ANY_ORDER_BYTES;
        let among = if is_narrow { NODES_MAX } else { 1 };
        let mut upcoming = self.walk.upcoming().take(among);
        upcoming.find(|wanted| tree.contains(&wanted.node))
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`WalkError`].
    pub(super) fn read(&mut self, wanted: Wanted, bytes: &[u8]) -> Result<Vec<Item>, WalkError> {
        self.is_asked = false;
        self.walk.handle_node(wanted.ticket, bytes)
    }
}
