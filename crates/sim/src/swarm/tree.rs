//! A tree that is read before anything else is wanted: its nodes come from sources as well, and each that is read tells of files.

use std::collections::BTreeMap;

use kith_core::content::swarm::Span;
use kith_core::content::swarm::config::NODES_MAX;
use kith_core::data::Walker;
use kith_core::data::builder::{Built, DirectoryBuilder};
use kith_core::data::manifest::{Directory, Entry, File};
use kith_core::data::walk::Walk;
use kith_core::ids::BlobHash;

/// Folders in the root, and in each of these.
const FOLDERS: [u64; 2] = [16, 24];

/// Files in each of the inner ones.
const FILES: usize = 10;

/// A tree.
#[derive(Clone, Debug)]
pub struct Tree {
    root: Built,
    nodes: BTreeMap<BlobHash, Vec<u8>>,
}

impl Tree {
    /// Of folders in folders, with so many bytes of files in all.
    pub fn new(size: u64) -> Self {
        let mut nodes = BTreeMap::new();
        let count = FOLDERS[0] * FOLDERS[1] * FILES as u64;
        let begin = |file: u64| size * file / count;
        let mut files = (0..count).map(|number| {
            let file = File {
                name: format!("{number:06}"),
                size: begin(number + 1) - begin(number),
                hash: BlobHash(*blake3::hash(&number.to_be_bytes()).as_bytes()),
                executable: false,
                mtime_ms: 0,
            };
            Entry::File(file)
        });
        let mut build = |entries: Vec<Entry>| {
            let mut builder = DirectoryBuilder::default();
            let mut blobs = Vec::new();
            for entry in entries {
                blobs.extend(builder.push(entry).expect("names ascend"));
            }
            let (last, built) = builder.finish().expect("there are few");
            blobs.extend(last);
            nodes.extend(blobs.into_iter().map(|blob| (blob.hash, blob.bytes)));
            built
        };
        let folder = |place: u64, built: Built| {
            Entry::Directory(Directory {
                name: format!("folder {place:03}"),
                node: built.node,
                totals: built.totals,
            })
        };
        let mut outer = Vec::new();
        for place in 0..FOLDERS[0] {
            let mut inner = Vec::new();
            for place in 0..FOLDERS[1] {
                let all = files.by_ref().take(FILES).collect();
                inner.push(folder(place, build(all)));
            }
            outer.push(folder(place, build(inner)));
        }
        let root = build(outer);
        Self { root, nodes }
    }

    /// One who begins to read it.
    pub(super) fn walker(&self) -> Walker {
        let walk = Walk::new(self.root.node, self.root.totals, 0, 0);
        Walker::new(walk, NODES_MAX)
    }

    /// How many nodes it has.
    pub(super) fn count(&self) -> u64 {
        self.nodes.len() as u64
    }

    /// All of a node, as a stretch of its own.
    pub(super) fn all_of(&self, node: &BlobHash) -> Option<Span> {
        let end = self.nodes.get(node)?.len() as u64;
        Some(Span { start: 0, end })
    }

    /// The bytes of a node that is in it.
    pub(super) fn node(&self, hash: &BlobHash) -> &[u8] {
        &self.nodes[hash]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swarm::plan::{MB, PIECE_BYTES};

    #[test]
    fn a_node_is_sent_as_one_piece() {
        let tree = Tree::new(16 * MB);
        assert_eq!(tree.count(), 1 + FOLDERS[0] * (1 + FOLDERS[1]));
        assert!((tree.nodes.values()).all(|node| (node.len() as u64) < PIECE_BYTES));
    }
}
