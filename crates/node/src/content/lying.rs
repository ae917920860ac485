//! Files that lie here: of own shares and of copies, found by their path in the share and read in place.
//!
//! A file is looked at before and after a part of it was read, as whenever it is served (see [`reading`](crate::content::swarm)): what is
//! not any more what was hashed is not given out for it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use bao_tree::io::sync::ReadAt as _;
use kith_core::data::head::{Head, Layout};
use kith_core::data::listing::{Listing, Page};
use kith_core::data::manifest::{self, Entry, Found, Node};
use kith_core::data::path;
use kith_core::ids::{BlobHash, ShareId};

use crate::content::shares::Shares;
use crate::content::store;
use crate::data::hash::{self, Stamp};

/// A file that lies here.
#[derive(Clone, Debug)]
pub struct Lying {
    shares: Arc<Shares>,
    share: ShareId,
    /// The hash of its content.
    pub hash: BlobHash,
    /// Its size when it was hashed, in bytes.
    pub size: u64,
    /// Where its content lay then.
    places: Vec<(PathBuf, Stamp)>,
}

impl Lying {
    /// The file at `path` of a share, or copy, of which this is the head; `None` where it has none there. A share that is one file has it
    /// under its name and under the empty path. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub fn find(shares: &Arc<Shares>, head: &Head, path: &str) -> io::Result<Option<Self>> {
        let file = file_at(shares, head, path)?;
        file.map(|file| Self::of(shares, head, &file)).transpose()
    }

    /// A file of a share, or copy, of which this is the head. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn of(shares: &Arc<Shares>, head: &Head, file: &manifest::File) -> io::Result<Self> {
        let places = store::run(shares.database(), |connection| {
            store::files(connection, &head.share, &file.hash)
        })?;
        Ok(Self {
            shares: Arc::clone(shares),
            share: head.share,
            hash: file.hash,
            size: file.size,
            places,
        })
    }

    /// Whether it is anywhere still what was hashed; it is hashed anew soon where not. Blocks.
    pub fn is_here(&self) -> bool {
        let mut places = self.places.iter();
        let is_there = |(path, stamp): &(PathBuf, Stamp)| {
            let metadata = std::fs::symlink_metadata(path);
            metadata.is_ok_and(|metadata| Stamp::of(&metadata) == *stamp)
        };
        let is_here = self.size == 0 || places.any(is_there);
        if !is_here {
            self.shares.looks().see(&self.share, Instant::now());
        }
        is_here
    }

    /// The file, and the stamp that it has as long as it is what was hashed; `None` when it is nowhere any more, as in
    /// [`Lying::is_here`]. Blocks.
    pub(super) fn open(&self) -> Option<(File, Stamp)> {
        for (path, stamp) in &self.places {
            let opened = hash::open_in_place(path);
            let Ok(file) = opened else { continue };
            let is_same = |metadata| Stamp::of(&metadata) == *stamp;
            if file.metadata().is_ok_and(is_same) {
                return Some((file, *stamp));
            }
        }
        self.shares.looks().see(&self.share, Instant::now());
        None
    }

    /// Up to `count` bytes from `from` on, fewer at its end; `None` when it is nowhere any more what was hashed, which it is anew soon.
    /// Blocks.
    pub(super) fn read(&self, from: u64, count: u64) -> Option<Vec<u8>> {
        if self.size == 0 {
            return Some(Vec::new());
        }
        for (path, stamp) in &self.places {
            match read_unchanged(path, *stamp, from, count) {
                Ok(Some(bytes)) => return Some(bytes),
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, "a shared file cannot be read"),
            }
        }
        self.shares.looks().see(&self.share, Instant::now());
        None
    }
}

/// Some bytes of a file; `None` when it has not, or not any more, this stamp.
fn read_unchanged(path: &Path, stamp: Stamp, from: u64, count: u64) -> io::Result<Option<Vec<u8>>> {
    let file = hash::open_in_place(path)?;
    if Stamp::of(&file.metadata()?) != stamp {
        return Ok(None);
    }
    let count = count.min(stamp.size.saturating_sub(from));
    let mut bytes = vec![0; usize::try_from(count).unwrap_or(usize::MAX)];
    file.read_exact_at(from, &mut bytes)?;
    Ok((Stamp::of(&file.metadata()?) == stamp).then_some(bytes))
}

/// What a directory of a share, or copy, of which this is the head holds, from the first entry behind the name `after` on; a file holds itself.
/// `None` where there is nothing at `path`. Blocks.
///
/// # Errors
/// The database's.
pub fn entries(
    shares: &Shares,
    head: &Head,
    (path, after): (&str, Option<&str>),
) -> io::Result<Option<Page>> {
    let Ok(names) = path::split(path) else {
        return Ok(None);
    };
    let mut at = head.manifest;
    for (depth, name) in names.iter().enumerate() {
        match entry(shares, head, at, name)? {
            Some(Entry::Directory(directory)) => at = directory.node,
            Some(found) if depth + 1 == names.len() => {
                return Ok(Some(Page::of_file(found, after)));
            }
            _ => return Ok(None),
        }
    }
    let mut listing = Listing::new(at, after.map(str::to_owned));
    while let Some(part) = listing.next_node() {
        let Some(node) = node(shares, head, &part)? else {
            return Ok(None);
        };
        listing.handle_node(node).map_err(io::Error::other)?;
    }
    Ok(Some(listing.finish()))
}

/// What the manifest says of the file at `path`.
fn file_at(shares: &Shares, head: &Head, path: &str) -> io::Result<Option<manifest::File>> {
    let Ok(names) = path::split(path) else {
        return Ok(None);
    };
    if head.layout == Layout::File && names.is_empty() {
        let Some(root) = node(shares, head, &head.manifest)? else {
            return Ok(None);
        };
        let entries = match root.into_body() {
            manifest::Body::Entries(entries) => entries,
            manifest::Body::Parts(_) => Vec::new(),
        };
        return Ok(entries.into_iter().find_map(file));
    }
    let mut at = head.manifest;
    for (depth, name) in names.iter().enumerate() {
        match entry(shares, head, at, name)? {
            Some(Entry::Directory(directory)) => at = directory.node,
            Some(found) if depth + 1 == names.len() => return Ok(file(found)),
            _ => return Ok(None),
        }
    }
    Ok(None)
}

fn file(entry: Entry) -> Option<manifest::File> {
    match entry {
        Entry::File(file) => Some(file),
        Entry::Directory(_) | Entry::Symlink(_) => None,
    }
}

/// The entry of this name in a directory.
fn entry(
    shares: &Shares,
    head: &Head,
    mut directory: BlobHash,
    name: &str,
) -> io::Result<Option<Entry>> {
    for _ in 0..=manifest::PARTS_DEPTH_MAX {
        let Some(listed) = node(shares, head, &directory)? else {
            return Ok(None);
        };
        match listed.find(name) {
            Found::Entry(entry) => return Ok(Some(entry.clone())),
            Found::Part(part) => directory = part.node,
            Found::Nothing => return Ok(None),
        }
    }
    Ok(None)
}

fn node(shares: &Shares, head: &Head, hash: &BlobHash) -> io::Result<Option<Node>> {
    let bytes = store::run(shares.database(), |connection| {
        store::node(connection, &head.share, hash)
    })?;
    // What was built here, or verified when it came.
    Ok(bytes.and_then(|bytes| Node::decode(&bytes).ok()))
}
