//! The nodes of a transfer's tree that came and were not read.
//!
//! They are asked for ahead of their turn, and what comes early must not be held in memory: it is kept with what arrives. Where nothing arrives,
//! because all of it is compared with what lies here, a few are held, and how many are asked for goes by how large they are.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kith_core::content::swarm::config::NODES_MAX;
use kith_core::data::manifest::NODE_BYTES_MAX;
use kith_core::ids::BlobHash;

use crate::data::disk::StagingError;
use crate::data::staging::Staging;

/// How much of nodes is held in memory at most, in bytes: sixteen of the largest.
const HELD_BYTES_MAX: usize = 16 * NODE_BYTES_MAX;

/// The nodes of a transfer.
#[derive(Debug, Default)]
pub(in crate::content) struct Tree(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Where they are kept, as long as there is such a place.
    staging: Option<Arc<Staging>>,
    /// Those that are not.
    nodes: BTreeMap<BlobHash, Vec<u8>>,
    bytes: usize,
    /// The largest that came, in bytes.
    largest: usize,
    /// Stays, whatever else comes: without it nothing goes on.
    first: Option<BlobHash>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            staging: None,
            nodes: BTreeMap::new(),
            bytes: 0,
            // All may be asked for that fit if none is larger.
            largest: HELD_BYTES_MAX / NODES_MAX,
            first: None,
        }
    }
}

impl Tree {
    /// From now on they are kept here, until they are let go.
    pub(in crate::content) fn keep_in(&self, staging: &Arc<Staging>) {
        self.lock().staging = Some(Arc::clone(staging));
    }

    /// Holds the staging folder no longer: the next run begins when nobody does.
    pub(super) fn let_go(&self) {
        *self.lock() = State::default();
    }

    /// A node came. Blocks.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn put(&self, hash: BlobHash, bytes: Vec<u8>) -> Result<(), StagingError> {
        if let Some(staging) = self.staging() {
            staging.keep_node(&hash, &bytes)?;
            // There may be too many.
            if staging.nodes.contains(&hash) {
                return Ok(());
            }
        }
        self.lock().put(hash, bytes);
        Ok(())
    }

    /// Whether a node is here.
    pub(in crate::content) fn contains(&self, hash: &BlobHash) -> bool {
        let state = self.lock();
        let is_kept = |staging: &Arc<Staging>| staging.nodes.contains(hash);
        state.nodes.contains_key(hash) || state.staging.as_ref().is_some_and(is_kept)
    }

    /// Takes a node that is read now; `None` where it is not here. Blocks where nodes are kept.
    ///
    /// # Errors
    /// What the disk says, also of one that is not what it was.
    pub(in crate::content) fn take(&self, hash: &BlobHash) -> io::Result<Option<Vec<u8>>> {
        match self.staging() {
            Some(staging) if staging.nodes.contains(hash) => {
                let bytes = staging.nodes.get(hash)?;
                Ok(Some(bytes.ok_or(io::ErrorKind::InvalidData)?))
            }
            _ => Ok(self.lock().take(hash)),
        }
    }

    /// How many may be asked for and not be read; `first` is read first.
    pub(in crate::content) fn ahead_max(&self, first: Option<BlobHash>) -> usize {
        let mut state = self.lock();
        state.first = first;
        match &state.staging {
            Some(_) => NODES_MAX,
            None => (HELD_BYTES_MAX / state.largest).saturating_sub(state.nodes.len()),
        }
    }

    fn staging(&self) -> Option<Arc<Staging>> {
        self.lock().staging.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Where there are too many the others go, and are asked for again.
    fn put(&mut self, hash: BlobHash, bytes: Vec<u8>) {
        if self.bytes + bytes.len() > HELD_BYTES_MAX {
            self.nodes.retain(|hash, _| Some(*hash) == self.first);
            self.bytes = self.nodes.values().map(Vec::len).sum();
        }
        self.largest = self.largest.max(bytes.len());
        self.bytes += bytes.len();
        let before = self.nodes.insert(hash, bytes);
        self.bytes -= before.map_or(0, |before| before.len());
    }

    fn take(&mut self, hash: &BlobHash) -> Option<Vec<u8>> {
        let bytes = self.nodes.remove(hash)?;
        self.bytes -= bytes.len();
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: u8, bytes: usize) -> (BlobHash, Vec<u8>) {
        (BlobHash([number; 32]), vec![number; bytes])
    }

    #[test]
    fn what_is_held_is_bounded_and_what_is_read_first_stays() {
        let tree = Tree::default();
        let put = |number| {
            let (hash, bytes) = node(number, NODE_BYTES_MAX);
            tree.put(hash, bytes).expect("held");
        };
        let first = node(7, 0).0;
        assert_eq!(tree.ahead_max(Some(first)), NODES_MAX);
        for number in 0..100 {
            put(number);
            assert!(tree.lock().bytes <= HELD_BYTES_MAX);
        }
        assert!(tree.contains(&first) && tree.contains(&node(99, 0).0));
        let held = tree.lock().nodes.len();
        assert_eq!(tree.ahead_max(Some(first)), 16 - held);
        let taken = tree.take(&first).expect("read");
        assert_eq!(taken, Some(node(7, NODE_BYTES_MAX).1));
        assert!(!tree.contains(&first));
        assert_eq!(tree.take(&first).expect("read"), None);
    }
}
