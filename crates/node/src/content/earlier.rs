//! What a share was when it was got: by that it shows which files here nobody has touched since, so that another version may take their place, and
//! which were deleted here.
//!
//! What is got is written down before anything of it gets its name (`was`), whether it becomes a copy or not.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use kith_core::data::manifest::{Entry, Found, Node};
use kith_core::data::path;
use kith_core::ids::{BlobHash, ShareId};

use crate::content::known::{self, trusted};
use crate::content::shares::Shares;
use crate::content::was::{Version, Was};
use crate::content::{store, was};
use crate::data::hash::{self, Stamp};
use crate::data::nodes::Nodes;

/// Nodes that are kept at hand: those on the way to a file, and to the next ones.
const NODES_MAX: usize = 32;

/// A share as it was when it was got last, as far as that is known.
#[derive(Debug)]
pub struct Earlier {
    shares: Arc<Shares>,
    share: ShareId,
    /// What was written down, the version got last first,
    was: Vec<Was>,
    /// and the copy.
    copy: Option<BlobHash>,
    nodes: Mutex<VecDeque<(BlobHash, Arc<Node>)>>,
}

impl Earlier {
    /// What is known of a share of somebody else. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub fn of(shares: &Arc<Shares>, share: ShareId) -> io::Result<Self> {
        let (copy, was) = store::run(shares.database(), |connection| {
            let copy = known::copy(connection, &share)?.map(|copy| copy.head);
            Ok((copy, was::versions(connection, &share)?))
        })?;
        Ok(Self {
            shares: Arc::clone(shares),
            share,
            was,
            copy: copy.and_then(|head| Some(trusted(&head).ok()?.manifest)),
            nodes: Mutex::default(),
        })
    }

    /// Whether a file of it, by its path in the share, had this content in some version; and then whether it was to be run in the last that had it. Blocks.
    pub(super) fn had(&self, path: &str, content: &BlobHash) -> io::Result<Option<bool>> {
        let roots = self.was.iter().map(|was| was.manifest).chain(self.copy);
        for root in roots {
            if let Some(Entry::File(file)) = self.at(root, path)?
                && file.hash == *content
            {
                return Ok(Some(file.executable));
            }
        }
        Ok(None)
    }

    /// Whether a file with this content came to a path below `folder`, by its path in the share. Blocks.
    pub(super) fn brought(
        &self,
        folder: &Path,
        (path, in_share): (&str, &str),
        content: &BlobHash,
    ) -> io::Result<bool> {
        for was in self.whole(folder) {
            if !was.kept.contains(path)
                && let Some(Entry::File(file)) = self.at(was.manifest, in_share)?
                && file.hash == *content
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The same of a folder.
    pub(super) fn brought_folder(&self, folder: &Path, in_share: &str) -> io::Result<bool> {
        for was in self.whole(folder) {
            if let Some(Entry::Directory(_)) = self.at(was.manifest, in_share)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The versions of which all came to a folder.
    fn whole(&self, folder: &Path) -> impl Iterator<Item = &Was> {
        let place = was::place(folder);
        (self.was.iter()).filter(move |was| was.is_whole && was.target == place)
    }

    /// What lies at a path of a version.
    fn at(&self, root: BlobHash, path: &str) -> io::Result<Option<Entry>> {
        let Ok(names) = path::split(path) else {
            return Ok(None);
        };
        let mut at = root;
        let mut found = None;
        for name in names {
            found = self.entry(at, name)?;
            match &found {
                Some(Entry::Directory(directory)) => at = directory.node,
                // Nothing lies below it.
                Some(Entry::File(_) | Entry::Symlink(_)) => {}
                None => return Ok(None),
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

/// Where it is written down what is got.
#[derive(Clone, Debug)]
pub struct Record {
    shares: Arc<Shares>,
    version: Version,
}

impl Record {
    /// Of a version of a share that is got to `target`.
    pub(super) fn new(
        shares: &Arc<Shares>,
        share: ShareId,
        manifest: BlobHash,
        target: &Path,
    ) -> Self {
        let target: PathBuf = was::place(target);
        Self {
            shares: Arc::clone(shares),
            version: Version {
                share,
                manifest,
                target,
            },
        }
    }

    /// It is about to get its name, file by file or at once. Blocks.
    pub(super) fn begin(&self, nodes: &Nodes) -> io::Result<()> {
        if nodes.bytes() > was::BYTES_MAX {
            return Ok(());
        }
        // One that cannot be read any more is missing from what is remembered.
        let nodes = nodes.all().filter_map(|node| node.ok().flatten());
        store::run(self.shares.database(), |connection| {
            was::begin(connection, &self.version, nodes, was::BYTES_MAX)
        })
    }

    /// All of it has its name, but for the files of which another content was kept, by their paths below the target. Blocks.
    pub(super) fn complete(&self, kept: &[String]) -> io::Result<()> {
        store::run(self.shares.database(), |connection| {
            was::complete(connection, &self.version, kept)
        })
    }
}
