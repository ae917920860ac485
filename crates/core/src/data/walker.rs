//! Which nodes of a tree are asked for, which of those that came is read next, and how much is held of them.
//!
//! Nodes are asked for ahead of their turn, so that a long way to whoever gives them costs once. Each that is read tells of further ones, so they
//! are read in any order while little of the tree waits, and depth first beyond that: what is held does not grow with the tree. What comes early
//! is kept by the shell where there is a disk for it, and held here where there is none, or no more room on it; what must make room here is asked
//! for again.
//!
//! # The loop
//!
//! ```text
//! while let Some(output) = walker.poll_output() {
//!     match output {
//!         Ask(node)          => kept already: handle_kept; else ask for it, and where that cannot be: handle_refused
//!         Read { node, .. }  => handle_read with its bytes: gives what is in a directory
//!     }
//! }
//! wait for a node, verified by its hash => handle_kept if the shell keeps it, else handle_node
//! ```
//!
//! Whoever has enough to do without the rest of a tree for now does not poll: nothing is asked for or read meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use crate::data::manifest::NODE_BYTES_MAX;
use crate::data::walk::{Item, Walk, WalkError, Wanted};
use crate::ids::BlobHash;

/// How much of nodes is held here at most, in bytes: sixteen of the largest.
pub const HELD_BYTES_MAX: usize = 16 * NODE_BYTES_MAX;

/// From how much of a tree on that waits to be read it is read depth first, in bytes: some ten thousand folders, many more than may be asked
/// for at once.
pub const ANY_ORDER_BYTES: u64 = 4 << 20;

/// What the shell is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Get this node, unless it is kept. It is not asked for twice, but where it made room or is in the tree once more.
    Ask(BlobHash),
    /// Read this node, before anything else is read.
    Read {
        /// Which.
        node: BlobHash,
        /// Its bytes; `None` where the shell keeps them.
        held: Option<Vec<u8>>,
    },
}

/// The reading of a tree.
#[derive(Debug)]
pub struct Walker {
    walk: Walk,
    bounds: Bounds,
    /// What was asked for and has not come.
    asked: BTreeSet<BlobHash>,
    /// What came and was not read, and the shell keeps.
    kept: BTreeSet<BlobHash>,
    /// What came and was not read, and is held here,
    held: BTreeMap<BlobHash, Vec<u8>>,
    /// how much that is,
    held_bytes: usize,
    /// and how much the largest was that ever was.
    largest: usize,
    /// What is being read.
    reading: Option<Wanted>,
    /// Whether all was asked for that can be before something else happens.
    is_asked: bool,
}

/// What it goes by.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    asked_max: usize,
    held_bytes_max: usize,
    any_order_bytes: u64,
}

impl Walker {
    /// Reads what `walk` wants, and has at most `asked_max` nodes asked for at once.
    pub fn new(walk: Walk, asked_max: usize) -> Self {
        let bounds = Bounds {
            asked_max,
            held_bytes_max: HELD_BYTES_MAX,
            any_order_bytes: ANY_ORDER_BYTES,
        };
        Self::bounded(walk, bounds)
    }

    fn bounded(walk: Walk, bounds: Bounds) -> Self {
        Self {
            walk,
            bounds,
            asked: BTreeSet::new(),
            kept: BTreeSet::new(),
            held: BTreeMap::new(),
            held_bytes: 0,
            // All may be asked for that fit if none is larger.
            largest: (bounds.held_bytes_max / bounds.asked_max.max(1)).max(1),
            reading: None,
            is_asked: false,
        }
    }

    /// Whether everything was read.
    pub fn is_done(&self) -> bool {
        self.walk.is_done()
    }

    /// A node came, or was here before, and the shell keeps it until it is read.
    pub fn handle_kept(&mut self, node: BlobHash) {
        if self.came(&node) {
            self.kept.insert(node);
        }
    }

    /// A node came whose hash is right, and the shell does not keep it. One that was not asked for, or comes a second time, is not held.
    pub fn handle_node(&mut self, node: BlobHash, bytes: Vec<u8>) {
        if !self.came(&node) {
            return;
        }
        if self.held_bytes + bytes.len() > self.bounds.held_bytes_max {
            // Without the first nothing may go on.
            let first = self.first();
            self.held.retain(|node, _| Some(*node) == first);
            self.held_bytes = self.held.values().map(Vec::len).sum();
        }
        self.largest = self.largest.max(bytes.len());
        self.held_bytes += bytes.len();
        self.held.insert(node, bytes);
    }

    /// A node could not be asked for now: it is again when another came or was read.
    pub fn handle_refused(&mut self, node: BlobHash) {
        self.asked.remove(&node);
        self.is_asked = true;
    }

    /// The node that was to be read has these bytes: gives what it lists.
    ///
    /// # Errors
    /// [`WalkError`]; the tree is to be given up then.
    pub fn handle_read(&mut self, bytes: &[u8]) -> Result<Vec<Item>, WalkError> {
        let wanted = self.reading.take().ok_or(WalkError::Unasked)?;
        self.is_asked = false;
        self.walk.handle_node(wanted.ticket, bytes)
    }

    /// What is to be done next: first all is asked for that may be, then one node is read.
    pub fn poll_output(&mut self) -> Option<Output> {
        if let Some(node) = self.next_asked() {
            self.asked.insert(node);
            return Some(Output::Ask(node));
        }
        self.is_asked = true;
        let wanted = self.next_read()?;
        self.reading = Some(wanted);
        let node = wanted.node;
        self.kept.remove(&node);
        let held = self.held.remove(&node);
        self.held_bytes -= held.as_ref().map_or(0, Vec::len);
        Some(Output::Read { node, held })
    }

    /// The next node to be asked for, as far as there is room.
    fn next_asked(&self) -> Option<BlobHash> {
        if self.is_asked || self.asked.len() >= self.bounds.asked_max {
            return None;
        }
        let is_here = |node| self.reading.is_some_and(|it| it.node == node) || self.is_here(&node);
        let upcoming = self.walk.upcoming().take(self.bounds.asked_max);
        let node = upcoming
            .map(|wanted| wanted.node)
            .find(|node| !self.asked.contains(node) && !is_here(*node))?;
        let has_room = self.asked.len() < self.ahead_max() || self.first() == Some(node);
        has_room.then_some(node)
    }

    /// How many may be on their way if all of them are to be held.
    fn ahead_max(&self) -> usize {
        let all = self.bounds.held_bytes_max / self.largest;
        all.saturating_sub(self.held.len())
    }

    /// What may be read now.
    fn next_read(&self) -> Option<Wanted> {
        if self.reading.is_some() {
            return None;
        }
        let is_narrow = self.walk.held_bytes() < self.bounds.any_order_bytes;
        let among = if is_narrow { self.bounds.asked_max } else { 1 };
        let mut upcoming = self.walk.upcoming().take(among);
        upcoming.find(|wanted| self.is_here(&wanted.node))
    }

    fn first(&self) -> Option<BlobHash> {
        self.walk.first().map(|wanted| wanted.node)
    }

    fn is_here(&self, node: &BlobHash) -> bool {
        self.kept.contains(node) || self.held.contains_key(node)
    }

    /// Whether it was asked for and had not come.
    fn came(&mut self, node: &BlobHash) -> bool {
        let was_asked = self.asked.remove(node);
        if was_asked {
            self.is_asked = false;
        }
        was_asked
    }
}

#[cfg(test)]
mod tests;
