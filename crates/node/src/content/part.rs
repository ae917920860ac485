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
use kith_core::data::line::{Descent, Placed};
use kith_core::data::manifest::Node;
use kith_core::data::path;

use crate::content::known::CopyRow;
use crate::content::selected::{self, Place};
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

    /// Looks which files of a share lie in these places as its manifest says, and writes them down as found by a scan of their own. Gives its number,
    /// and where they are on the line; `None` where none does.
    pub(super) fn examine_part(
        &self,
        head: &Head,
        places: &[Place],
    ) -> Result<Option<(u64, Ranges)>, ShareError> {
        let scan = store::run(self.database(), |connection| {
            selected::next_scan(connection, &head.share)
        })?;
        // One that is gone, or is not what it was, holds nothing.
        let places: Vec<Place> = (places.iter())
            .filter_map(|place| {
                let target = place.target.canonicalize().ok()?;
                let path = place.path.clone();
                Some(Place { path, target })
            })
            .collect();
        let (mut held, mut found) = (Ranges::default(), Vec::new());
        let mut descent = Descent::of_all(head.manifest);
        let node_of = |path: &str, node| {
            if head.layout == Layout::Folder && !may_hold(&places, path) {
                return Ok::<_, std::io::Error>(None);
            }
            let bytes = store::run(self.database(), |connection| {
                store::node(connection, &head.share, &node)
            })?;
            // What was verified when it came; of very large trees not all are kept.
            Ok(bytes.and_then(|bytes| Node::decode(&bytes).ok()))
        };
        while let Some(file) = descent.next_file(node_of)? {
            let Some(it) = self.find_as_it_was(&places, head.layout, &file)? else {
                continue;
            };
            found.push(it);
            // One without bytes is nowhere on the line: nothing of it is ever asked for.
            if file.size > 0 {
                held.insert(Span {
                    start: file.position,
                    end: file.position.saturating_add(file.size),
                });
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

    /// A file of a share, where one of these places has it as it came.
    fn find_as_it_was(
        &self,
        places: &[Place],
        layout: Layout,
        file: &Placed,
    ) -> Result<Option<Found>, ShareError> {
        let blob = Blob {
            hash: file.hash,
            size: file.size,
        };
        for at in lies_at(places, layout, &file.path) {
            if let Some(found) = self.as_it_was(at, blob)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
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

/// Whether a folder of a share lies in one of these places, or one of them is of something in it.
fn may_hold(places: &[Place], folder: &str) -> bool {
    let is_folder =
        |path: &Path| fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir());
    places.iter().any(|place| {
        let is_above = path::below(&place.path, folder).is_some();
        let lies = |rest| is_folder(&beneath(place.target.clone(), rest));
        is_above || path::below(folder, &place.path).is_some_and(lies)
    })
}

/// Where a file of a share may lie.
fn lies_at(places: &[Place], layout: Layout, file: &str) -> Vec<PathBuf> {
    let at = |place: &Place| match layout {
        // It is the target.
        Layout::File => Some(place.target.clone()),
        Layout::Folder => {
            let rest = path::below(file, &place.path)?;
            Some(beneath(place.target.clone(), rest))
        }
    };
    places.iter().filter_map(at).collect()
}
