//! Bringing what was got up to date: what is new is added, and what nobody has touched here since it was got is replaced.
//!
//! A file here that holds what it held in the version that was got last is its owner's, and another content of theirs may take its place. Anything
//! else was made here: it is neither replaced nor deleted, and named. What is gone at its owner stays as well.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kith_core::ids::BlobHash;

use crate::content::earlier::Earlier;
use crate::data::barrier;
use crate::data::disk;
use crate::data::hash::Stamp;
use crate::data::places::{Places, beneath};

/// The most files that are kept as they are and named: what somebody reads.
pub const KEPT_NAMED_MAX: usize = 100;

/// The most files that are replaced in one go, at some 150 bytes each: as much memory as the rest of a transfer takes. What is more is kept, and
/// replaced by the next.
const REPLACED_MAX: usize = 256 * 1024;

/// What came of bringing something up to date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Updated {
    /// Files that were not here.
    pub added: u64,
    /// Files that were replaced.
    pub replaced: u64,
    /// Files, folders and links that are something else at their owner and stay as they are here, by their paths below the target; the first
    /// [`KEPT_NAMED_MAX`],
    pub kept: Vec<String>,
    /// of so many.
    pub kept_count: u64,
}

/// How what is there already is brought up to date.
#[derive(Clone)]
pub struct Update {
    earlier: Arc<Earlier>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    updated: Updated,
    /// What is to be replaced, as it was when it was looked at.
    outdated: Vec<(String, Stamp)>,
}

/// What is to become of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// It is not here.
    Missing,
    /// It is here just so.
    Same,
    /// It is here as it was when it was got, and is fetched.
    Outdated,
    /// Something else is here.
    Kept,
}

impl fmt::Debug for Update {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Update").finish_non_exhaustive()
    }
}

impl Update {
    /// By what the share was.
    pub fn new(earlier: Earlier) -> Self {
        Self {
            earlier: Arc::new(earlier),
            state: Arc::default(),
        }
    }

    /// What came of it so far.
    pub(super) fn updated(&self) -> Updated {
        self.lock().updated.clone()
    }

    /// Looks what lies at `path` beneath `folder`, where a file of the share with this content is to be, whose path in the share is that below
    /// `prefix`. Blocks.
    pub(super) fn judge(
        &self,
        folder: &Path,
        (prefix, path): (&str, &str),
        content: &BlobHash,
    ) -> io::Result<Judged> {
        let judged = self.look(folder, (prefix, path), content)?;
        match judged {
            Judged::Missing => self.lock().updated.added += 1,
            Judged::Kept => self.keep(path),
            Judged::Same | Judged::Outdated => {}
        }
        Ok(judged)
    }

    fn look(
        &self,
        folder: &Path,
        (prefix, path): (&str, &str),
        content: &BlobHash,
    ) -> io::Result<Judged> {
        for (end, _) in path.match_indices('/') {
            match fs::symlink_metadata(beneath(folder.to_owned(), &path[..end])) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(Judged::Missing);
                }
                Err(error) => return Err(error),
                // What is moved into another file system is no file of this one.
                Ok(found) if found.is_dir() && disk::is_one_device(folder, &found)? => {}
                Ok(_) => return Ok(Judged::Kept),
            }
        }
        let at = beneath(folder.to_owned(), path);
        let metadata = match fs::symlink_metadata(&at) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Judged::Missing),
            other => other?,
        };
        if !metadata.is_file() {
            return Ok(Judged::Kept);
        }
        let stamp = Stamp::of(&metadata);
        let here = self.earlier.content(&at, stamp)?;
        if here == *content {
            return Ok(Judged::Same);
        }
        let in_share = match prefix {
            "" => path.to_owned(),
            _ => format!("{prefix}/{path}"),
        };
        if !self.earlier.had(&in_share, &here)? {
            return Ok(Judged::Kept);
        }
        let mut state = self.lock();
        if state.outdated.len() >= REPLACED_MAX {
            return Ok(Judged::Kept);
        }
        state.outdated.push((path.to_owned(), stamp));
        Ok(Judged::Outdated)
    }

    /// Whether a directory may be made at `path` beneath `folder`, or is there; what else is there is kept. Blocks.
    pub(super) fn may_have_directory(&self, folder: &Path, path: &str) -> io::Result<bool> {
        let above = path.match_indices('/').map(|(end, _)| &path[..end]);
        for at in above.chain([path]) {
            match fs::symlink_metadata(beneath(folder.to_owned(), at)) {
                Ok(found) if found.is_dir() => {}
                Ok(_) => {
                    // What it would lie in was named before.
                    if at == path {
                        self.keep(path);
                    }
                    return Ok(false);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Puts the files that came, and are durable, in the places of those that they replace; what was touched since it was looked at is kept. Each
    /// has the one content or the other at any instant. Blocks.
    pub(super) fn replace(&self, places: &Places, folder: &Path) -> io::Result<()> {
        let outdated = std::mem::take(&mut self.lock().outdated);
        let mut folders = BTreeSet::new();
        for (path, stamp) in outdated {
            let (new, at) = (places.growing(&path), beneath(folder.to_owned(), &path));
            let is_as_it_was = fs::symlink_metadata(&at)
                .is_ok_and(|found| found.is_file() && Stamp::of(&found) == stamp);
            if !is_as_it_was {
                fs::remove_file(new)?;
                self.keep(&path);
                continue;
            }
            fs::rename(new, &at)?;
            self.lock().updated.replaced += 1;
            folders.insert(disk::parent(&at).to_owned());
        }
        barrier::folders(folder, &folders)
    }

    fn keep(&self, path: &str) {
        let mut state = self.lock();
        state.updated.kept_count += 1;
        if state.updated.kept.len() < KEPT_NAMED_MAX {
            state.updated.kept.push(path.to_owned());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an earlier run fetched of a file that is not wanted any more goes.
pub(super) fn forget_staged(places: &Places, path: &str) -> io::Result<()> {
    let remove = |path: PathBuf| match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    remove(places.growing(path))?;
    remove(places.outboard(path))
}
