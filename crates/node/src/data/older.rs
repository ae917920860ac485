//! What an earlier download to the same target left, of another version, and what other downloads of the share beside it left, of which other files
//! were selected: those that are still wanted need not be fetched again.
//!
//! A staging folder says for what it is, in its lock: a hash of the share, the target's name and the filter, without the version. The folders beside
//! each other that say the same are versions of one download, and the older are removed with what is left of them. Behind it stands a hash of the
//! share: those that only have this in common stay with what is not wanted now, and whoever goes on with them takes back what is not under its
//! name yet. A file of the same content, whatever it is called in the new version, is moved from the
//! older one with the inner nodes that came with it. What a file is, or will be when the rest has come, its topmost inner node says, and of one
//! that came at once all of it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use kith_core::data::manifest;
use kith_core::ids::BlobHash;

use crate::data::disk::remove_file;
use crate::data::hash::{self, PARENT_BYTES};
use crate::data::places::{LOOK_MAX, Pair, Places, is_staging};

/// Files of one older version that are known by what they hold: at some 150 bytes each no more memory than the rest of a transfer takes. Of
/// further ones those are taken over that are still called the same.
const FILES_MAX: usize = 128 * 1024;

/// What a download is for, whichever version comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Purpose {
    /// Which share, target and filter.
    pub(super) of: BlobHash,
    /// Which share.
    pub(super) share: BlobHash,
}

impl Purpose {
    /// Writes it into the lock of a staging folder.
    pub(super) fn write(&self, mut lock: &File) -> io::Result<()> {
        lock.set_len(0)?;
        lock.write_all(&[self.of.0, self.share.0].concat())
    }

    /// Reads it from one.
    pub(super) fn read(mut lock: &File) -> io::Result<Self> {
        let (mut of, mut share) = ([0; 32], [0; 32]);
        lock.read_exact(&mut of)?;
        lock.read_exact(&mut share)?;
        Ok(Self {
            of: BlobHash(of),
            share: BlobHash(share),
        })
    }
}

/// A staging folder of another version, held, or of another selection, which is held only while a file is moved: whoever goes on with it finds it
/// free.
#[derive(Debug)]
pub(super) struct Older {
    places: Places,
    /// What it holds, once that was asked.
    files: Option<Files>,
    /// Where it is of another version.
    held: Option<File>,
}

/// The files of an older version.
#[derive(Debug, Default)]
struct Files {
    /// The paths of those that were not looked into, by their size.
    by_size: BTreeMap<u64, Vec<String>>,
    /// Of the others, by what they are.
    by_hash: BTreeMap<BlobHash, Vec<String>>,
    count: usize,
}

impl Older {
    /// Those in `parent` that are for the same as `own`, and that nobody holds; then those for the same share.
    pub(super) fn find(parent: &Path, own: &Path, purpose: Purpose) -> io::Result<Vec<Self>> {
        let (mut found, mut others) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(parent)?.take(LOOK_MAX) {
            let entry = entry?;
            let folder = entry.path();
            let is_one = entry.file_name().to_str().is_some_and(is_staging);
            if !is_one || folder == own || !entry.file_type()?.is_dir() {
                continue;
            }
            // Anything without a lock of this kind is not ours.
            let Ok(lock) = hash::open_in_place(&folder.join("lock")) else {
                continue;
            };
            let of = |held| Self {
                places: Places::of(folder),
                files: None,
                held,
            };
            // One that says nothing was only just made.
            let Ok(it) = Purpose::read(&lock) else {
                continue;
            };
            if it == purpose && lock.try_lock().is_ok() {
                found.push(of(Some(lock)));
            } else if it != purpose && it.share == purpose.share {
                others.push(of(None));
            }
        }
        found.extend(others);
        Ok(found)
    }

    /// Its folder, where it is of another version, and held.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.held.as_ref().map(|_| self.places.folder())
    }

    /// Moves a file of this content, with its inner nodes, to where they lie from now on; false where there is none.
    pub(super) fn hand_over(
        &mut self,
        path: &str,
        file: &manifest::File,
        to: &Pair,
    ) -> io::Result<bool> {
        // Nobody waits while it is looked for, which may take a while.
        if self.held.is_none() && self.lock().is_none() {
            return Ok(false);
        }
        let Some(was) = self.take(path, file)? else {
            return Ok(false);
        };
        let lock = match self.held {
            Some(_) => None,
            None => self.lock(),
        };
        if self.held.is_none() && lock.is_none() {
            return Ok(false);
        }
        match self.move_to(&was, file, to) {
            // Somebody went on with it meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            moved => moved.map(|()| true),
        }
    }

    /// The right to take something out of it; `None` while somebody fills it.
    fn lock(&self) -> Option<File> {
        let lock = hash::open_in_place(&self.places.folder().join("lock")).ok()?;
        lock.try_lock().is_ok().then_some(lock)
    }

    fn move_to(&self, was: &str, file: &manifest::File, to: &Pair) -> io::Result<()> {
        let from = self.places.growing(was);
        set_executable(&from, &fs::symlink_metadata(&from)?, file.executable)?;
        match fs::rename(self.places.outboard(was), &to.nodes) {
            // It came at once: those of something else that lay there would say that none of it is right.
            Err(error) if error.kind() == io::ErrorKind::NotFound => remove_file(&to.nodes)?,
            renamed => renamed?,
        }
        fs::rename(from, &to.data)
    }

    /// The path of a file of this content, which is not known of from now on.
    fn take(&mut self, path: &str, file: &manifest::File) -> io::Result<Option<String>> {
        let files = match self.files.take() {
            Some(files) => files,
            None => Files::beneath(&self.places.growing(""))?,
        };
        let files = self.files.insert(files);
        for same_size in files.by_size.remove(&file.size).into_iter().flatten() {
            if let Some(hash) = content(&self.places, &same_size, file.size) {
                files.by_hash.entry(hash).or_default().push(same_size);
            }
        }
        let known = files.by_hash.get_mut(&file.hash).and_then(Vec::pop);
        if known.is_some() || files.count < FILES_MAX {
            return Ok(known);
        }
        let is_same = content(&self.places, path, file.size) == Some(file.hash);
        Ok(is_same.then(|| path.to_owned()))
    }

    /// Removes what is left of it, unless it is of another selection, which somebody may go on with.
    pub(super) fn remove(self) -> io::Result<()> {
        match self.held {
            Some(_) => fs::remove_dir_all(self.places.folder()),
            None => Ok(()),
        }
    }
}

impl Files {
    /// All files with something in them beneath a folder, up to [`FILES_MAX`].
    fn beneath(tree: &Path) -> io::Result<Self> {
        let mut files = Self::default();
        let mut folders = vec![(tree.to_owned(), String::new())];
        while let Some((folder, prefix)) = folders.pop() {
            let entries = match fs::read_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                // No name of a tree is anything else.
                let Ok(name) = entry.file_name().into_string() else {
                    continue;
                };
                let path = format!("{prefix}{name}");
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    folders.push((entry.path(), format!("{path}/")));
                } else if kind.is_file() && entry.metadata()?.len() > 0 {
                    if files.count >= FILES_MAX {
                        return Ok(files);
                    }
                    files.count += 1;
                    let size = entry.metadata()?.len();
                    files.by_size.entry(size).or_default().push(path);
                }
            }
        }
        Ok(files)
    }
}

/// What the file at a path is, or will be when all has come; `None` where nothing of this size is, or it cannot be read.
fn content(places: &Places, path: &str, size: u64) -> Option<BlobHash> {
    let file = hash::open_in_place(&places.growing(path)).ok()?;
    if file.metadata().ok()?.len() != size {
        return None;
    }
    match hash::open_in_place(&places.outboard(path)) {
        Ok(outboard) => {
            let mut top = [0; PARENT_BYTES as usize];
            hash::read_exact_at(&outboard, &mut top, 0).ok()?;
            Some(hash::root_of(&top))
        }
        Err(_) => hash::hash_open(&file, size).ok(),
    }
}

/// Gives a file that was made for another version the mode that it would have been made with.
#[cfg(unix)]
fn set_executable(path: &Path, metadata: &fs::Metadata, executable: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = metadata.permissions().mode();
    let wanted = match executable {
        // Who may read it may run it.
        true => mode | ((mode & 0o444) >> 2),
        false => mode & !0o111,
    };
    match wanted == mode {
        true => Ok(()),
        false => fs::set_permissions(path, fs::Permissions::from_mode(wanted)),
    }
}

#[cfg(not(unix))]
fn set_executable(_: &Path, _: &fs::Metadata, _: bool) -> io::Result<()> {
    Ok(())
}
