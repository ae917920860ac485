//! What a share was when it was got last: by that it shows which files here nobody has touched since, so that another version may take their place.
//!
//! Of a copy its manifest is here as long as it is provided, and of one that was `was` has it.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use kith_core::data::manifest::{Entry, Found, Node};
use kith_core::data::path;
use kith_core::ids::{BlobHash, ShareId};

use crate::content::known::{self, trusted};
use crate::content::shares::Shares;
use crate::content::{store, was};
use crate::data::hash::{self, Stamp};

/// Nodes that are kept at hand: those on the way to a file, and to the next ones.
const NODES_MAX: usize = 32;

/// A share as it was when it was got last, as far as that is known.
#[derive(Debug)]
pub struct Earlier {
    shares: Arc<Shares>,
    share: ShareId,
    roots: Vec<BlobHash>,
    nodes: Mutex<VecDeque<(BlobHash, Arc<Node>)>>,
}

impl Earlier {
    /// What is known of a share of somebody else. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub fn of(shares: &Arc<Shares>, share: ShareId) -> io::Result<Self> {
        let heads = store::run(shares.database(), |connection| {
            let copy = known::copy(connection, &share)?.map(|copy| copy.head);
            Ok([copy, was::head(connection, &share)?])
        })?;
        let heads = heads.iter().flatten();
        let roots = heads.filter_map(|head| Some(trusted(head).ok()?.manifest));
        Ok(Self {
            shares: Arc::clone(shares),
            share,
            roots: roots.collect(),
            nodes: Mutex::default(),
        })
    }

    /// Whether a file of it, by its path in the share, had this content. Blocks.
    pub(super) fn had(&self, path: &str, content: &BlobHash) -> io::Result<bool> {
        for root in &self.roots {
            if self.file(*root, path)? == Some(*content) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The content of the file at a path of a version.
    fn file(&self, root: BlobHash, path: &str) -> io::Result<Option<BlobHash>> {
        let Ok(names) = path::split(path) else {
            return Ok(None);
        };
        let mut at = root;
        let mut found = None;
        for name in names {
            match self.entry(at, name)? {
                Some(Entry::Directory(directory)) => at = directory.node,
                Some(Entry::File(file)) => found = Some(file.hash),
                Some(Entry::Symlink(_)) | None => return Ok(None),
            }
        }
        Ok(found)
    }

    fn entry(&self, mut at: BlobHash, name: &str) -> io::Result<Option<Entry>> {
        // Parts lie below each other a few times at most, and each node below another.
        while let Some(node) = self.node(at)? {
            match node.find(name) {
                Found::Entry(entry) => return Ok(Some(entry.clone())),
                Found::Part(part) => at = part.node,
                Found::Nothing => return Ok(None),
            }
        }
        Ok(None)
    }

    fn node(&self, hash: BlobHash) -> io::Result<Option<Arc<Node>>> {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, node)) = nodes.iter().find(|(known, _)| *known == hash) {
            return Ok(Some(Arc::clone(node)));
        }
        let bytes = store::run(self.shares.database(), |connection| {
            was::node(connection, &self.share, &hash)
        })?;
        let Some(node) = bytes.and_then(|bytes| Node::decode(&bytes).ok()) else {
            return Ok(None);
        };
        let node = Arc::new(node);
        if nodes.len() >= NODES_MAX {
            nodes.pop_front();
        }
        nodes.push_back((hash, Arc::clone(&node)));
        Ok(Some(node))
    }

    /// What the file at this place holds: by what was written down of it, or else by hashing it.
    pub(super) fn content(&self, path: &Path, stamp: Stamp) -> io::Result<BlobHash> {
        let known = store::run(self.shares.database(), |connection| {
            store::known(connection, path, stamp)
        })?;
        match known {
            Some(known) => Ok(known.hash),
            None => Ok(hash::hash_file(path)?.hash),
        }
    }
}
