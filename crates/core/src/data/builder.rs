//! Makes the nodes of a directory from its entries in order.

use minicbor::Encode;

use crate::codec;
use crate::data::manifest::{
    Body, Entry, ManifestError, NODE_BYTES_MAX, Node, PARTS_DEPTH_MAX, Part, Totals, check_entry,
};
use crate::data::path::{self, NAME_BYTES_MAX, SYMLINK_BYTES_MAX};
use crate::ids::BlobHash;

/// What surrounds the list in a node: version, variant, lengths.
const NODE_FRAME_BYTES: usize = 16;

/// A node ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeBlob {
    /// Its name.
    pub hash: BlobHash,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl NodeBlob {
    fn new(body: Body) -> Self {
        let bytes = Node::encode(body);
        Self {
            hash: BlobHash(*blake3::hash(&bytes).as_bytes()),
            bytes,
        }
    }
}

/// A finished directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The directory's own node: the last of the nodes stored.
    pub node: BlobHash,
    /// How many entries it has itself.
    pub entries: u64,
    /// What it holds, with everything beneath.
    pub totals: Totals,
}

/// Makes the nodes of one directory from its entries in order, holding at most one node of entries and one list of parts for each
/// level.
///
/// ```
/// use kith_core::data::builder::DirectoryBuilder;
/// use kith_core::data::manifest::{Entry, Symlink};
/// let mut builder = DirectoryBuilder::default();
/// let entry = Entry::Symlink(Symlink { name: "a".into(), target: "b".into() });
/// let mut store = builder.push(entry).expect("a safe name in order");
/// let (last, built) = builder.finish().expect("a bounded directory");
/// store.extend(last);
/// assert_eq!(store.last().map(|blob| blob.hash), Some(built.node));
/// ```
#[derive(Debug, Default)]
pub struct DirectoryBuilder {
    names: path::Names,
    last: Option<String>,
    leaf: Run<Entry>,
    /// Parts by level, the finest first.
    levels: Vec<Run<Part>>,
}

/// A list that becomes a node.
#[derive(Debug)]
struct Run<T> {
    items: Vec<T>,
    bytes: usize,
    entries: u64,
    totals: Totals,
}

impl<T> Default for Run<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            bytes: NODE_FRAME_BYTES,
            entries: 0,
            totals: Totals::default(),
        }
    }
}

impl<T: Encode<()>> Run<T> {
    /// Whether the item still fits.
    fn has_room(&self, item_bytes: usize) -> bool {
        self.bytes + item_bytes <= NODE_BYTES_MAX
    }

    fn push(
        &mut self,
        item: T,
        bytes: usize,
        entries: u64,
        totals: Totals,
    ) -> Result<(), ManifestError> {
        self.totals = self.totals.plus(totals).ok_or(ManifestError::Overflow)?;
        self.entries += entries;
        self.bytes += bytes;
        self.items.push(item);
        Ok(())
    }
}

/// The bytes of an item in a list.
fn encoded_bytes<T: Encode<()>>(item: &T) -> usize {
    codec::encode(item).len()
}

impl DirectoryBuilder {
    /// Adds the next entry; the nodes returned are complete and may be stored.
    ///
    /// # Errors
    /// [`ManifestError::Path`] for an unsafe or colliding name, after which the builder may go on without that entry;
    /// `Order`, `Overflow` and `TooMany` as they say.
    pub fn push(&mut self, entry: Entry) -> Result<Vec<NodeBlob>, ManifestError> {
        check_entry(&entry)?;
        if self
            .last
            .as_ref()
            .is_some_and(|last| last.as_bytes() >= entry.name().as_bytes())
        {
            return Err(ManifestError::Order);
        }
        self.names
            .insert(entry.name())
            .map_err(|error| ManifestError::Path {
                name: entry.name().to_owned(),
                error,
            })?;
        self.last = Some(entry.name().to_owned());
        let bytes = encoded_bytes(&entry);
        let mut blobs = Vec::new();
        if !self.leaf.has_room(bytes) {
            let leaf = std::mem::take(&mut self.leaf);
            self.close_leaf(leaf, &mut blobs)?;
        }
        let totals = entry.totals();
        self.leaf.push(entry, bytes, 1, totals)?;
        Ok(blobs)
    }

    /// Ends the directory; the last node returned is its own.
    ///
    /// # Errors
    /// [`ManifestError::Overflow`] and [`ManifestError::TooMany`].
    pub fn finish(mut self) -> Result<(Vec<NodeBlob>, Built), ManifestError> {
        let mut blobs = Vec::new();
        let leaf = std::mem::take(&mut self.leaf);
        if self.levels.is_empty() {
            let (entries, totals) = (leaf.entries, leaf.totals);
            return Ok(root(
                blobs,
                NodeBlob::new(Body::Entries(leaf.items)),
                entries,
                totals,
            ));
        }
        self.close_leaf(leaf, &mut blobs)?;
        let mut level = 0;
        loop {
            let run = std::mem::take(&mut self.levels[level]);
            if level + 1 == self.levels.len() {
                let (entries, totals) = (run.entries, run.totals);
                return Ok(root(
                    blobs,
                    NodeBlob::new(Body::Parts(run.items)),
                    entries,
                    totals,
                ));
            }
            self.close_parts(level, run, &mut blobs)?;
            level += 1;
        }
    }

    /// Turns a full list of entries into a node, known to the first level of parts.
    fn close_leaf(
        &mut self,
        run: Run<Entry>,
        blobs: &mut Vec<NodeBlob>,
    ) -> Result<(), ManifestError> {
        let Some(first) = run.items.first().map(|entry| entry.name().to_owned()) else {
            return Ok(());
        };
        let counted = (run.entries, run.totals);
        let blob = NodeBlob::new(Body::Entries(run.items));
        self.add_part(0, first, counted, blob, blobs)
    }

    /// Turns a full list of parts into a node, known to the next level. A single part stands for itself there.
    fn close_parts(
        &mut self,
        level: usize,
        mut run: Run<Part>,
        blobs: &mut Vec<NodeBlob>,
    ) -> Result<(), ManifestError> {
        match run.items.len() {
            0 => Ok(()),
            1 => {
                let part = run.items.remove(0);
                self.push_part(level + 1, part, blobs)
            }
            _ => {
                let first = run.items[0].first.clone();
                let counted = (run.entries, run.totals);
                let blob = NodeBlob::new(Body::Parts(run.items));
                self.add_part(level + 1, first, counted, blob, blobs)
            }
        }
    }

    /// Gives away a node whose entries begin with `first`, and lists it at `level`.
    fn add_part(
        &mut self,
        level: usize,
        first: String,
        (entries, totals): (u64, Totals),
        blob: NodeBlob,
        blobs: &mut Vec<NodeBlob>,
    ) -> Result<(), ManifestError> {
        let part = Part {
            first,
            node: blob.hash,
            entries,
            totals,
        };
        blobs.push(blob);
        self.push_part(level, part, blobs)
    }

    fn push_part(
        &mut self,
        level: usize,
        part: Part,
        blobs: &mut Vec<NodeBlob>,
    ) -> Result<(), ManifestError> {
        if level == PARTS_DEPTH_MAX {
            return Err(ManifestError::TooMany);
        }
        if level == self.levels.len() {
            self.levels.push(Run::default());
        }
        let bytes = encoded_bytes(&part);
        if !self.levels[level].has_room(bytes) {
            let run = std::mem::take(&mut self.levels[level]);
            self.close_parts(level, run, blobs)?;
        }
        let (entries, totals) = (part.entries, part.totals);
        self.levels[level].push(part, bytes, entries, totals)
    }
}

/// The result of a builder whose last node is `blob`.
fn root(
    mut blobs: Vec<NodeBlob>,
    blob: NodeBlob,
    entries: u64,
    totals: Totals,
) -> (Vec<NodeBlob>, Built) {
    let built = Built {
        node: blob.hash,
        entries,
        totals,
    };
    blobs.push(blob);
    (blobs, built)
}

// An entry of the longest name and target must fit a node many times over, or a directory could not be divided.
const _: () = assert!(NODE_BYTES_MAX > 100 * (NAME_BYTES_MAX + SYMLINK_BYTES_MAX + 64));

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::data::manifest::{FILE_BYTES_MAX, File, Found};

    /// A file that tells its name and size, and nothing else worth telling.
    pub(in crate::data) fn file(name: &str, size: u64) -> Entry {
        Entry::File(File {
            name: name.to_owned(),
            size,
            hash: BlobHash([size as u8; 32]),
            executable: false,
            mtime_ms: -1,
        })
    }

    /// The directory of these entries, and its nodes.
    pub(in crate::data) fn build(entries: Vec<Entry>) -> (Vec<NodeBlob>, Built) {
        let mut builder = DirectoryBuilder::default();
        let mut blobs = Vec::new();
        for entry in entries {
            blobs.extend(builder.push(entry).expect("in order"));
        }
        let (last, built) = builder.finish().expect("bounded");
        blobs.extend(last);
        (blobs, built)
    }

    #[test]
    fn a_large_directory_is_divided_and_every_entry_is_found() {
        let name = |number: usize| format!("{number:06}-{}", "x".repeat(200));
        let count = 40_000;
        let (blobs, built) = build((0..count).map(|number| file(&name(number), 1)).collect());
        assert_eq!(built.entries, count as u64);
        assert_eq!(built.totals.files, count as u64);
        assert!(blobs.len() > 5);
        assert!(blobs.iter().all(|blob| blob.bytes.len() <= NODE_BYTES_MAX));
        let get = |hash: BlobHash| {
            let blob = blobs.iter().find(|blob| blob.hash == hash).expect("stored");
            Node::decode(&blob.bytes).expect("our own")
        };
        for number in [0, 1, 12_345, count - 1] {
            let mut node = get(built.node);
            while let Found::Part(part) = node.find(&name(number)) {
                node = get(part.node);
            }
            assert!(
                matches!(node.find(&name(number)), Found::Entry(_)),
                "{number}"
            );
        }
        assert_eq!(get(built.node).find("0"), Found::Nothing);
    }

    #[test]
    fn the_builder_goes_on_without_an_entry_it_refused() {
        let mut builder = DirectoryBuilder::default();
        builder.push(file("A", 1)).expect("first");
        for name in ["a", "con", "c."] {
            assert!(
                matches!(builder.push(file(name, 1)), Err(ManifestError::Path { .. })),
                "{name}"
            );
        }
        builder.push(file("b", 1)).expect("goes on");
        assert_eq!(builder.finish().expect("bounded").1.entries, 2);
    }

    #[test]
    fn absurd_sizes_are_refused() {
        let mut builder = DirectoryBuilder::default();
        builder.push(file("a", FILE_BYTES_MAX)).expect("first");
        builder.push(file("b", FILE_BYTES_MAX)).expect("second");
        assert_eq!(builder.push(file("c", 2)), Err(ManifestError::Overflow));
        let beyond = builder.push(file("d", FILE_BYTES_MAX + 1));
        assert!(matches!(beyond, Err(ManifestError::Size { .. })));
    }
}
