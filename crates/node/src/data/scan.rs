//! A folder becomes a tree of manifest nodes, its files hashed where they lie.
//!
//! Folders and files are taken in parallel; what is found is handed on at once, so that the nodes of a large tree are not held in
//! memory. What cannot be in a tree (a name that other systems could not write, a link that leads out, a device, a file that cannot be
//! read), and the data directory of a node, is left out and told.

use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use kith_core::data::builder::{Built, DirectoryBuilder, NodeBlob};
use kith_core::data::manifest::{self, Entry, ManifestError, TREE_ENTRIES_MAX};
use kith_core::data::path::{self, DEPTH_MAX, Names};
use kith_core::ids::BlobHash;
use rayon::prelude::*;
use thiserror::Error;

use crate::data::disk::is_executable;
use crate::data::hash::{HashError, Stamp};
use crate::data::lineage::Lineage;
use crate::data::outboard::Outboards;
use crate::data::places;
use crate::data::pulse;
use crate::data::range::Blob;
use crate::home::Home;

pub use self::roots::{Root, absent};

/// How many of the things left out are told by name; more are only counted. A person reads no longer list.
pub const LEFT_OUT_MAX: usize = 100;

/// Something of the tree that is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A node.
    Node(NodeBlob),
    /// A file that lies here.
    File {
        /// Its content.
        blob: Blob,
        /// Where it lies.
        path: PathBuf,
        /// The stamp it had when it was hashed.
        stamp: Stamp,
    },
}

/// Something that is not in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Where it lies.
    pub path: PathBuf,
    /// Why.
    pub why: String,
}

/// A scanned tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// Its root.
    pub root: Built,
    /// What is not in it, at most [`LEFT_OUT_MAX`].
    pub left_out: Vec<LeftOut>,
    /// How many things are not in it.
    pub left_out_count: u64,
}

/// Why a folder could not become a tree.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ScanError {
    /// What was to be shared cannot be read.
    #[error("cannot read {path}: {error}")]
    Read {
        /// What.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// What was to be shared cannot be in a tree.
    #[error("cannot share {}: {}", .0.path.display(), .0.why)]
    Unfit(LeftOut),
    /// Its size exceeds the bounds of a manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// What was found could not be kept.
    #[error("cannot keep what was hashed: {0}")]
    Keep(#[source] io::Error),
}

/// The hash a file had when it was seen last, if it had this stamp.
pub type Known<'a> = &'a (dyn Fn(&Path, Stamp) -> Option<BlobHash> + Sync);

/// Which file is shared in place of one that lies somewhere and holds something: itself, another, or none, and then it is left out.
pub type InPlace<'a> = &'a (dyn Fn(&Path, &Blob) -> Result<Option<PathBuf>, ScanError> + Sync);

/// Where what is found goes; called from many threads.
pub type Keep<'a> = &'a (dyn Fn(Found) -> io::Result<()> + Sync);

/// Why a file has nothing in its place.
const NOT_BARE: &str =
    "it is no whole picture or film of a known kind, so what it says besides cannot be left out";

/// Why a folder is not in a share that lies in itself.
const WITHIN_ITSELF: &str = "it is one of the folders that it lies in, mounted there once more";

/// Why a data directory is not in a share.
const DATA_DIRECTORY: &str = "it is a data directory of kith, with its secret keys";

/// Scans `roots`: one folder becomes the root itself; otherwise each is an entry of the root. Where `in_place` is given, the content of files is
/// what it says.
///
/// # Errors
/// [`ScanError`], also where one of `roots` was taken away meanwhile. What lies deeper is left out instead.
pub fn scan(
    roots: &[Root],
    outboards: &Outboards,
    known: Known<'_>,
    keep: Keep<'_>,
    in_place: Option<InPlace<'_>>,
) -> Result<Scanned, ScanError> {
    let scan = Scan {
        outboards,
        known,
        keep,
        in_place,
        entries: AtomicU64::new(0),
        left_out: Mutex::default(),
    };
    let root = pulse::with_own_threads(|| match roots {
        [folder] if folder.path.is_dir() => scan.folder(&folder.path, 0, &Lineage::default()),
        several => scan.list(several),
    })?;
    // What was taken away meanwhile looked as if it were empty.
    if let Some((path, error)) = absent(roots) {
        return Err(read_error(path, error));
    }
    let left_out = scan
        .left_out
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    Ok(Scanned {
        root,
        left_out: left_out.list,
        left_out_count: left_out.count,
    })
}

struct Scan<'a> {
    outboards: &'a Outboards,
    known: Known<'a>,
    keep: Keep<'a>,
    in_place: Option<InPlace<'a>>,
    entries: AtomicU64,
    left_out: Mutex<LeftOutList>,
}

#[derive(Default)]
struct LeftOutList {
    list: Vec<LeftOut>,
    count: u64,
}

/// Something in a folder, before it was looked into.
struct Candidate {
    name: String,
    path: PathBuf,
    kind: FileType,
}

impl Scan<'_> {
    /// The entries of a folder, sorted, without those whose names may not be.
    fn folder(&self, folder: &Path, depth: usize, above: &Lineage) -> Result<Built, ScanError> {
        let unreadable = |error| read_error(folder, error);
        if Home::is_one(folder) {
            return Err(unfit(folder, DATA_DIRECTORY));
        }
        let metadata = fs::metadata(folder).map_err(unreadable)?;
        let lineage = above.enter(&metadata);
        let lineage = lineage.ok_or_else(|| unfit(folder, WITHIN_ITSELF))?;
        let mut candidates = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let path = entry.path();
            match (entry.file_name().into_string(), entry.file_type()) {
                (Ok(name), _) if places::is_of_download(&name) => {}
                (Ok(name), Ok(kind)) => candidates.push(Candidate { name, path, kind }),
                (Err(_), _) => self.leave_out(path, "its name is not Unicode"),
                (_, Err(error)) => self.leave_out(path, error),
            }
        }
        candidates.sort_unstable_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
        let mut names = Names::default();
        candidates.retain(|candidate| {
            let checked =
                path::check_name(&candidate.name).and_then(|()| names.insert(&candidate.name));
            match checked {
                Ok(()) => true,
                Err(error) => {
                    self.leave_out(candidate.path.clone(), error);
                    false
                }
            }
        });
        let entries: Vec<Option<Entry>> = candidates
            .into_par_iter()
            .map(|candidate| match self.entry(candidate, depth, &lineage) {
                Ok(entry) => Ok(Some(entry)),
                Err(ScanError::Unfit(left_out)) => {
                    self.leave_out(left_out.path, left_out.why);
                    Ok(None)
                }
                Err(ScanError::Read { path, error }) => {
                    self.leave_out(path, error);
                    Ok(None)
                }
                Err(fatal) => Err(fatal),
            })
            .collect::<Result<_, _>>()?;
        self.build(entries.into_iter().flatten())
    }

    /// Several paths under one root, each by its own name.
    fn list(&self, roots: &[Root]) -> Result<Built, ScanError> {
        let mut candidates = Vec::new();
        for Root { path, .. } in roots {
            let read = |error| ScanError::Read {
                path: path.clone(),
                error,
            };
            let path = fs::canonicalize(path).map_err(read)?;
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name
                .ok_or_else(|| unfit(&path, "its name is not Unicode"))?
                .to_owned();
            path::check_name(&name).map_err(|error| unfit(&path, error))?;
            let kind = fs::symlink_metadata(&path).map_err(read)?.file_type();
            candidates.push(Candidate { name, path, kind });
        }
        candidates.sort_unstable_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
        let mut names = Names::default();
        for candidate in &candidates {
            let inserted = names.insert(&candidate.name);
            inserted.map_err(|error| unfit(&candidate.path, error))?;
        }
        let entries: Vec<Entry> = candidates
            .into_par_iter()
            .map(|candidate| self.entry(candidate, 0, &Lineage::default()))
            .collect::<Result<_, _>>()?;
        self.build(entries.into_iter())
    }

    fn build(&self, entries: impl Iterator<Item = Entry>) -> Result<Built, ScanError> {
        let mut builder = DirectoryBuilder::default();
        for entry in entries {
            self.keep_nodes(builder.push(entry)?)?;
        }
        let (nodes, built) = builder.finish()?;
        self.keep_nodes(nodes)?;
        Ok(built)
    }

    fn keep_nodes(&self, nodes: Vec<NodeBlob>) -> Result<(), ScanError> {
        nodes
            .into_iter()
            .try_for_each(|node| (self.keep)(Found::Node(node)))
            .map_err(ScanError::Keep)
    }

    /// One entry, with all beneath it.
    fn entry(
        &self,
        candidate: Candidate,
        depth: usize,
        above: &Lineage,
    ) -> Result<Entry, ScanError> {
        if self.entries.fetch_add(1, Ordering::Relaxed) >= TREE_ENTRIES_MAX {
            return Err(ManifestError::TooMany.into());
        }
        pulse::beat();
        let Candidate { name, path, kind } = candidate;
        if kind.is_dir() {
            if depth + 1 > DEPTH_MAX {
                return Err(unfit(&path, path::PathError::TooDeep));
            }
            let built = self.folder(&path, depth + 1, above)?;
            let (node, totals) = (built.node, built.totals);
            return Ok(Entry::Directory(manifest::Directory { name, node, totals }));
        }
        if kind.is_symlink() {
            let target = fs::read_link(&path).map_err(|error| read_error(&path, error))?;
            let target = target
                .to_str()
                .ok_or_else(|| unfit(&path, "its target is not Unicode"))?;
            path::check_symlink(depth, target).map_err(|error| unfit(&path, error))?;
            let target = target.to_owned();
            return Ok(Entry::Symlink(manifest::Symlink { name, target }));
        }
        if kind.is_file() {
            return self.file(name, path);
        }
        Err(unfit(&path, "it is neither a file nor a folder"))
    }

    /// A file, or what is shared in its place.
    fn file(&self, name: String, path: PathBuf) -> Result<Entry, ScanError> {
        let metadata = fs::symlink_metadata(&path).map_err(|error| read_error(&path, error))?;
        let (lying, stamp) = self.lying(&path, Stamp::of(&metadata))?;
        let blob = match self.in_place {
            Some(in_place) => self.in_place_of(&path, lying, in_place)?,
            None => lying,
        };
        Ok(Entry::File(manifest::File {
            name,
            size: blob.size,
            hash: blob.hash,
            executable: is_executable(&metadata),
            mtime_ms: stamp.mtime_ms(),
        }))
    }

    fn in_place_of(
        &self,
        path: &Path,
        lying: Blob,
        in_place: InPlace<'_>,
    ) -> Result<Blob, ScanError> {
        let place = in_place(path, &lying)?.ok_or_else(|| unfit(path, NOT_BARE))?;
        if place == path {
            return Ok(lying);
        }
        let metadata = fs::symlink_metadata(&place).map_err(|error| read_error(&place, error))?;
        Ok(self.lying(&place, Stamp::of(&metadata))?.0)
    }

    /// What lies at a path, hashed unless it is known by its stamp.
    fn lying(&self, path: &Path, stamp: Stamp) -> Result<(Blob, Stamp), ScanError> {
        let known = (self.known)(path, stamp).filter(|hash| self.outboards.has(hash, stamp.size));
        let (hash, stamp) = match known {
            Some(hash) => (hash, stamp),
            None => {
                let hashed = self.outboards.hash(path).map_err(|error| match error {
                    HashError::Read(error) => read_error(path, error),
                    HashError::Keep(error) => ScanError::Keep(error),
                })?;
                (hashed.hash, hashed.stamp)
            }
        };
        let blob = Blob {
            hash,
            size: stamp.size,
        };
        let path = path.to_owned();
        (self.keep)(Found::File { blob, path, stamp }).map_err(ScanError::Keep)?;
        Ok((blob, stamp))
    }

    fn leave_out(&self, path: PathBuf, why: impl ToString) {
        let mut left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        left_out.count += 1;
        if left_out.list.len() < LEFT_OUT_MAX {
            let why = why.to_string();
            left_out.list.push(LeftOut { path, why });
        }
    }
}

fn unfit(path: &Path, why: impl ToString) -> ScanError {
    ScanError::Unfit(LeftOut {
        path: path.to_owned(),
        why: why.to_string(),
    })
}

fn read_error(path: &Path, error: io::Error) -> ScanError {
    ScanError::Read {
        path: path.to_owned(),
        error,
    }
}

mod roots;
#[cfg(test)]
mod tests;
