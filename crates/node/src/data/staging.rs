//! Where a download grows until it is whole: a hidden folder beside its target.
//!
//! ```text
//! .kith-<tree>.partial/tree/…        what arrived, under its own names
//! .kith-<tree>.partial/outboards/…   for files that came in parts: the inner nodes that arrived
//! .kith-<tree>.partial/nodes         the manifest, as far as it came
//! .kith-<tree>.partial/links         the symbolic links, until they are made
//! .kith-<tree>.partial/lock          held by the one process that fills it; says what is downloaded of which share, in whichever version
//! ```
//!
//! It lies beside the target, because only within one file system a rename is atomic: the target appears whole, after one barrier, or not at all.
//! Files that were chosen of a tree are added to the target where that is a folder already: each of them appears whole (`adding`).
//! Nothing is recorded of what has arrived; most of it is durable, though ([`syncing`](crate::data::syncing)). A later run compares what it finds
//! with the hashes, and so trusts neither itself nor a disk that lost writes. Links are made last, so nothing is ever written through one.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use kith_core::crypto;
use kith_core::data::manifest;
use kith_core::ids::{BlobHash, ShareId};

use crate::data::adding;
use crate::data::barrier;
use crate::data::disk::{
    Occupied, StagingError, ask_files, ask_room, create_file, make_directory, make_symlink,
    occupied, parent, remove_file, rename_new,
};
use crate::data::hash;
use crate::data::incoming::{Incoming, OpenFiles};
use crate::data::joining::{self, Other};
use crate::data::links::Links;
use crate::data::local::{self, Candidate};
use crate::data::nodes::Nodes;
use crate::data::older::{Older, Purpose};
use crate::data::places::{LOOK_MAX, Places, beneath, is_copy, is_staging, staging_name};
use crate::data::range::Blob;
use crate::data::syncing::{Syncing, Written};

/// What the hash between them is derived under.
const CONTEXT: &str = "kith/1 staging folder";

/// What it is derived under for what a folder is, whichever version.
const PURPOSE_CONTEXT: &str = "kith/1 staging purpose";

/// The same for which share a folder is of, whichever files of it.
const SHARE_CONTEXT: &str = "kith/1 staging share";

/// How often it is tried to hold a staging folder: another download of the share holds it for as long as it takes a file out of it,
const LOCK_ATTEMPTS: u32 = 10;

/// and the pause in between, many times as long as that is.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// How long nobody has gone on with a download until the next one beside it removes what arrived: longer than the holidays of somebody who
/// has what is missing.
const ABANDONED_AFTER: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A staging folder, held.
#[derive(Debug)]
pub struct Staging {
    folder: PathBuf,
    /// Whether an earlier run may have left something in it.
    is_resumed: bool,
    open_files: Arc<OpenFiles>,
    /// The manifest, as far as it came.
    pub nodes: Arc<Nodes>,
    links: Links,
    /// What was written becomes durable.
    pub syncing: Arc<Syncing>,
    /// What was downloaded of other versions, and by other selections.
    older: Mutex<Vec<Older>>,
    lock: Arc<File>,
}

/// What a staging folder is for.
#[derive(Clone, Copy, Debug)]
pub struct Download<'a> {
    /// Which share it is of.
    pub share: &'a ShareId,
    /// Which tree of it, or file.
    pub tree: &'a BlobHash,
    /// What of that is selected; empty for all.
    pub filter: &'a str,
}

impl Staging {
    /// Opens the staging folder of a download beside `target`, and takes hold of it, and of what arrived of other versions.
    ///
    /// # Errors
    /// [`StagingError::Busy`] when somebody else holds it; else what the system says.
    pub fn open(target: &Path, download: Download<'_>) -> Result<Self, StagingError> {
        let parent = parent(target);
        fs::create_dir_all(parent)?;
        let name = target.file_name().unwrap_or_default().as_encoded_bytes();
        let Download {
            share,
            tree,
            filter,
        } = download;
        let key = BlobHash(crypto::derive(CONTEXT, &[&tree.0, name, filter.as_bytes()]));
        let purpose = [&share.0, name, filter.as_bytes()];
        let purpose = Purpose {
            of: BlobHash(crypto::derive(PURPOSE_CONTEXT, &purpose)),
            share: BlobHash(crypto::derive(SHARE_CONTEXT, &[&share.0])),
        };
        let folder = parent.join(staging_name(&key));
        let is_resumed = !make_directory(&folder, 0o700)?;
        let lock = create_file(&folder.join("lock"), false)?;
        match hold(&lock) {
            // Whoever had it may have come to its end with it.
            Ok(()) if folder.join("lock").exists() => {}
            Ok(()) | Err(TryLockError::WouldBlock) => {
                return Err(StagingError::Busy(target.to_owned()));
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        purpose.write(&lock)?;
        // When it was gone on with last.
        lock.set_modified(SystemTime::now())?;
        make_directory(&folder.join("tree"), 0o777)?;
        make_directory(&folder.join("outboards"), 0o700)?;
        let nodes = Nodes::open(&folder.join("nodes"))?;
        if is_resumed {
            // What an earlier run wrote counts as durable from here on.
            barrier::tree(&folder)?;
            barrier::folder(parent)?;
        }
        let syncing = Syncing::new(folder.clone());
        let links = Links::create(&folder.join("links"))?;
        let older = Older::find(parent, &folder, purpose)?;
        if let Err(error) = remove_abandoned(parent, SystemTime::now() - ABANDONED_AFTER) {
            tracing::debug!(%error, "cannot look for abandoned downloads");
        }
        Ok(Self {
            folder,
            is_resumed,
            open_files: Arc::default(),
            nodes: Arc::new(nodes),
            links,
            syncing,
            older: Mutex::new(older),
            lock: Arc::new(lock),
        })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Says before so many files are made that there is no room for them, where that can be known and nothing has arrived; it is removed then.
    ///
    /// # Errors
    /// [`StagingError::DiskFull`]; else what the system says.
    pub fn ask_files(&self, files: u64) -> Result<(), StagingError> {
        if self.is_resumed {
            return Ok(());
        }
        ask_files(&self.folder, files).inspect_err(|_| {
            // What is left of it is as good as nothing.
            let _ = self.remove();
        })
    }

    /// Where its files lie: when all is here, beneath `named`.
    pub fn places(&self, named: PathBuf) -> Places {
        let folder = self.folder.clone();
        Places { folder, named }
    }

    /// Has the staging folder at `folder` stay for another month, whoever downloads beside it; one that is gone is nothing to keep.
    ///
    /// # Errors
    /// What the system says.
    pub fn retain(folder: &Path) -> io::Result<()> {
        match hash::open_in_place(&folder.join("lock")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            lock => lock?.set_modified(SystemTime::now()),
        }
    }

    /// Deletes the staging folder at `folder` with all that arrived, of other versions as well; one that is gone is deleted.
    ///
    /// # Errors
    /// [`StagingError::Busy`] when somebody holds it; [`StagingError::TargetExists`] for what is no staging folder, which is left alone; else
    /// what the system says.
    pub fn discard(folder: &Path) -> Result<(), StagingError> {
        let name = folder.file_name().and_then(|name| name.to_str());
        if !name.is_some_and(is_staging) {
            return Err(StagingError::TargetExists(folder.to_owned()));
        }
        let lock = match File::open(folder.join("lock")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened?,
        };
        match lock.try_lock() {
            Ok(()) => {
                if let Ok(purpose) = Purpose::read(&lock) {
                    let older = Older::find(parent(folder), folder, purpose)?;
                    older.into_iter().try_for_each(Older::remove)?;
                }
                Ok(fs::remove_dir_all(folder)?)
            }
            Err(TryLockError::WouldBlock) => Err(StagingError::Busy(folder.to_owned())),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Keeps a node of the manifest.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep_node(&self, hash: &BlobHash, bytes: &[u8]) -> Result<(), StagingError> {
        let room = self.syncing.admit(bytes.len() as u64)?;
        self.nodes.add(hash, bytes)?;
        let written = Written {
            paths: vec![self.folder.join("nodes")],
            files: Arc::<[File; 1]>::clone(&self.nodes.file),
            is_new: false,
            #[cfg(test)]
            parts: Vec::new(),
        };
        room.wrote(written, 0);
        Ok(())
    }

    /// Makes a directory of the tree; the ones above it were made before.
    ///
    /// # Errors
    /// What the system says.
    pub fn directory(&self, path: &str) -> Result<(), StagingError> {
        make_directory(&self.at(path), 0o777)?;
        Ok(())
    }

    /// Makes the directories that `path` lies in.
    ///
    /// # Errors
    /// What the system says.
    pub fn parents(&self, path: &str) -> Result<(), StagingError> {
        path.match_indices('/')
            .try_for_each(|(end, _)| self.directory(&path[..end]))
    }

    /// Keeps a symbolic link of the tree: [`Staging::make_links`] makes it.
    ///
    /// # Errors
    /// What the system says.
    pub fn symlink(&self, path: &str, target: &str) -> Result<(), StagingError> {
        Ok(self.links.add(path, target)?)
    }

    /// Hands out the symbolic links of the tree, by their paths and where they lead, in the order in which they came.
    ///
    /// # Errors
    /// What the system says, and those of `make`.
    pub fn each_link(&self, make: impl FnMut(&str, &str) -> io::Result<()>) -> io::Result<()> {
        self.links.each(make)
    }

    /// Makes the symbolic links: only when all files and directories were made.
    ///
    /// # Errors
    /// What the system says.
    pub fn make_links(&self) -> Result<(), StagingError> {
        (self.links).each(|path, target| self.make_link(path, target))
    }

    fn make_link(&self, path: &str, target: &str) -> Result<(), StagingError> {
        let at = self.at(path);
        match make_symlink(target, &at) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if fs::read_link(&at)? == Path::new(target) {
                    Ok(())
                } else {
                    Err(error.into())
                }
            }
            other => Ok(other?),
        }
    }

    /// Prepares a file; what of it an earlier run left, or was downloaded of another version, is not missing.
    ///
    /// # Errors
    /// What the system says.
    pub fn incoming(&self, path: &str, file: &manifest::File) -> Result<Incoming, StagingError> {
        self.incoming_from(path, file, &[])
    }

    /// The same; and a file of which nothing has arrived is made of one of `candidates`, where one holds its content.
    ///
    /// # Errors
    /// What the system says.
    pub fn incoming_from(
        &self,
        path: &str,
        file: &manifest::File,
        candidates: &[Candidate],
    ) -> Result<Incoming, StagingError> {
        let mut incoming = self.new_incoming(path, file, self.at(path));
        if self.is_resumed {
            if self.at(path).exists() {
                incoming.resume()?;
            }
            // An earlier run may have been stopped before it had put them together.
            incoming = self.join(path, file, incoming)?;
        }
        while !incoming.is_whole()
            && let Some(is_beside) = self.inherit(path, file, incoming.is_begun())?
        {
            if is_beside {
                incoming = self.join(path, file, incoming)?;
            } else {
                incoming = self.taken_over(path, file, incoming.told())?;
            }
        }
        if !incoming.is_begun() && local::bring(&incoming, candidates)?.is_none() {
            // Told before it is fetched.
            ask_room(&self.folder, file.size)?;
        }
        Ok(incoming)
    }

    /// A file that lies in `folder` already, as it is to be; `None` where nothing does. What an earlier run fetched of it goes.
    ///
    /// # Errors
    /// [`StagingError::TargetExists`] for anything else at its path, and for anything but folders on the way; else what the system says.
    pub fn lying(
        &self,
        folder: &Path,
        path: &str,
        file: &manifest::File,
    ) -> Result<Option<Incoming>, StagingError> {
        let blob = Blob {
            hash: file.hash,
            size: file.size,
        };
        if !adding::lies(folder, path, &blob)? {
            return Ok(None);
        }
        if self.is_resumed {
            remove_file(&self.at(path))?;
            let places = self.places(PathBuf::new());
            remove_file(&places.outboard(path))?;
            joining::remove(&places.beside(path))?;
        }
        let lying = self.new_incoming(path, file, beneath(folder.to_owned(), path));
        lying.mark(&(0..file.size));
        Ok(Some(lying))
    }

    fn new_incoming(&self, path: &str, file: &manifest::File, at: PathBuf) -> Incoming {
        let outboard = self.places(PathBuf::new()).outboard(path);
        let shared = (Arc::clone(&self.open_files), Arc::clone(&self.syncing));
        Incoming::new(file, at, outboard, shared, Arc::clone(&self.lock))
    }

    /// Takes a file over from another version, or another selection: to its place, or beside what is there. Where it is beside it, and `None` where
    /// there is none.
    fn inherit(
        &self,
        path: &str,
        file: &manifest::File,
        is_beside: bool,
    ) -> io::Result<Option<bool>> {
        let mut older = self.older.lock().unwrap_or_else(PoisonError::into_inner);
        let places = self.places(PathBuf::new());
        let to = match is_beside {
            true => places.beside(path),
            false => places.pair(path),
        };
        for older in &mut *older {
            if older.hand_over(path, file, &to)? {
                return Ok(Some(is_beside));
            }
        }
        Ok(None)
    }

    /// What came of a file for another version, and lies in its place now; so many bytes of it are told.
    fn taken_over(
        &self,
        path: &str,
        file: &manifest::File,
        told: u64,
    ) -> Result<Incoming, StagingError> {
        self.open_files.forget(&self.at(path));
        let incoming = self.new_incoming(path, file, self.at(path));
        incoming.resume()?;
        incoming.take_over(told)?;
        Ok(incoming)
    }

    /// What lies beside a file becomes one with it.
    fn join(
        &self,
        path: &str,
        file: &manifest::File,
        mut incoming: Incoming,
    ) -> Result<Incoming, StagingError> {
        let places = self.places(PathBuf::new());
        let beside = places.beside(path);
        let Some(mut other) = Other::look(&beside, &incoming.blob)? else {
            return Ok(incoming);
        };
        if other.has_more(&incoming) {
            joining::exchange(&places.pair(path), &beside)?;
            incoming = self.taken_over(path, file, incoming.told())?;
            if let Some(lesser) = Other::look(&beside, &incoming.blob)? {
                other = lesser;
            }
        }
        other.fill(&incoming)?;
        joining::remove(&beside)?;
        Ok(incoming)
    }

    /// All files were prepared: what other versions have left is not needed.
    ///
    /// # Errors
    /// What the system says.
    pub fn remove_older(&self) -> Result<(), StagingError> {
        let older = std::mem::take(&mut *self.older.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(older.into_iter().try_for_each(Older::remove)?)
    }

    /// Ends the download of which nothing is kept.
    ///
    /// # Errors
    /// What the system says.
    pub fn remove(&self) -> Result<(), StagingError> {
        Ok(fs::remove_dir_all(&self.folder)?)
    }

    /// Ends the download: all is durable, then it gets its name. `inner` is the path within the tree of what becomes the target; empty for the
    /// tree itself.
    ///
    /// # Errors
    /// [`StagingError::TargetExists`] when there is something else by now; else what the system says. The staging folder remains then.
    pub fn finish(&self, inner: &str, target: &Path) -> Result<(), StagingError> {
        barrier::tree(&self.at(""))?;
        self.name(inner, target)?;
        Ok(fs::remove_dir_all(&self.folder)?)
    }

    /// As [`Staging::finish`], for a tree of files alone: where the target is a folder already, they are added to it.
    ///
    /// # Errors
    /// [`StagingError::TargetExists`] for what is in the way, and names it; else what the system says. The staging folder remains then, with what
    /// was not added.
    pub fn add(&self, target: &Path) -> Result<(), StagingError> {
        let tree = self.at("");
        barrier::tree(&tree)?;
        // One that is there may be the root of a file system, which cannot even be asked to take the name.
        if occupied(target)? == Occupied::Folder {
            adding::add(&tree, target)?;
        } else {
            match self.name("", target) {
                Err(StagingError::TargetExists(_)) if occupied(target)? == Occupied::Folder => {
                    adding::add(&tree, target)?;
                }
                named => named?,
            }
        }
        Ok(fs::remove_dir_all(&self.folder)?)
    }

    /// Gives what is durable its name.
    fn name(&self, inner: &str, target: &Path) -> Result<(), StagingError> {
        match rename_new(&self.at(inner), target) {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::AlreadyExists
                        | io::ErrorKind::DirectoryNotEmpty
                        | io::ErrorKind::NotADirectory
                ) =>
            {
                return Err(StagingError::TargetExists(target.to_owned()));
            }
            other => other?,
        }
        Ok(barrier::folder(parent(target))?)
    }

    fn at(&self, path: &str) -> PathBuf {
        beneath(self.folder.join("tree"), path)
    }
}

/// Takes hold of a staging folder by its lock, unless somebody fills it.
fn hold(lock: &File) -> Result<(), TryLockError> {
    for _ in 1..LOCK_ATTEMPTS {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            held => return held,
        }
    }
    lock.try_lock()
}

/// Removes the staging folders in `folder` that nobody holds and nobody has gone on with since, and copies of such that nobody makes any more.
fn remove_abandoned(folder: &Path, since: SystemTime) -> io::Result<()> {
    for entry in fs::read_dir(folder)?.take(LOOK_MAX) {
        let entry = entry?;
        let name = entry.file_name();
        let is_copy = name.to_str().is_some_and(is_copy);
        let is_one = is_copy || name.to_str().is_some_and(is_staging);
        if !is_one || !entry.file_type()?.is_dir() {
            continue;
        }
        // Anything without a lock of this kind is not ours to remove.
        let Ok(lock) = hash::open_in_place(&entry.path().join("lock")) else {
            continue;
        };
        let is_abandoned = is_copy || lock.metadata()?.modified()? < since;
        if is_abandoned && lock.try_lock().is_ok() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
