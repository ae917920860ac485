//! A directory as a blob, and a tree as a Merkle DAG of such blobs.
//!
//! ```text
//! node      = [version, entries | parts]        at most 1 MiB
//! entries   = the directory's entries, sorted by the bytes of their names
//! parts     = where they do not fit: the nodes that hold them, in the same order
//! entry     = file | directory (the hash of its node) | symbolic link
//! ```
//!
//! A node is named by its BLAKE3 hash and fetched like any other blob, so a tree is as verifiable as a file, equal folders
//! are stored once, and a change touches only the nodes above it. Parts nest where even their list does not fit. Totals are in each
//! reference, so that progress and limits need not walk the tree; readers check them (see [`crate::data::walk`]).

use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::codec::{self, Wire};
use crate::data::path::{self, PathError};
use crate::ids::BlobHash;

/// The largest node, in bytes: one range of a transfer, and small enough to decode at once.
pub const NODE_BYTES_MAX: usize = 1 << 20;

/// The most entries of a tree, directories and links included; more are refused.
pub const TREE_ENTRIES_MAX: u64 = 10_000_000;

/// The largest file, in bytes: what an offset in one is written with on every system has 63 bits.
pub const FILE_BYTES_MAX: u64 = i64::MAX.cast_unsigned();

/// How deep parts may nest. Two levels hold over nine million entries with the longest names, three more than any tree may have.
pub const PARTS_DEPTH_MAX: usize = 3;

/// Which version of the format this is.
const VERSION: u8 = 1;

/// How much a subtree holds. Directories and links count as entries but not as files, and have no bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Totals {
    /// The sum of its files' sizes, in bytes.
    #[n(0)]
    pub bytes: u64,
    /// How many files.
    #[n(1)]
    pub files: u64,
}

impl Totals {
    /// Both together; `None` when a sum exceeds 64 bits, as only a lie can.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            bytes: self.bytes.checked_add(other.bytes)?,
            files: self.files.checked_add(other.files)?,
        })
    }
}

/// A file in a directory.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct File {
    /// Its name.
    #[n(0)]
    pub name: String,
    /// Its size, in bytes.
    #[n(1)]
    pub size: u64,
    /// Its content.
    #[n(2)]
    pub hash: BlobHash,
    /// Whether its owner may execute it.
    #[n(3)]
    pub executable: bool,
    /// When it was modified last: milliseconds since the Unix epoch, negative before it.
    #[n(4)]
    pub mtime_ms: i64,
}

/// A directory in a directory.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Directory {
    /// Its name.
    #[n(0)]
    pub name: String,
    /// Its node.
    #[n(1)]
    pub node: BlobHash,
    /// What it holds, with everything beneath.
    #[n(2)]
    pub totals: Totals,
}

/// A symbolic link in a directory.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Symlink {
    /// Its name.
    #[n(0)]
    pub name: String,
    /// Where it leads, written with `/`.
    #[n(1)]
    pub target: String,
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Entry {
    /// A file.
    #[n(0)]
    File(#[n(0)] File),
    /// A directory.
    #[n(1)]
    Directory(#[n(0)] Directory),
    /// A symbolic link.
    #[n(2)]
    Symlink(#[n(0)] Symlink),
}

impl Entry {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::File(file) => &file.name,
            Self::Directory(directory) => &directory.name,
            Self::Symlink(symlink) => &symlink.name,
        }
    }

    /// What it adds to its directory's totals.
    pub fn totals(&self) -> Totals {
        match self {
            Self::File(file) => Totals {
                bytes: file.size,
                files: 1,
            },
            Self::Directory(directory) => directory.totals,
            Self::Symlink(_) => Totals::default(),
        }
    }
}

/// A run of a directory's entries, in a node of its own.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Part {
    /// The name of its first entry.
    #[n(0)]
    pub first: String,
    /// Its node.
    #[n(1)]
    pub node: BlobHash,
    /// How many entries it has, not counting what is beneath them.
    #[n(2)]
    pub entries: u64,
    /// What they hold.
    #[n(3)]
    pub totals: Totals,
}

/// What a node lists.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Body {
    /// Entries, sorted by the bytes of their names.
    #[n(0)]
    Entries(#[n(0)] Vec<Entry>),
    /// Parts, sorted by the bytes of their first names; at least two.
    #[n(1)]
    Parts(#[n(0)] Vec<Part>),
}

/// A node as it is on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
struct NodeForm {
    #[n(0)]
    version: u8,
    #[n(1)]
    body: Body,
}

impl Wire for NodeForm {
    const BYTES_MAX: usize = NODE_BYTES_MAX;
}

/// A checked node: names are safe and in order, links have a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node(Body);

/// Why a node, or an entry for one, is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Not a node.
    #[error("a directory node is damaged: {0}")]
    Malformed(#[from] codec::DecodeError),
    /// Of a version that this one does not know.
    #[error("a directory node has version {0}; a newer kith made it")]
    Version(u8),
    /// A name that may not be.
    #[error("{error} ({name:?})")]
    Path {
        /// Which name.
        name: String,
        /// What is wrong with it.
        error: PathError,
    },
    /// A file of more than [`FILE_BYTES_MAX`].
    #[error("no file has {size} bytes ({name:?})")]
    Size {
        /// Its name.
        name: String,
        /// What is said of it.
        size: u64,
    },
    /// Entries or parts not in strictly ascending order.
    #[error("the entries of a directory are not in order")]
    Order,
    /// A list of parts that is none: fewer than two, or an empty one.
    #[error("a directory is divided without need")]
    Parts,
    /// Sums of more than 64 bits.
    #[error("the sizes of a directory exceed all bounds")]
    Overflow,
    /// More than [`TREE_ENTRIES_MAX`] entries.
    #[error("more than {TREE_ENTRIES_MAX} entries")]
    TooMany,
}

impl Node {
    /// Reads a node whose hash was verified, and trusts nothing in it.
    ///
    /// # Errors
    /// Everything in [`ManifestError`] except `TooMany`. Collisions and the ways of links depend on where the node is in
    /// the tree: [`crate::data::walk`] finds those.
    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestError> {
        let form: NodeForm = codec::decode(bytes)?;
        if form.version != VERSION {
            return Err(ManifestError::Version(form.version));
        }
        match &form.body {
            Body::Entries(entries) => {
                entries.iter().try_for_each(check_entry)?;
                ascending(entries.iter().map(Entry::name))?;
            }
            Body::Parts(parts) => {
                if parts.len() < 2 || parts.iter().any(|part| part.entries == 0) {
                    return Err(ManifestError::Parts);
                }
                ascending(parts.iter().map(|part| part.first.as_str()))?;
            }
        }
        Ok(Self(form.body))
    }

    /// The bytes of a node that lists this.
    pub(super) fn encode(body: Body) -> Vec<u8> {
        codec::encode(&NodeForm {
            version: VERSION,
            body,
        })
    }

    /// What it lists.
    pub fn body(&self) -> &Body {
        &self.0
    }

    /// What it lists, taken out.
    pub fn into_body(self) -> Body {
        self.0
    }

    /// The entry of this name, or the part it must be in if it exists.
    pub fn find(&self, name: &str) -> Found<'_> {
        match &self.0 {
            Body::Entries(entries) => entries
                .binary_search_by(|entry| entry.name().as_bytes().cmp(name.as_bytes()))
                .map_or(Found::Nothing, |index| Found::Entry(&entries[index])),
            Body::Parts(parts) => parts
                .partition_point(|part| part.first.as_bytes() <= name.as_bytes())
                .checked_sub(1)
                .map_or(Found::Nothing, |index| Found::Part(&parts[index])),
        }
    }

    /// The bytes of the files that it lists before the entry of this name, or before the part that it must be in; `None` when they exceed
    /// 64 bits.
    pub fn bytes_before(&self, name: &str) -> Option<u64> {
        let is_before = |other: &str| other.as_bytes() < name.as_bytes();
        let sum = |sum: u64, bytes: u64| sum.checked_add(bytes);
        match &self.0 {
            Body::Entries(entries) => (entries.iter())
                .take_while(|entry| is_before(entry.name()))
                .try_fold(0, |total, entry| sum(total, entry.totals().bytes)),
            Body::Parts(parts) => {
                let end = parts.partition_point(|part| part.first.as_bytes() <= name.as_bytes());
                (parts[..end.saturating_sub(1)].iter())
                    .try_fold(0, |total, part| sum(total, part.totals.bytes))
            }
        }
    }
}

/// Where a name is, as far as one node tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// Here.
    Entry(&'a Entry),
    /// In this part, or nowhere.
    Part(&'a Part),
    /// Nowhere.
    Nothing,
}

/// One entry by itself.
pub(super) fn check_entry(entry: &Entry) -> Result<(), ManifestError> {
    let refused = |error| ManifestError::Path {
        name: entry.name().to_owned(),
        error,
    };
    path::check_name(entry.name()).map_err(refused)?;
    match entry {
        // Whether a target stays in the tree depends on the depth; here it is taken to be deep.
        Entry::Symlink(symlink) => {
            path::check_symlink(path::DEPTH_MAX, &symlink.target).map_err(refused)
        }
        Entry::File(File { name, size, .. }) if *size > FILE_BYTES_MAX => {
            Err(ManifestError::Size {
                name: name.clone(),
                size: *size,
            })
        }
        Entry::File(_) | Entry::Directory(_) => Ok(()),
    }
}

/// Whether names ascend strictly.
fn ascending<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), ManifestError> {
    let mut last: Option<&str> = None;
    for name in names {
        if last.is_some_and(|last| last.as_bytes() >= name.as_bytes()) {
            return Err(ManifestError::Order);
        }
        last = Some(name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::builder::tests::{build, file};
    use proptest::prelude::*;

    #[test]
    fn a_small_directory_is_one_node_with_known_bytes() {
        let entries = vec![
            file("a", 1),
            Entry::Directory(Directory {
                name: "b".into(),
                node: BlobHash([2; 32]),
                totals: Totals { bytes: 5, files: 2 },
            }),
            Entry::Symlink(Symlink {
                name: "c".into(),
                target: "a".into(),
            }),
        ];
        let (blobs, built) = build(entries.clone());
        assert_eq!(blobs.len(), 1);
        assert_eq!(built.totals, Totals { bytes: 6, files: 3 });
        let hex = data_encoding::HEXLOWER.encode(&blobs[0].bytes);
        let golden = format!(
            "82018200818382008185616101{}{}f42082018183616258{}{}820502820281826163{}",
            "5820",
            "01".repeat(32),
            "20",
            "02".repeat(32),
            "6161"
        );
        assert_eq!(hex, golden);
        let node = Node::decode(&blobs[0].bytes).expect("our own");
        assert_eq!(node.body(), &Body::Entries(entries));
        assert!(matches!(node.find("b"), Found::Entry(Entry::Directory(_))));
        assert_eq!(node.find("bb"), Found::Nothing);
    }

    #[test]
    fn an_empty_directory_is_a_node() {
        let (blobs, built) = build(Vec::new());
        assert_eq!((blobs.len(), built.entries), (1, 0));
        assert!(Node::decode(&blobs[0].bytes).is_ok());
    }

    #[test]
    fn nodes_out_of_order_with_unsafe_names_or_sizes_that_no_file_has_are_refused() {
        let bytes = |entries| Node::encode(Body::Entries(entries));
        let decode = |entries| Node::decode(&bytes(entries)).expect_err("refused");
        assert_eq!(
            decode(vec![file("b", 1), file("a", 1)]),
            ManifestError::Order
        );
        assert_eq!(
            decode(vec![file("a", 1), file("a", 1)]),
            ManifestError::Order
        );
        assert!(matches!(
            decode(vec![file("../a", 1)]),
            ManifestError::Path {
                error: PathError::Separator,
                ..
            }
        ));
        assert!(Node::decode(&bytes(vec![file("a", FILE_BYTES_MAX)])).is_ok());
        let size = FILE_BYTES_MAX + 1;
        let name = "a".to_owned();
        assert_eq!(
            decode(vec![file("a", size)]),
            ManifestError::Size { name, size }
        );
        let one_part = Node::encode(Body::Parts(vec![Part {
            first: "a".into(),
            node: BlobHash([0; 32]),
            entries: 1,
            totals: Totals::default(),
        }]));
        assert_eq!(Node::decode(&one_part), Err(ManifestError::Parts));
        let newer = codec::encode(&NodeForm {
            version: 2,
            body: Body::Entries(Vec::new()),
        });
        assert_eq!(Node::decode(&newer), Err(ManifestError::Version(2)));
    }

    crate::decoding::decoder_tests! {
        node: NodeForm = NodeForm {
            version: VERSION,
            body: Body::Entries(vec![file("a", 1), file("b", 70_000)]),
        };
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Node::decode(&bytes);
        }

        #[test]
        fn damaged_nodes_do_not_make_the_decoder_panic(at in 0usize..200, byte in any::<u8>()) {
            let (blobs, _) = build(vec![file("a", 1), file("b", 300), file("c", 70_000)]);
            let mut bytes = blobs[0].bytes.clone();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = Node::decode(&bytes);
        }
    }
}
