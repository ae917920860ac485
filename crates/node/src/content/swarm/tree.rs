//! The nodes of a transfer's tree: they come from its sources, are kept with what arrives, and are read when [`Walker`] says so.
//!
//! They are asked for ahead of their turn, and what comes early must not be held in memory: it is kept with what arrives. Where nothing arrives,
//! because all of it is compared with what lies here, the machine holds a few.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kith_core::content::swarm::config::NODES_MAX;
use kith_core::data::walk::{Item, Walk, WalkError};
use kith_core::data::walker::{Output, Walker};
use kith_core::ids::BlobHash;

use crate::data::disk::StagingError;
use crate::data::staging::Staging;

/// The nodes of a transfer.
#[derive(Debug, Default)]
pub(in crate::content) struct Tree(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Where they are kept, as long as there is such a place.
    staging: Option<Arc<Staging>>,
    /// Says what is asked for and read, once it is known what is fetched.
    walker: Option<Walker>,
    /// One that is awaited by itself, and its bytes.
    single: Option<(BlobHash, Option<Vec<u8>>)>,
}

/// A node to be read.
#[derive(Debug)]
pub(in crate::content) struct Readable {
    node: BlobHash,
    held: Option<Vec<u8>>,
}

impl Tree {
    /// From now on it is walked, and its nodes are kept here where there is such a place, until they are let go.
    pub(in crate::content) fn walk(&self, walk: Walk, staging: Option<&Arc<Staging>>) {
        *self.lock() = State {
            staging: staging.cloned(),
            // What the getter asks for at once.
            walker: Some(Walker::new(walk, NODES_MAX)),
            single: None,
        };
    }

    /// Whether all of it was read that is walked.
    pub(in crate::content) fn is_walked(&self) -> bool {
        let state = self.lock();
        state.walker.as_ref().is_none_or(Walker::is_done)
    }

    /// Holds the staging folder no longer: the next run begins when nobody does.
    pub(super) fn let_go(&self) {
        *self.lock() = State::default();
    }

    /// A node is awaited by itself.
    pub(super) fn await_single(&self, hash: BlobHash) {
        self.lock().single = Some((hash, None));
    }

    /// The one that was awaited by itself; `None` where it has not come.
    pub(super) fn take_single(&self) -> Option<Vec<u8>> {
        let mut state = self.lock();
        state.single.as_mut()?.1.take()
    }

    /// A node came. Blocks.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn put(&self, hash: BlobHash, bytes: Vec<u8>) -> Result<(), StagingError> {
        let staging = self.lock().staging.clone();
        if let Some(staging) = &staging {
            staging.keep_node(&hash, &bytes)?;
        }
        // There may be too many to keep it.
        let is_kept = staging.is_some_and(|staging| staging.nodes.contains(&hash));
        let State { walker, single, .. } = &mut *self.lock();
        match (walker, single) {
            (Some(walker), _) if is_kept => walker.handle_kept(hash),
            (Some(walker), _) => walker.handle_node(hash, bytes),
            (None, Some((awaited, came))) if *awaited == hash => *came = Some(bytes),
            // It was asked of a second source as well, and comes late.
            (None, _) => {}
        }
        Ok(())
    }

    /// Has nodes asked for that come next and are not here, by `ask`, which says whether there was room for one more, and gives one that can be
    /// read now.
    pub(in crate::content) fn next(&self, ask: impl Fn(BlobHash) -> bool) -> Option<Readable> {
        loop {
            let mut state = self.lock();
            let State {
                walker, staging, ..
            } = &mut *state;
            let walker = walker.as_mut()?;
            match walker.poll_output()? {
                Output::Ask(node) if is_kept(staging.as_ref(), &node) => walker.handle_kept(node),
                Output::Ask(node) => {
                    drop(state);
                    if !ask(node) {
                        self.refused(node);
                    }
                }
                Output::Read { node, held } => return Some(Readable { node, held }),
            }
        }
    }

    fn refused(&self, node: BlobHash) {
        if let Some(walker) = &mut self.lock().walker {
            walker.handle_refused(node);
        }
    }

    /// Reads it, and gives what it lists. Blocks.
    ///
    /// # Errors
    /// What the disk says, also of one that is not what it was; then what is wrong with the tree.
    pub(in crate::content) fn read(
        &self,
        readable: Readable,
    ) -> io::Result<Result<Vec<Item>, WalkError>> {
        let bytes = match readable.held {
            Some(bytes) => bytes,
            None => {
                let staging = self.lock().staging.clone();
                let kept = staging.map(|staging| staging.nodes.get(&readable.node));
                let bytes = kept.transpose()?.flatten();
                bytes.ok_or(io::ErrorKind::InvalidData)?
            }
        };
        let mut state = self.lock();
        let read = state.walker.as_mut();
        Ok(read.map_or(Ok(Vec::new()), |walker| walker.handle_read(&bytes)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_kept(staging: Option<&Arc<Staging>>, node: &BlobHash) -> bool {
    staging.is_some_and(|staging| staging.nodes.contains(node))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: u8) -> (BlobHash, Vec<u8>) {
        let bytes = vec![number; 100];
        (BlobHash(*blake3::hash(&bytes).as_bytes()), bytes)
    }

    #[test]
    fn of_nodes_that_are_awaited_by_themselves_only_the_last_is_held() {
        let tree = Tree::default();
        let [early, late] = [1, 2].map(node);
        tree.await_single(early.0);
        tree.put(early.0, early.1.clone()).expect("held");
        assert_eq!(tree.take_single(), Some(early.1.clone()));
        assert_eq!(tree.take_single(), None);
        tree.await_single(late.0);
        tree.put(early.0, early.1).expect("not held");
        assert_eq!(tree.take_single(), None);
        tree.put(late.0, late.1.clone()).expect("held");
        assert_eq!(tree.take_single(), Some(late.1));
    }
}
