//! The inner nodes above what was read last.
//!
//! The encoding of a part of a file begins with all nodes above it. Two neighbours have all of them in common but one or two, which lie all over the
//! outboard: read anew for each part, they were most of a provider's calls.

use std::collections::BTreeMap;
use std::io::{self, IoSliceMut};
use std::sync::{Mutex, PoisonError};

use crate::data::hash::PARENT_BYTES;
use crate::data::pieces::Source;

/// Nodes that are remembered: all above any part of the largest file, for a handful who are at different places.
const NODES_MAX: usize = 256;

/// A node of the tree.
type Parent = [u8; PARENT_BYTES as usize];

/// What is remembered of one outboard, by its place in it. A file under this hash has no other.
#[derive(Debug, Default)]
pub struct Spine(Mutex<BTreeMap<u64, Parent>>);

impl Spine {
    /// `outboard`, of which single nodes are read once.
    pub fn over<S>(&self, outboard: S) -> Remembered<'_, S> {
        Remembered {
            spine: self,
            outboard,
        }
    }
}

/// An outboard, and what is remembered of it.
#[derive(Debug)]
pub struct Remembered<'a, S> {
    spine: &'a Spine,
    outboard: S,
}

impl<S: Source> Source for Remembered<'_, S> {
    fn read(&self, at: u64, pieces: &mut [IoSliceMut<'_>]) -> io::Result<()> {
        let [piece] = pieces else {
            return self.outboard.read(at, pieces);
        };
        let Ok(parent) = <&mut Parent>::try_from(&mut **piece) else {
            return self.outboard.read(at, pieces);
        };
        let known = self.spine.lock().get(&at).copied();
        if let Some(known) = known {
            *parent = known;
            return Ok(());
        }
        self.outboard.read(at, &mut [IoSliceMut::new(parent)])?;
        let mut nodes = self.spine.lock();
        if nodes.len() >= NODES_MAX {
            nodes.clear();
        }
        nodes.insert(at, *parent);
        Ok(())
    }
}

impl Spine {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Parent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Says where it is read, and counts.
    struct Counting(Cell<usize>);

    impl Source for &Counting {
        fn read(&self, at: u64, pieces: &mut [IoSliceMut<'_>]) -> io::Result<()> {
            self.0.update(|it| it + 1);
            pieces.iter_mut().for_each(|piece| piece.fill(at as u8));
            Ok(())
        }
    }

    #[test]
    fn a_node_is_read_once_and_what_is_longer_always() {
        let (spine, outboard) = (Spine::default(), Counting(Cell::new(0)));
        let source = spine.over(&outboard);
        let mut parent = [0; PARENT_BYTES as usize];
        for (at, reads) in [(64, 1), (64, 1), (128, 2), (64, 2)] {
            let read = source.read(at, &mut [IoSliceMut::new(&mut parent)]);
            read.expect("read");
            assert_eq!((parent[0], outboard.0.get()), (at as u8, reads));
        }
        let mut two = [0; 2 * PARENT_BYTES as usize];
        for reads in [3, 4] {
            source
                .read(64, &mut [IoSliceMut::new(&mut two)])
                .expect("read");
            assert_eq!(outboard.0.get(), reads);
        }
    }

    #[test]
    fn only_so_many_are_remembered() {
        let (spine, outboard) = (Spine::default(), Counting(Cell::new(0)));
        let source = spine.over(&outboard);
        for at in 0..10 * NODES_MAX as u64 {
            let mut parent = [0; PARENT_BYTES as usize];
            let read = source.read(at, &mut [IoSliceMut::new(&mut parent)]);
            read.expect("read");
            assert!(spine.lock().len() <= NODES_MAX);
        }
    }
}
