//! What is asked for, read from the disk and encoded.
//!
//! A file is looked at before and after a part of it was read, and only then the part is sent: whoever edits a file while it is served makes
//! the provider say that it has changed, and never send bytes that do not verify.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use kith_core::content::swarm::span::{Span, groups_within};
use kith_core::content::swarm::wire::{SPAN_BYTES_MAX, What};
use kith_core::content::wire::GROUP_BYTES;
use kith_core::data::line::{Descent, Placed};
use kith_core::data::manifest::Node;
use kith_core::ids::{BlobHash, ShareId};

use crate::content::shares::Shares;
use crate::content::store;
use crate::content::underway::Underway;
use crate::data::encoding::Encoding;
use crate::data::hash::{self, Stamp};
use crate::data::pieces::{AtOnce, Source, Waitless};
use crate::data::range::Blob;
use crate::data::spine::Spine;

/// Bytes of nodes, as they are on the wire, that are kept decoded for each snapshot: what lies above any place of a tree of a million
/// files, or all of a smaller one.
const NODES_BYTES_MAX: usize = 4 << 20;

/// Files of a snapshot that are kept open: those that a handful of askers are at.
const OPEN_FILES_MAX: usize = 16;

/// Files from this size on are kept open; smaller ones come in one part or a few.
const OPEN_FILE_BYTES_MIN: u64 = 1 << 20;

/// Why something was not read.
#[derive(Debug)]
pub(in crate::content) enum ReadError {
    /// It is not here.
    Missing,
    /// Its file is not what it was.
    Changed,
    /// The copy that it was of does not lie here any more.
    Vanished,
    /// The database's fault.
    Database(io::Error),
}

/// Reads from one snapshot.
#[derive(Debug)]
pub(in crate::content) struct Reading {
    shares: Arc<Shares>,
    share: ShareId,
    root: BlobHash,
    nodes: Mutex<Nodes>,
    open: Mutex<VecDeque<Arc<Open>>>,
}

/// Decoded nodes, the one used last behind the others.
#[derive(Debug, Default)]
struct Nodes {
    list: VecDeque<(BlobHash, usize, Arc<Node>)>,
    bytes: usize,
}

/// A file that is kept open.
#[derive(Debug)]
struct Open {
    hash: BlobHash,
    stamp: Stamp,
    file: File,
    outboard: Option<File>,
    spine: Spine,
    /// How the file and its outboard are read by whoever must not wait.
    at_once: [AtOnce; 2],
}

/// The groups of one file that answer something.
struct Part {
    path: String,
    blob: Blob,
    groups: Range<u64>,
}

impl Reading {
    pub(in crate::content) fn new(shares: Arc<Shares>, share: ShareId, root: BlobHash) -> Self {
        Self {
            shares,
            share,
            root,
            nodes: Mutex::default(),
            open: Mutex::default(),
        }
    }

    /// Encodes what is asked for, from the place `from` on, behind what `encoded` has; gives the place that it reaches: the end, or as much
    /// as may be sent at once. Blocks.
    ///
    /// # Errors
    /// [`ReadError`]; what `encoded` has gained is of no use then.
    pub(in crate::content) fn read(
        &self,
        what: What,
        from: u64,
        encoded: &mut Encoding,
    ) -> Result<u64, ReadError> {
        let span = match what {
            What::Node(hash) => return self.read_node(hash, encoded),
            What::Span(span) => piece(span, from),
        };
        let mut parts = self.parts(span, |hash| self.node(hash))?;
        if self.read_underway(&mut parts, encoded) {
            return Ok(span.end);
        }
        let hashes = parts.iter().map(|part| part.blob.hash);
        let files = self.files(hashes.filter(|hash| self.kept(hash).is_none()))?;
        for part in &parts {
            let files = files.get(&part.blob.hash).map_or(&[][..], Vec::as_slice);
            self.read_part(part, files, encoded)?;
        }
        Ok(span.end)
    }

    /// As [`Self::read`], of large files whose bytes lie in memory: `None` where anything has to be waited for, and nothing is added then.
    pub(in crate::content) fn read_at_once(
        &self,
        what: What,
        from: u64,
        encoded: &mut Encoding,
    ) -> Option<u64> {
        let What::Span(span) = what else {
            return None;
        };
        let underways = self.shares.underways();
        if !underways.of(&(self.share, self.root)).is_empty() {
            return None;
        }
        let (span, before) = (piece(span, from), encoded.len());
        let parts = self.parts(span, |hash| self.known(&hash).ok_or(()));
        for part in parts.ok()? {
            let open = self.kept(&part.blob.hash)?;
            if !matches!(open.read_at_once(&part, encoded), Ok(true)) {
                encoded.truncate(before);
                return None;
            }
            self.keep(open);
        }
        Some(span.end)
    }

    /// Encodes the first parts as far as they are of what is being fetched, and leaves the others; says whether those were all.
    fn read_underway(&self, parts: &mut Vec<Part>, encoded: &mut Encoding) -> bool {
        let underways = self.shares.underways().of(&(self.share, self.root));
        if underways.is_empty() {
            return false;
        }
        let outboards = self.shares.outboards();
        let mut reads = |underway: &Underway, part: &Part| {
            let before = encoded.len();
            let file = (part.path.as_str(), part.blob);
            let read = underway.read(file, &part.groups, outboards, encoded);
            if !matches!(read, Ok(true)) {
                encoded.truncate(before);
            }
            read.unwrap_or_else(|error| {
                tracing::debug!(%error, "what is being fetched cannot be read");
                false
            })
        };
        let unread = (parts.iter()).position(|part| !underways.iter().any(|it| reads(it, part)));
        parts.drain(..unread.unwrap_or(parts.len()));
        parts.is_empty()
    }

    fn read_node(&self, hash: BlobHash, encoded: &mut Encoding) -> Result<u64, ReadError> {
        let bytes = self.node_bytes(&hash)?;
        let size = bytes.len() as u64;
        let (hash, outboard) = hash::hash_bytes(&bytes);
        Blob { hash, size }
            .encode(bytes.as_slice(), outboard.as_slice(), &(0..size), encoded)
            .map_err(ReadError::Database)?;
        Ok(size)
    }

    fn node_bytes(&self, hash: &BlobHash) -> Result<Vec<u8>, ReadError> {
        for underway in self.shares.underways().of(&(self.share, self.root)) {
            if let Some(bytes) = underway.node(hash).map_err(ReadError::Database)? {
                return Ok(bytes);
            }
        }
        let read = store::run(self.shares.database(), |connection| {
            store::node(connection, &self.share, hash)
        });
        read.map_err(ReadError::Database)?.ok_or(ReadError::Missing)
    }

    /// What lies on a span, in order.
    fn parts<E>(
        &self,
        span: Span,
        node_of: impl Fn(BlobHash) -> Result<Arc<Node>, E>,
    ) -> Result<Vec<Part>, E> {
        let mut descent = Descent::new(self.root, span.start..span.end);
        let mut parts = Vec::new();
        while let Some(file) = descent.next_file(|_, node| node_of(node).map(Some))? {
            let Placed {
                path,
                position,
                hash,
                size,
            } = file;
            let groups = groups_within(position, size, span);
            if !groups.is_empty() {
                let blob = Blob { hash, size };
                parts.push(Part { path, blob, groups });
            }
        }
        Ok(parts)
    }

    /// A node that is kept decoded.
    fn known(&self, hash: &BlobHash) -> Option<Arc<Node>> {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let place = nodes.list.iter().rposition(|(known, ..)| known == hash)?;
        let known = nodes.list.remove(place)?;
        let node = Arc::clone(&known.2);
        nodes.list.push_back(known);
        Some(node)
    }

    fn node(&self, hash: BlobHash) -> Result<Arc<Node>, ReadError> {
        if let Some(node) = self.known(&hash) {
            return Ok(node);
        }
        let bytes = self.node_bytes(&hash)?;
        // What was built here, or verified when it came.
        let node = Arc::new(Node::decode(&bytes).map_err(|_| ReadError::Missing)?);
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.bytes += bytes.len();
        nodes.list.push_back((hash, bytes.len(), Arc::clone(&node)));
        while nodes.bytes > NODES_BYTES_MAX
            && let Some((_, bytes, _)) = nodes.list.pop_front()
        {
            nodes.bytes -= bytes;
        }
        Ok(node)
    }

    /// Where files lie, looked up in one go: a chunk may be a hundred small ones.
    fn files(
        &self,
        hashes: impl Iterator<Item = BlobHash>,
    ) -> Result<BTreeMap<BlobHash, Vec<(PathBuf, Stamp)>>, ReadError> {
        let hashes: BTreeSet<BlobHash> = hashes.collect();
        if hashes.is_empty() {
            return Ok(BTreeMap::new());
        }
        let files = store::run(self.shares.database(), |connection| {
            let files = hashes.iter().map(|hash| {
                let files = store::files(connection, &self.share, hash)?;
                Ok((*hash, files))
            });
            files.collect()
        });
        files.map_err(ReadError::Database)
    }

    fn read_part(
        &self,
        part: &Part,
        files: &[(PathBuf, Stamp)],
        encoded: &mut Encoding,
    ) -> Result<(), ReadError> {
        let before = encoded.len();
        if let Some(open) = self.kept(&part.blob.hash) {
            match open.read(part, encoded) {
                Ok(true) => {
                    self.keep(open);
                    return Ok(());
                }
                Ok(false) => {}
                Err(error) => tracing::debug!(%error, "a shared file cannot be read any more"),
            }
            encoded.truncate(before);
        }
        // One that was kept open, and is not what it was or was closed just now, is looked up by itself.
        let looked_up;
        let files = match files {
            [] => {
                looked_up = self.files(std::iter::once(part.blob.hash))?;
                looked_up
                    .get(&part.blob.hash)
                    .map_or(&[][..], Vec::as_slice)
            }
            files => files,
        };
        if files.is_empty() {
            return Err(ReadError::Missing);
        }
        for (path, stamp) in files {
            let open = self.open(path, *stamp, part.blob);
            match open.and_then(|open| Ok((open.read(part, encoded)?, open))) {
                Ok((true, open)) => {
                    if part.blob.size >= OPEN_FILE_BYTES_MIN {
                        self.keep(Arc::new(open));
                    }
                    return Ok(());
                }
                Ok((false, _)) => {}
                Err(error) => tracing::debug!(%error, "a shared file cannot be read"),
            }
            encoded.truncate(before);
        }
        if self
            .shares
            .lacks_copy(&self.share)
            .map_err(ReadError::Database)?
        {
            return Err(ReadError::Vanished);
        }
        self.shares.looks().see(&self.share, Instant::now());
        Err(ReadError::Changed)
    }

    fn open(&self, path: &Path, stamp: Stamp, blob: Blob) -> io::Result<Open> {
        let file = hash::open_in_place(path)?;
        let outboard = match blob.size > GROUP_BYTES {
            true => Some(self.shares.outboards().load(&blob.hash, blob.size)?),
            false => None,
        };
        let at_once = match &outboard {
            Some(outboard) if blob.size >= OPEN_FILE_BYTES_MIN => [&file, outboard].map(AtOnce::of),
            _ => [AtOnce::Never; 2],
        };
        Ok(Open {
            hash: blob.hash,
            stamp,
            file,
            outboard,
            spine: Spine::default(),
            at_once,
        })
    }

    fn kept(&self, hash: &BlobHash) -> Option<Arc<Open>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.iter().find(|open| open.hash == *hash).cloned()
    }

    fn keep(&self, file: Arc<Open>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|known| known.hash != file.hash);
        if open.len() >= OPEN_FILES_MAX {
            open.pop_front();
        }
        open.push_back(file);
    }
}

impl Open {
    /// Encodes a part; false when the file has not, or not any more, the stamp that it had when it was hashed.
    fn read(&self, part: &Part, encoded: &mut Encoding) -> io::Result<bool> {
        match &self.outboard {
            Some(outboard) => self.read_by(part, &self.file, outboard, encoded),
            None => self.read_by(part, &self.file, [].as_slice(), encoded),
        }
    }

    /// The same without waiting for the disk.
    fn read_at_once(&self, part: &Part, encoded: &mut Encoding) -> io::Result<bool> {
        match (&self.outboard, self.at_once) {
            // What is not read at once may be on a network, and looking at it take as long.
            (_, [AtOnce::Never, _] | [_, AtOnce::Never]) | (None, _) => Ok(false),
            (Some(outboard), [data, inner]) => {
                let (data, inner) = (Waitless(&self.file, data), Waitless(outboard, inner));
                self.read_by(part, data, inner, encoded)
            }
        }
    }

    fn read_by(
        &self,
        part: &Part,
        data: impl Source,
        outboard: impl Source,
        encoded: &mut Encoding,
    ) -> io::Result<bool> {
        if !self.is_unchanged()? {
            return Ok(false);
        }
        let outboard = self.spine.over(outboard);
        part.blob.encode(data, outboard, &part.groups, encoded)?;
        self.is_unchanged()
    }

    fn is_unchanged(&self) -> io::Result<bool> {
        Ok(Stamp::of(&self.file.metadata()?) == self.stamp)
    }
}

/// What is sent at once of a span, from a place on.
fn piece(span: Span, from: u64) -> Span {
    Span {
        start: from,
        end: span.end.min(from.saturating_add(SPAN_BYTES_MAX)),
    }
}
