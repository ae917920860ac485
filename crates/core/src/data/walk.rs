//! Reads a tree from nodes that arrive in any order.
//!
//! The walk says which nodes it needs, and in which order it is best given them; whoever drives it fetches the blobs, verifies their hashes and
//! hands them in. Only then does the walk look into them: names, order across the parts of a divided directory, collisions, depth, the ways of links, the number of
//! entries, and whether every total claimed above is the sum of what is below. A tree cannot have cycles, because a node cannot contain
//! its own hash; but it can name one node many times, so it is the entries that are counted and bounded.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::data::manifest::{
    Body, Entry, File, ManifestError, Node, PARTS_DEPTH_MAX, Part, TREE_ENTRIES_MAX, Totals,
};
use crate::data::path::{self, DEPTH_MAX, Names, PathError};
use crate::ids::BlobHash;

/// What a walk may hold of directories that wait to be read, with their paths, in bytes. Who goes by its order holds the siblings on the way
/// down, which are a few MB where a hundred thousand folders lie beside each other; more than this only a tree takes that is made for it.
pub const HELD_BYTES_MAX: u64 = 128 << 20;

/// What a node that waits takes, in bytes, beside what a list of parts says of it: its fields, and its part of a tree that is not full. So
/// are the next two.
const PENDING_BYTES: u64 = 120;

/// What that takes beside two names,
const CLAIM_BYTES: u64 = 140;

/// and a directory beside its path and the names in it.
const DIRECTORY_BYTES: u64 = 200;

/// Something in the tree, with its path from the root, written with `/`. A directory comes before what it contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A directory.
    Directory {
        /// Where.
        path: String,
    },
    /// A file.
    File {
        /// Where.
        path: String,
        /// What.
        file: File,
        /// Where it begins on the line of the whole share, in bytes (see [`crate::data::line`]).
        position: u64,
    },
    /// A symbolic link that stays beneath the root.
    Symlink {
        /// Where.
        path: String,
        /// Where it leads, relative to its own directory.
        target: String,
    },
    /// A symbolic link that stays within the share but leads out of the part of it that is walked: not to be made.
    Outside {
        /// Where.
        path: String,
    },
}

/// A node the walk needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// Names its place in the tree when the node is handed in.
    pub ticket: u64,
    /// The node's hash.
    pub node: BlobHash,
}

/// Why a tree is refused. All of them are its maker's fault: the hashes were right.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WalkError {
    /// One of its nodes is.
    #[error(transparent)]
    Node(#[from] ManifestError),
    /// A name of it is.
    #[error("{error} ({path:?})")]
    Path {
        /// Where.
        path: String,
        /// What is wrong.
        error: PathError,
    },
    /// A total that is not the sum of its parts.
    #[error("the sizes of the directory {0:?} do not add up")]
    Totals(String),
    /// A part that is not what the list of parts says.
    #[error("the parts of the directory {0:?} do not fit together")]
    Parts(String),
    /// More directories wait to be read than [`HELD_BYTES_MAX`] hold.
    #[error("too many directories lie beside and beneath each other")]
    Wide,
    /// A node that is not needed: the driver's mistake.
    #[error("a directory node was not asked for")]
    Unasked,
}

/// A tree being read.
#[derive(Debug)]
pub struct Walk {
    depth_above: usize,
    entries: u64,
    next: u64,
    /// By the order in which they were queued, the last to be read first.
    pending: BTreeMap<u64, Pending>,
    directories: BTreeMap<u64, Directory>,
    /// What the two take, about, without the names in directories.
    held_bytes: u64,
}

/// A node to be read.
#[derive(Clone, Debug)]
struct Pending {
    node: BlobHash,
    directory: u64,
    parts_depth: usize,
    claim: Option<Box<Claim>>,
    /// Where its first file begins on the line.
    position: u64,
}

/// What a list of parts says of one.
#[derive(Clone, Debug)]
struct Claim {
    part: Part,
    /// The first name after it.
    until: Option<String>,
}

/// A directory of which nodes are still to come.
#[derive(Debug)]
struct Directory {
    path: String,
    depth: usize,
    claimed: Totals,
    counted: Totals,
    names: Names,
    nodes_left: usize,
}

impl Walk {
    /// Begins at the directory `node`, said to hold `claimed`, which lies `depth_above` levels beneath the root of its share, and `position` bytes
    /// behind the beginning of its line.
    pub fn new(node: BlobHash, claimed: Totals, depth_above: usize, position: u64) -> Self {
        let mut walk = Self {
            depth_above,
            entries: 0,
            next: 0,
            pending: BTreeMap::new(),
            directories: BTreeMap::new(),
            held_bytes: 0,
        };
        walk.enter(String::new(), 0, node, claimed, position);
        walk
    }

    /// The node it is best given next: then it goes depth first, and holds least. `None` when everything was read.
    pub fn first(&self) -> Option<Wanted> {
        self.upcoming().next()
    }

    /// The nodes it needs, as far as they can be named yet, the first of them first.
    pub fn upcoming(&self) -> impl Iterator<Item = Wanted> {
        self.pending.iter().rev().map(|(ticket, pending)| Wanted {
            ticket: *ticket,
            node: pending.node,
        })
    }

    /// Whether everything was read.
    pub fn is_done(&self) -> bool {
        self.pending.is_empty()
    }

    /// What it holds of directories that were not read whole, in bytes, about: without the names in them, of which each takes some 25.
    pub fn held_bytes(&self) -> u64 {
        self.held_bytes
    }

    /// Takes a node whose hash is right and gives what it lists.
    ///
    /// # Errors
    /// [`WalkError`]; the tree is to be given up then.
    pub fn handle_node(&mut self, ticket: u64, bytes: &[u8]) -> Result<Vec<Item>, WalkError> {
        let pending = self.pending.remove(&ticket).ok_or(WalkError::Unasked)?;
        self.held_bytes -= pending.held_bytes();
        let body = Node::decode(bytes)?.into_body();
        let key = pending.directory;
        let mut directory = self.directories.remove(&key).ok_or(WalkError::Unasked)?;
        if pending
            .claim
            .as_ref()
            .is_some_and(|claim| !claim.holds(&body))
        {
            return Err(WalkError::Parts(directory.path));
        }
        directory.nodes_left -= 1;
        let mut items = Vec::new();
        match body {
            Body::Entries(entries) => {
                let mut position = pending.position;
                let mut paths_bytes = 0;
                for entry in entries {
                    let bytes = entry.totals().bytes;
                    // What is given is held, too: as often as there are entries, the whole path.
                    paths_bytes += (directory.path.len() + entry.name().len()) as u64;
                    items.push(self.entry(&mut directory, entry, position)?);
                    if self.held_bytes + paths_bytes > HELD_BYTES_MAX {
                        return Err(WalkError::Wide);
                    }
                    // Sums that overflow are found where totals are compared.
                    position = position.saturating_add(bytes);
                }
            }
            Body::Parts(parts) => {
                if pending.parts_depth == PARTS_DEPTH_MAX {
                    return Err(WalkError::Parts(directory.path));
                }
                directory.nodes_left += parts.len();
                self.divide(&pending, parts);
            }
        }
        if self.held_bytes > HELD_BYTES_MAX {
            return Err(WalkError::Wide);
        }
        if directory.nodes_left > 0 {
            self.directories.insert(key, directory);
            return Ok(items);
        }
        self.held_bytes -= directory.held_bytes();
        if directory.counted != directory.claimed {
            return Err(WalkError::Totals(directory.path));
        }
        Ok(items)
    }

    /// Checks an entry in its place.
    fn entry(
        &mut self,
        directory: &mut Directory,
        entry: Entry,
        position: u64,
    ) -> Result<Item, WalkError> {
        self.entries += 1;
        if self.entries > TREE_ENTRIES_MAX {
            return Err(ManifestError::TooMany.into());
        }
        let path = match directory.path.as_str() {
            "" => entry.name().to_owned(),
            above => format!("{above}/{}", entry.name()),
        };
        let refused = |error| WalkError::Path {
            path: path.clone(),
            error,
        };
        directory.names.insert(entry.name()).map_err(refused)?;
        directory.counted = directory
            .counted
            .plus(entry.totals())
            .ok_or(ManifestError::Overflow)?;
        match entry {
            Entry::File(file) => Ok(Item::File {
                path,
                file,
                position,
            }),
            Entry::Symlink(symlink) => {
                let target = symlink.target;
                if path::check_symlink(directory.depth, &target).is_ok() {
                    return Ok(Item::Symlink { path, target });
                }
                path::check_symlink(directory.depth + self.depth_above, &target)
                    .map_err(refused)?;
                Ok(Item::Outside { path })
            }
            Entry::Directory(child) => {
                let depth = directory.depth + 1;
                if depth + self.depth_above > DEPTH_MAX {
                    return Err(refused(PathError::TooDeep));
                }
                self.enter(path.clone(), depth, child.node, child.totals, position);
                Ok(Item::Directory { path })
            }
        }
    }

    /// Queues a directory's own node.
    fn enter(
        &mut self,
        path: String,
        depth: usize,
        node: BlobHash,
        claimed: Totals,
        position: u64,
    ) {
        let key = self.number();
        let directory = Directory {
            path,
            depth,
            claimed,
            counted: Totals::default(),
            names: Names::default(),
            nodes_left: 1,
        };
        self.held_bytes += directory.held_bytes();
        self.directories.insert(key, directory);
        self.queue(Pending {
            node,
            directory: key,
            parts_depth: 0,
            claim: None,
            position,
        });
    }

    /// Queues the parts of a directory, the first to be read first.
    fn divide(&mut self, whole: &Pending, parts: Vec<Part>) {
        let mut until = whole.claim.as_ref().and_then(|claim| claim.until.clone());
        let bytes = parts.iter().map(|part| part.totals.bytes);
        let mut position = bytes.fold(whole.position, u64::saturating_add);
        for part in parts.into_iter().rev() {
            let first = part.first.clone();
            position = position.saturating_sub(part.totals.bytes);
            self.queue(Pending {
                node: part.node,
                directory: whole.directory,
                parts_depth: whole.parts_depth + 1,
                claim: Some(Box::new(Claim { part, until })),
                position,
            });
            until = Some(first);
        }
    }

    /// Has a node be read before all that were queued.
    fn queue(&mut self, pending: Pending) {
        self.held_bytes += pending.held_bytes();
        let ticket = self.number();
        self.pending.insert(ticket, pending);
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl Pending {
    fn held_bytes(&self) -> u64 {
        let claimed = self.claim.as_ref().map_or(0, |claim| {
            let until = claim.until.as_ref().map_or(0, String::len);
            CLAIM_BYTES + (claim.part.first.len() + until) as u64
        });
        PENDING_BYTES + claimed
    }
}

impl Directory {
    fn held_bytes(&self) -> u64 {
        DIRECTORY_BYTES + self.path.len() as u64
    }
}

impl Claim {
    /// Whether the node is the part it is said to be: it begins with its first name, ends before the next part's, and sums up.
    fn holds(&self, body: &Body) -> bool {
        let before_next = |last: &str| {
            self.until
                .as_ref()
                .is_none_or(|until| last.as_bytes() < until.as_bytes())
        };
        let (first, last, entries, totals) = match body {
            Body::Entries(entries) => (
                entries.first().map(Entry::name),
                entries.last().map(Entry::name),
                Some(entries.len() as u64),
                entries
                    .iter()
                    .try_fold(Totals::default(), |sum, entry| sum.plus(entry.totals())),
            ),
            Body::Parts(parts) => (
                parts.first().map(|part| part.first.as_str()),
                parts.last().map(|part| part.first.as_str()),
                parts
                    .iter()
                    .try_fold(0u64, |sum, part| sum.checked_add(part.entries)),
                parts
                    .iter()
                    .try_fold(Totals::default(), |sum, part| sum.plus(part.totals)),
            ),
        };
        first == Some(self.part.first.as_str())
            && last.is_some_and(before_next)
            && entries == Some(self.part.entries)
            && totals == Some(self.part.totals)
    }
}

#[cfg(test)]
mod tests;
