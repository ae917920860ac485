//! Finding a path of a share: which part of its tree is meant.

use std::path::Path;

use kith_core::data::builder::NodeBlob;
use kith_core::data::head::{Head, Layout};
use kith_core::data::manifest::{self, Body, Entry, Found, ManifestError, Node, Totals};
use kith_core::data::path;
use kith_core::data::walk::WalkError;
use kith_core::ids::BlobHash;

use crate::content::error::GetError;
use crate::content::filter::Filter;
use crate::content::swarm::fetching::Fetching;
use crate::data::disk;

/// What is to be fetched.
#[derive(Clone, Debug)]
pub(super) enum Selected {
    /// A directory with all beneath.
    Directory {
        /// What the target is called.
        name: String,
        /// Its node.
        node: BlobHash,
        /// What it holds.
        totals: Totals,
        /// How deep in the share it lies.
        depth: usize,
        /// Where it begins on the share's line, in bytes.
        position: u64,
    },
    /// One file.
    File {
        /// Which.
        file: manifest::File,
        /// Where it begins on the share's line, in bytes.
        position: u64,
    },
}

impl Selected {
    /// What the target is called.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Directory { name, .. } => name,
            Self::File { file, .. } => &file.name,
        }
    }

    /// What it is called, where it is one file.
    pub(super) fn file(&self) -> Option<String> {
        match self {
            Self::Directory { .. } => None,
            Self::File { file, .. } => Some(file.name.clone()),
        }
    }

    /// The folder that its files lie in by their names, where this is its target: of one file that beside it.
    pub(super) fn folder<'a>(&self, target: &'a Path) -> &'a Path {
        match self {
            Self::Directory { .. } => target,
            Self::File { .. } => disk::parent(target),
        }
    }

    /// Whether it is wanted, where it is one file: of a directory the walk tells.
    ///
    /// # Errors
    /// [`GetError::NothingMatches`].
    pub(super) fn check_wanted(&self, only: Option<&Filter>) -> Result<(), GetError> {
        match (self, only) {
            (Self::File { file, .. }, Some(only)) if !(only.wants)(&file.name) => {
                Err(GetError::NothingMatches)
            }
            _ => Ok(()),
        }
    }

    /// What it is fetched as: names its staging folder.
    pub(super) fn hash(&self) -> BlobHash {
        match self {
            Self::Directory { node, .. } => *node,
            Self::File { file, .. } => file.hash,
        }
    }

    /// What it holds.
    pub(super) fn totals(&self) -> Totals {
        match self {
            Self::Directory { totals, .. } => *totals,
            Self::File { file, .. } => Totals {
                bytes: file.size,
                files: 1,
            },
        }
    }
}

/// Follows `path` from the root of the share. The nodes that lead there, which nobody asks for again, are added to `way`.
pub(super) async fn select(
    fetching: &mut Fetching,
    head: &Head,
    path: &str,
    way: &mut Vec<NodeBlob>,
) -> Result<Selected, GetError> {
    let names = path::split(path).map_err(|_| GetError::NotFound)?;
    let mut selected = Selected::Directory {
        name: head.name.clone(),
        node: head.manifest,
        totals: head.totals,
        depth: 0,
        position: 0,
    };
    if names.is_empty() && head.layout == Layout::File {
        return only_file(fetching, head.manifest, way).await;
    }
    for (depth, name) in names.into_iter().enumerate() {
        let Selected::Directory { node, position, .. } = selected else {
            return Err(GetError::NotFound);
        };
        let (entry, position) = find(fetching, (node, position), name, way).await?;
        selected = match entry {
            Entry::File(file) => Selected::File { file, position },
            Entry::Directory(directory) => Selected::Directory {
                name: directory.name,
                node: directory.node,
                totals: directory.totals,
                depth: depth + 1,
                position,
            },
            Entry::Symlink(_) => return Err(GetError::NotFound),
        };
    }
    Ok(selected)
}

/// The one file of a share that is one.
async fn only_file(
    fetching: &mut Fetching,
    root: BlobHash,
    way: &mut Vec<NodeBlob>,
) -> Result<Selected, GetError> {
    match fetch(fetching, root, way).await?.into_body() {
        Body::Entries(entries) => match <[Entry; 1]>::try_from(entries) {
            Ok([Entry::File(file)]) => Ok(Selected::File { file, position: 0 }),
            _ => Err(WalkError::Parts(String::new()).into()),
        },
        Body::Parts(_) => Err(WalkError::Parts(String::new()).into()),
    }
}

/// The entry of this name in a directory that begins at `position`, and where it begins itself.
async fn find(
    fetching: &mut Fetching,
    (mut node, mut position): (BlobHash, u64),
    name: &str,
    way: &mut Vec<NodeBlob>,
) -> Result<(Entry, u64), GetError> {
    for _ in 0..=manifest::PARTS_DEPTH_MAX {
        let listed = fetch(fetching, node, way).await?;
        let before = listed.bytes_before(name);
        position = before
            .and_then(|before| position.checked_add(before))
            .ok_or(WalkError::from(ManifestError::Overflow))?;
        match listed.find(name) {
            Found::Entry(entry) => return Ok((entry.clone(), position)),
            Found::Part(part) => node = part.node,
            Found::Nothing => return Err(GetError::NotFound),
        }
    }
    Err(WalkError::Parts(String::new()).into())
}

/// One node, verified and checked, and added to `way`.
pub(super) async fn fetch(
    fetching: &mut Fetching,
    hash: BlobHash,
    way: &mut Vec<NodeBlob>,
) -> Result<Node, GetError> {
    let bytes = fetching.node(hash).await?;
    let node = Node::decode(&bytes).map_err(WalkError::from)?;
    way.push(NodeBlob { hash, bytes });
    Ok(node)
}
