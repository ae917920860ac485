//! Copies of some files of a share: what lies here of one is provided like a whole copy, and nothing else of it.
//!
//! The manifest of the share says which files there are and where each is on its line, so it is kept with the copy as it came. A file of it that
//! lies in the folder and has the hash that the manifest says counts, whichever selection brought it; its place on the line is written down, and
//! by that those who ask are told what is here (see [`kith_core::content::swarm::Part`]).

use std::fs;
use std::path::{Path, PathBuf};

use kith_core::content::swarm::ranges::Ranges;
use kith_core::content::swarm::{Part, Span};
use kith_core::data::head::{Head, Layout};
use kith_core::data::line::{Descent, Step};
use kith_core::data::manifest::Node;

use crate::content::known::CopyRow;
use crate::content::selected;
use crate::content::shares::{ShareError, Shares};
use crate::content::store;
use crate::data::barrier;
use crate::data::hash::{HashError, Stamp};
use crate::data::places::beneath;
use crate::data::range::Blob;
use crate::data::scan::Found;

/// How many files are written down at once: a transaction costs as much as a hundred rows.
const KEEP_ROWS: usize = 1_000;

impl Shares {
    /// What is here of a copy of some files.
    pub(super) fn part(&self, copy: &CopyRow, size: u64) -> std::io::Result<Part> {
        let held = store::run(self.database(), |connection| {
            selected::held(connection, &copy.share)
        })?;
        Ok(Part::of(size, &held))
    }

    /// Looks which files of a share lie in `target` as its manifest says, and writes them down as found by a scan of their own. Gives its number,
    /// and where they are on the line; `None` where none does.
    pub(super) fn examine_part(
        &self,
        head: &Head,
        target: &Path,
    ) -> Result<Option<(u64, Ranges)>, ShareError> {
        let scan = store::run(self.database(), |connection| {
            selected::next_scan(connection, &head.share)
        })?;
        let place = |path: &str| match head.layout {
            Layout::File => target.to_owned(),
            Layout::Folder => beneath(target.to_owned(), path),
        };
        let (mut held, mut found) = (Ranges::default(), Vec::new());
        let mut descent = Descent::new(head.manifest, 0..head.totals.bytes);
        while let Some(step) = descent.next_step() {
            match step {
                Step::Node {
                    path,
                    position,
                    node,
                } => {
                    if head.layout == Layout::Folder && !is_folder(&place(&path)) {
                        continue;
                    }
                    let bytes = store::run(self.database(), |connection| {
                        store::node(connection, &head.share, &node)
                    })?;
                    // What was verified when it came; of very large trees not all are kept.
                    if let Some(node) = bytes.and_then(|bytes| Node::decode(&bytes).ok()) {
                        descent.enter(&path, position, &node);
                    }
                }
                // Nothing of it is ever asked for.
                Step::File { size: 0, .. } => {}
                Step::File {
                    path,
                    position,
                    hash,
                    size,
                } => {
                    let blob = Blob { hash, size };
                    if let Some(file) = self.as_it_was(place(&path), blob)? {
                        found.push(file);
                        held.insert(Span {
                            start: position,
                            end: position.saturating_add(size),
                        });
                    }
                }
            }
            if found.len() >= KEEP_ROWS {
                self.keep_found(head, scan, &std::mem::take(&mut found))?;
            }
        }
        self.keep_found(head, scan, &found)?;
        barrier::tree(self.outboards().folder())?;
        Ok((!held.is_empty()).then_some((scan, held)))
    }

    fn keep_found(&self, head: &Head, scan: u64, found: &[Found]) -> std::io::Result<()> {
        store::run(self.database(), |connection| {
            store::keep(connection, &head.share, scan, found)
        })
    }

    /// The file at a path, if it holds this.
    fn as_it_was(&self, path: PathBuf, blob: Blob) -> Result<Option<Found>, ShareError> {
        let Ok(metadata) = fs::symlink_metadata(&path) else {
            return Ok(None);
        };
        if !metadata.is_file() || metadata.len() != blob.size {
            return Ok(None);
        }
        let stamp = Stamp::of(&metadata);
        let known = store::run(self.database(), |connection| {
            store::known(connection, &path, stamp)
        })?;
        let stamp = match known {
            Some(known) if self.outboards().has(&blob.hash, blob.size) && known == blob => stamp,
            _ => match self.outboards().hash(&path) {
                Ok(hashed) if hashed.hash == blob.hash => hashed.stamp,
                Ok(_) => return Ok(None),
                Err(HashError::Keep(error)) => return Err(error.into()),
                Err(HashError::Read(error)) => {
                    tracing::debug!(%error, "a file of a copy cannot be read");
                    return Ok(None);
                }
            },
        };
        Ok(Some(Found::File { blob, path, stamp }))
    }
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}
