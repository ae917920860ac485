//! Bringing what was got up to date: what is new is added, and what nobody has touched here since it was got is replaced.
//!
//! A file here that holds what came to its place last is its owner's, and another content of theirs may take its place. Anything
//! else was made here, or nothing is known of it: it is neither replaced nor deleted, and named. What is gone at its owner stays as well. A file that came and
//! is not here any more was deleted here, and comes again when its owner gives it another content; one that was kept and is not here any more comes again. Whether
//! somebody may run a file goes with it, and so does its time, unless that was changed here; the rest of its mode is that of this place. Links are as files
//! are (`links.rs`).

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kith_core::data::manifest::{self, Entry};

use crate::content::earlier::Earlier;
use crate::content::kept::Kept;
use crate::content::updated::{KeptWhy, Updated};
use crate::data::barrier;
use crate::data::disk;
use crate::data::hash::{self, Stamp};
use crate::data::places::{Places, beneath};
use crate::data::range::Blob;

mod links;

/// The most files that are replaced in one go, at some 150 bytes each: as much memory as the rest of a transfer takes. What is more is kept, and
/// replaced by the next.
const REPLACED_MAX: usize = 256 * 1024;

/// How what is there already is brought up to date.
#[derive(Clone)]
pub struct Update {
    earlier: Arc<Earlier>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    updated: Updated,
    /// All that did not come.
    kept: Kept,
    /// What is to be replaced, as it was when it was looked at.
    outdated: Vec<Outdated>,
}

/// A file that is to be replaced.
struct Outdated {
    path: String,
    /// As it was when it was looked at.
    stamp: Stamp,
    /// Whether another content comes, or only these change:
    is_fetched: bool,
    /// whether it may be run then,
    executable: bool,
    /// and its time, where that is another, in milliseconds since 1970.
    mtime_ms: Option<i64>,
}

/// What is to become of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// It is not here.
    Missing,
    /// It was here, just so, and was deleted.
    Deleted,
    /// It is here just so.
    Same,
    /// It is here as it was when it was got, and is fetched.
    Outdated,
    /// It does not come.
    Kept(KeptWhy),
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

    /// Whether something was left as it is here.
    pub(super) fn has_left(&self) -> bool {
        let updated = &self.lock().updated;
        updated.kept_count() > 0 || updated.deleted > 0
    }

    /// All that did not come.
    pub(super) fn kept(&self) -> Kept {
        self.lock().kept.clone()
    }

    /// What came of it so far.
    pub(super) fn updated(&self) -> Updated {
        self.lock().updated.clone()
    }

    /// Looks what lies at `path` beneath `folder`, where this file of the share is to be, whose path in the share is that below
    /// `prefix`. Blocks.
    pub(super) fn judge(
        &self,
        folder: &Path,
        (prefix, path): (&str, &str),
        file: &manifest::File,
    ) -> io::Result<Judged> {
        let judged = match self.look(folder, (prefix, path), file) {
            Err(error) if is_closed(&error) => Judged::Kept(KeptWhy::Closed),
            looked => looked?,
        };
        match judged {
            Judged::Missing => self.lock().updated.added += 1,
            Judged::Deleted => self.lock().updated.deleted += 1,
            Judged::Kept(why) => self.keep(path, why),
            Judged::Same | Judged::Outdated => {}
        }
        Ok(judged)
    }

    fn look(
        &self,
        folder: &Path,
        (prefix, path): (&str, &str),
        file: &manifest::File,
    ) -> io::Result<Judged> {
        let at = beneath(folder.to_owned(), path);
        let found = match way(folder, path)? {
            Way::Free => fs::symlink_metadata(&at),
            Way::Missing => Err(io::ErrorKind::NotFound.into()),
            Way::Blocked => return Ok(Judged::Kept(KeptWhy::Occupied)),
        };
        let in_share = in_share(prefix, path);
        let paths = (path, in_share.as_str());
        let metadata = match found {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(match self.earlier.brought(folder, paths)? {
                    Some(Entry::File(brought)) if brought.hash == file.hash => Judged::Deleted,
                    _ => Judged::Missing,
                });
            }
            other => other?,
        };
        if !metadata.is_file() {
            return Ok(Judged::Kept(KeptWhy::Occupied));
        }
        let (stamp, known) = (Stamp::of(&metadata), self.earlier.known(folder, paths)?);
        let here = self.earlier.content(&at, stamp)?;
        // What was changed here stays.
        let is_executable = disk::is_executable(&metadata);
        let executable = match known.is_mode_ours(&here, is_executable) {
            true => file.executable,
            false => is_executable,
        };
        let is_fetched = here != file.hash;
        let is_time_ours = known.is_time_ours(&here, stamp.mtime_ms());
        let mtime_ms = (is_time_ours && file.mtime_ms != stamp.mtime_ms()).then_some(file.mtime_ms);
        if !is_fetched && executable == is_executable && mtime_ms.is_none() {
            return Ok(Judged::Same);
        }
        if !known.is_ours(&here) {
            let has_come = known.is_of_a_file()
                || known.was_changed()
                || self.earlier.has_come(folder, paths)?;
            return Ok(Judged::Kept(match has_come {
                true => KeptWhy::Changed,
                false => KeptWhy::Unknown,
            }));
        }
        let mut state = self.lock();
        if state.outdated.len() >= REPLACED_MAX {
            return Ok(Judged::Kept(KeptWhy::Later));
        }
        state.outdated.push(Outdated {
            path: path.to_owned(),
            stamp,
            is_fetched,
            executable,
            mtime_ms,
        });
        Ok(match is_fetched {
            true => Judged::Outdated,
            false => Judged::Same,
        })
    }

    /// Whether a directory may be made at `path` beneath `folder`, or is there; what else is there is kept, and one that was deleted is
    /// made with what is new in it. Blocks.
    pub(super) fn may_have_directory(
        &self,
        folder: &Path,
        (prefix, path): (&str, &str),
    ) -> io::Result<bool> {
        let above = path.match_indices('/').map(|(end, _)| &path[..end]);
        for at in above.chain([path]) {
            match fs::symlink_metadata(beneath(folder.to_owned(), at)) {
                Ok(found) if found.is_dir() => {}
                Ok(_) => {
                    // What it would lie in was named before.
                    if at == path {
                        self.keep(path, KeptWhy::Occupied);
                    }
                    return Ok(false);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let brought =
                        (self.earlier).brought(folder, (path, &in_share(prefix, path)))?;
                    return Ok(!matches!(brought, Some(Entry::Directory(_))));
                }
                Err(error) if is_closed(&error) => {
                    self.keep(path, KeptWhy::Closed);
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Puts the files that came, and are durable, in the places of those that they replace; what was touched since it was looked at is kept. Each
    /// has the one content or the other at any instant. Blocks.
    pub(super) fn replace(&self, places: &Places, folder: &Path) -> io::Result<()> {
        let outdated = std::mem::take(&mut self.lock().outdated);
        let mut changed = BTreeSet::new();
        for outdated in outdated {
            let path = &outdated.path;
            let (new, at) = (places.growing(path), beneath(folder.to_owned(), path));
            let why = match put(&outdated, folder, &new, &at) {
                Ok(None) => {
                    self.lock().updated.replaced += 1;
                    changed.insert(match outdated.is_fetched {
                        true => disk::parent(&at).to_owned(),
                        // Its mode and time are kept with itself.
                        false => at,
                    });
                    continue;
                }
                Ok(Some(why)) => why,
                Err(error) if is_closed(&error) => KeptWhy::Closed,
                Err(error) => return Err(error),
            };
            if outdated.is_fetched {
                fs::remove_file(new)?;
            }
            self.keep(path, why);
        }
        barrier::folders(folder, &changed)
    }

    /// Puts the files that came, and are durable, where nothing is, and makes their names durable; where something else is by now, or nothing can be put, that is
    /// kept: also instead of what an earlier run left for it. What is identical by now counts as added. What is left in `tree` is not wanted. Blocks.
    pub(super) fn add(&self, tree: &Path, folder: &Path) -> io::Result<()> {
        let mut folders = BTreeSet::new();
        let mut above = vec![String::new()];
        while let Some(path) = above.pop() {
            for entry in fs::read_dir(beneath(tree.to_owned(), &path))? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let path = match path.as_str() {
                    "" => name,
                    above => format!("{above}/{name}"),
                };
                let (staged, to) = (entry.path(), beneath(folder.to_owned(), &path));
                let is_folder = entry.file_type()?.is_dir();
                let put = match is_folder {
                    true => disk::make_directory(&to, 0o777),
                    false => disk::rename_new(&staged, &to).map(|()| true),
                };
                let why = match put {
                    Ok(is_new) => {
                        // What nothing was put into may be closed.
                        folders.extend(is_new.then(|| disk::parent(&to).to_owned()));
                        if is_folder {
                            folders.extend(is_new.then_some(to));
                            above.push(path);
                        }
                        continue;
                    }
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        // Nothing was there when it was looked at.
                        match !is_folder && is_file(&to) {
                            true => KeptWhy::Unknown,
                            false => KeptWhy::Occupied,
                        }
                    }
                    Err(error) if is_closed(&error) => KeptWhy::Closed,
                    Err(error) => return Err(error),
                };
                if is_folder {
                    self.keep(&path, why);
                    for file in files_in(&staged, &path)? {
                        self.keep_instead(&file, why);
                    }
                } else if why == KeptWhy::Closed || !is_same(&staged, &to)? {
                    self.keep_instead(&path, why);
                }
            }
        }
        barrier::folders(folder, &folders)
    }

    /// Something is kept instead of a file that was to be added.
    fn keep_instead(&self, path: &str, why: KeptWhy) {
        let mut state = self.lock();
        state.updated.added = state.updated.added.saturating_sub(1);
        drop(state);
        self.keep(path, why);
    }

    /// Something does not come; it may be known already.
    fn keep(&self, path: &str, why: KeptWhy) {
        let mut state = self.lock();
        if state.kept.add(path.to_owned(), why.written()) {
            state.updated.keep(path, why);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts a file that came in the place of another, or changes whether that may be run, and its time; or says why not, where it is not as it was when it was looked at.
fn put(outdated: &Outdated, folder: &Path, new: &Path, at: &Path) -> io::Result<Option<KeptWhy>> {
    // Nothing is followed that has come on the way meanwhile.
    if !way(folder, &outdated.path).is_ok_and(|way| way == Way::Free) {
        return Ok(Some(KeptWhy::Occupied));
    }
    let Ok(found) = fs::symlink_metadata(at) else {
        return Ok(Some(KeptWhy::Changed));
    };
    if !found.is_file() {
        return Ok(Some(KeptWhy::Occupied));
    }
    if Stamp::of(&found) != outdated.stamp {
        return Ok(Some(KeptWhy::Changed));
    }
    if outdated.is_fetched {
        disk::set_mode(new, &found, outdated.executable)?;
        let is_put = disk::replace(new, at, outdated.stamp)?;
        return Ok((!is_put).then_some(KeptWhy::Changed));
    }
    disk::set_mode(at, &found, outdated.executable)?;
    if let Some(mtime_ms) = outdated.mtime_ms {
        disk::set_time(at, mtime_ms)?;
    }
    Ok(None)
}

/// Whether a file is there, and nothing else.
fn is_file(at: &Path) -> bool {
    fs::symlink_metadata(at).is_ok_and(|found| found.is_file())
}

/// The path in the share of what lies at `path` below `prefix`.
fn in_share(prefix: &str, path: &str) -> String {
    match prefix {
        "" => path.to_owned(),
        _ => format!("{prefix}/{path}"),
    }
}

/// What is on the way to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Folders, of one file system: what is moved into another is no file of this one.
    Free,
    /// Not all folders are there.
    Missing,
    /// Something else.
    Blocked,
}

/// What is on the way to `path` beneath `folder`.
fn way(folder: &Path, path: &str) -> io::Result<Way> {
    for (end, _) in path.match_indices('/') {
        match fs::symlink_metadata(beneath(folder.to_owned(), &path[..end])) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Way::Missing),
            Err(error) => return Err(error),
            Ok(found) if found.is_dir() && disk::is_one_device(folder, &found)? => {}
            Ok(_) => return Ok(Way::Blocked),
        }
    }
    Ok(Way::Free)
}

/// Whether something cannot be read, by whoever runs this or because it never rests: what it is cannot be said.
pub(super) fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ResourceBusy
    )
}

/// Whether a file at `there` holds what the one at `staged` does.
fn is_same(staged: &Path, there: &Path) -> io::Result<bool> {
    let hashed = hash::hash_file(staged)?;
    let blob = Blob {
        hash: hashed.hash,
        size: hashed.stamp.size,
    };
    match disk::is_identical(there, &blob) {
        Err(error) if is_closed(&error) => Ok(false),
        is_identical => is_identical,
    }
}

/// The files in a staged folder, by their paths below the target.
fn files_in(folder: &Path, path: &str) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    let mut folders = vec![(folder.to_owned(), path.to_owned())];
    while let Some((folder, path)) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = format!("{path}/{}", entry.file_name().to_string_lossy());
            match entry.file_type()?.is_dir() {
                true => folders.push((entry.path(), path)),
                false => files.push(path),
            }
        }
    }
    Ok(files)
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
