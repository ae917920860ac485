//! The outboards of shared files: `blobs/<hash>.obao4`, for files of more than one group.
//!
//! An outboard is 1/256 of its file and is read by offset. It says nothing that the file does not: a lost or damaged one is made again by hashing.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kith_core::ids::BlobHash;
use tempfile::NamedTempFile;

use crate::data::hash::{self, HashError, Hashed, Sink, outboard_bytes};
use crate::data::pieces;

/// What the name of an outboard ends with, after the hash.
const SUFFIX: &str = ".obao4";

/// The folder of outboards.
#[derive(Clone, Debug)]
pub struct Outboards {
    folder: PathBuf,
    being_made: Arc<BeingMade>,
}

/// The names of those that are being written, as many as are hashed at once.
#[derive(Debug, Default)]
struct BeingMade(Mutex<BTreeSet<OsString>>);

impl Outboards {
    /// Uses `folder`, and creates it where it is missing.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            being_made: Arc::default(),
        })
    }

    /// Hashes the file at `path`, and keeps its outboard, which is written while it is hashed and gets its name when it is whole. Durable only
    /// after a [`crate::data::barrier`].
    ///
    /// # Errors
    /// [`HashError`].
    pub fn hash(&self, path: &Path) -> Result<Hashed, HashError> {
        let (hashed, made) = hash::hash_file_to(path, |size| self.begin(size))?;
        made.keep(&self.path(&hashed.hash))?;
        Ok(hashed)
    }

    /// The same of an open file of `size` bytes, which nobody edits meanwhile. Gives its outboard, where it has one: of what is in no share yet it may
    /// be swept away under its name.
    ///
    /// # Errors
    /// [`HashError`].
    pub fn hash_open(&self, file: &File, size: u64) -> Result<(BlobHash, Option<File>), HashError> {
        let made = self.begin(size).map_err(HashError::Keep)?;
        let hash = hash::hash_to(file, size, &made)?;
        let outboard = made.keep(&self.path(&hash))?;
        Ok((hash, outboard))
    }

    fn begin(&self, size: u64) -> io::Result<Made> {
        Ok(Made(match outboard_bytes(size) {
            0 => None,
            _ => Some(Growing::begin(&self.folder, &self.being_made)?),
        }))
    }

    /// Opens the outboard of a blob of this size.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::InvalidData`] for one of another length, which must not be used.
    pub fn load(&self, hash: &BlobHash, size: u64) -> io::Result<File> {
        let file = File::open(self.path(hash))?;
        if file.metadata()?.len() == outboard_bytes(size) {
            Ok(file)
        } else {
            Err(io::ErrorKind::InvalidData.into())
        }
    }

    /// Whether the outboard of a blob of this size is here, or none is needed.
    pub fn has(&self, hash: &BlobHash, size: u64) -> bool {
        outboard_bytes(size) == 0 || self.load(hash, size).is_ok()
    }

    /// Removes what is no longer of use: outboards of blobs that `is_used` does not name, and what a process that ended left half
    /// written. How many were removed. One that is being written stays; that of a file that is to be in a share may be saved only when it is over.
    ///
    /// # Errors
    /// What the system says, or `is_used`; the rest stays for the next time then.
    pub fn sweep(&self, is_used: impl Fn(&BlobHash) -> io::Result<bool>) -> io::Result<u64> {
        let mut removed = 0;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let hash = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
            let hash = hash.and_then(|hex| blake3::Hash::from_hex(hex).ok());
            let is_kept = match hash {
                Some(hash) => is_used(&BlobHash(*hash.as_bytes()))?,
                None => !entry.file_type()?.is_file() || self.being_made.lock().contains(&name),
            };
            if !is_kept {
                fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// The folder, to wait for.
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    fn path(&self, hash: &BlobHash) -> PathBuf {
        self.folder.join(format!("{}{SUFFIX}", hex(hash)))
    }
}

impl BeingMade {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<OsString>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An outboard that is being written; none for a file that needs none.
struct Made(Option<Growing>);

impl Made {
    fn keep(self, path: &Path) -> Result<Option<File>, HashError> {
        self.0.map(|growing| growing.keep(path)).transpose()
    }
}

/// The file of an outboard that is being written: not swept away as long as this is.
struct Growing {
    /// `None` when it has its name.
    file: Option<NamedTempFile>,
    name: OsString,
    all: Arc<BeingMade>,
}

impl Growing {
    fn begin(folder: &Path, all: &Arc<BeingMade>) -> io::Result<Self> {
        // Held until it is noted: whoever sweeps looks at it then, or not at all.
        let mut names = all.lock();
        let file = NamedTempFile::new_in(folder)?;
        let name = file.path().file_name().unwrap_or_default().to_owned();
        names.insert(name.clone());
        let (file, all) = (Some(file), Arc::clone(all));
        Ok(Self { file, name, all })
    }

    fn file(&self) -> &NamedTempFile {
        self.file.as_ref().expect("it is taken at the end only")
    }

    fn keep(mut self, path: &Path) -> Result<File, HashError> {
        let file = self.file.take().expect("it is taken at the end only");
        let kept = file.persist(path);
        kept.map_err(|failed| HashError::Keep(failed.error))
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        // One that is given up is removed before it is forgotten.
        self.file = None;
        self.all.lock().remove(&self.name);
    }
}

impl Sink for Made {
    fn write(&self, at: u64, piece: &[u8]) -> io::Result<()> {
        match &self.0 {
            Some(growing) => pieces::write(growing.file().as_file(), at, &[piece]),
            None => Ok(()),
        }
    }
}

/// A hash in hexadecimal, as it stands in file names.
pub(crate) fn hex(hash: &BlobHash) -> String {
    blake3::Hash::from_bytes(hash.0).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outboard_of_the_wrong_length_is_not_used() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let outboards = Outboards::open(folder.path().join("blobs")).expect("created");
        let hash = BlobHash([7; 32]);
        assert!(outboards.has(&hash, 16_384) && !outboards.has(&hash, 16_385));
        fs::write(outboards.path(&hash), [0; 64]).expect("written");
        assert!(outboards.has(&hash, 16_385));
        assert!(!outboards.has(&hash, 40_000));
    }

    #[test]
    fn what_is_kept_of_a_file_is_its_outboard_and_nothing_else_lies_beside_it() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let outboards = Outboards::open(folder.path().join("blobs")).expect("created");
        let path = folder.path().join("f");
        for size in [0, 16_384, 16_385, 40 << 20] {
            let bytes: Vec<u8> = (0..size).map(|at: u32| (at % 251) as u8).collect();
            fs::write(&path, &bytes).expect("written");
            let hashed = outboards.hash(&path).expect("hashed");
            let expected = hash::hash_bytes(&bytes);
            assert_eq!(hashed.hash, expected.0, "{size}");
            assert!(outboards.has(&hashed.hash, u64::from(size)));
            let kept = fs::read(outboards.path(&hashed.hash)).unwrap_or_default();
            assert!(kept == expected.1, "{size}");
            let file = File::open(&path).expect("there");
            let again = outboards.hash_open(&file, u64::from(size));
            let (hash, outboard) = again.expect("hashed");
            assert_eq!(hash, hashed.hash);
            let length = outboard.map_or(0, |file| file.metadata().expect("open").len());
            assert_eq!(length, kept.len() as u64, "{size}");
        }
        let names = fs::read_dir(outboards.folder()).expect("there").count();
        assert_eq!(names, 2, "of the two that have more than a group");
    }

    #[test]
    fn what_is_not_used_any_more_is_swept_away() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let outboards = Outboards::open(folder.path().to_owned()).expect("created");
        let (used, unused) = (BlobHash([1; 32]), BlobHash([2; 32]));
        for hash in [&used, &unused] {
            fs::write(outboards.path(hash), [0; 64]).expect("written");
        }
        fs::write(folder.path().join(".tmpXyz123"), b"half an").expect("written");
        let removed = outboards.sweep(|hash| Ok(*hash == used));
        assert_eq!(removed.expect("swept"), 2);
        assert!(outboards.has(&used, 16_385) && !outboards.has(&unused, 16_385));
    }

    #[test]
    fn one_that_is_being_written_is_not_swept_away_and_is_when_it_is_given_up() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let outboards = Outboards::open(folder.path().to_owned()).expect("created");
        let unused = |_: &BlobHash| Ok(false);
        let (kept, given_up) = (outboards.begin(16_385), outboards.begin(16_385));
        let (kept, given_up) = (kept.expect("created"), given_up.expect("created"));
        assert_eq!(outboards.clone().sweep(unused).expect("swept"), 0);
        drop(given_up);
        kept.write(0, &[0; 64]).expect("written");
        let hash = BlobHash([1; 32]);
        let open = kept.keep(&outboards.path(&hash));
        assert!(outboards.has(&hash, 16_385));
        // Under its name it is in no share, and goes; who reads it does not notice.
        assert_eq!(outboards.sweep(unused).expect("swept"), 1);
        let open = open.expect("kept").expect("it has one");
        assert_eq!(open.metadata().expect("open").len(), 64);
        assert!(outboards.being_made.lock().is_empty());
    }
}
