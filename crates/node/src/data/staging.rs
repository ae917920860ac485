//! Where a download grows until it is whole: a hidden folder beside its target.
//!
//! ```text
//! .kith-<tree>.partial/tree/…        what arrived, under its own names
//! .kith-<tree>.partial/outboards/…   for large files: the inner nodes that arrived
//! .kith-<tree>.partial/lock          held by the one process that fills it
//! ```
//!
//! It lies beside the target, because only within one file system a rename is atomic: the target appears whole, after one barrier, or not at all.
//! Nothing is recorded of what has arrived. A later run compares what it finds with the hashes, and so trusts neither itself nor a disk that
//! lost writes. Links are made last, so nothing is ever written through one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kith_core::content::wire::RANGE_BYTES_MAX;
use kith_core::crypto;
use kith_core::data::manifest;
use kith_core::ids::BlobHash;
use thiserror::Error;

use crate::data::barrier;
use crate::data::hash::{self, outboard_bytes};
use crate::data::outboard::hex;
use crate::data::range::{Blob, RangeError};

/// How much of the hash stands in the folder's name: enough that no two trees meet beside one target.
const NAME_CHARS: usize = 16;

/// What the folder's name begins with,
const PREFIX: &str = ".kith-";

/// and ends with.
const SUFFIX: &str = ".partial";

/// What the hash between them is derived under.
const CONTEXT: &str = "kith/1 staging folder";

/// Why a download cannot go on, or cannot end.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StagingError {
    /// Another process, or another transfer, fetches the same to the same place.
    #[error("the same is being fetched to {0} already")]
    Busy(PathBuf),
    /// There is something else under the target's name.
    #[error("{0} exists already and is something else")]
    TargetExists(PathBuf),
    /// No room left.
    #[error("the disk is full")]
    DiskFull,
    /// The bytes are not those of the file: their sender's fault.
    #[error("the bytes do not match the hash")]
    Mismatch,
    /// Anything else the system says.
    #[error("{0}")]
    Io(io::Error),
}

impl From<io::Error> for StagingError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Io(error),
        }
    }
}

impl From<RangeError> for StagingError {
    fn from(error: RangeError) -> Self {
        match error {
            RangeError::Mismatch => Self::Mismatch,
            RangeError::Io(error) => error.into(),
        }
    }
}

/// Whether a file name is that of a staging folder.
pub fn is_staging(name: &str) -> bool {
    name.strip_prefix(PREFIX)
        .and_then(|name| name.strip_suffix(SUFFIX))
        .is_some_and(|middle| middle.len() == NAME_CHARS)
}

/// A staging folder, held.
#[derive(Debug)]
pub struct Staging {
    folder: PathBuf,
    /// Whether an earlier run may have left something in it.
    is_resumed: bool,
    lock: Arc<File>,
}

/// A file that arrives.
#[derive(Debug)]
pub struct Incoming {
    /// What is to arrive.
    pub blob: Blob,
    path: PathBuf,
    outboard_path: PathBuf,
    executable: bool,
    modified: SystemTime,
    open: Mutex<Option<Open>>,
    ranges_left: AtomicU64,
    /// A write under way when its transfer is given up must not meet the next one's.
    _lock: Arc<File>,
}

/// The open files of one that arrives in several ranges.
#[derive(Debug)]
struct Open {
    data: File,
    outboard: File,
}

impl Staging {
    /// Opens the staging folder beside `target` for the tree of this hash (or what of it `filter` selects), and takes hold of it.
    ///
    /// # Errors
    /// [`StagingError::Busy`] when somebody else holds it; else what the system says.
    pub fn open(target: &Path, tree: &BlobHash, filter: &str) -> Result<Self, StagingError> {
        let parent = parent(target);
        fs::create_dir_all(parent)?;
        let name = target.file_name().unwrap_or_default().as_encoded_bytes();
        let key = BlobHash(crypto::derive(CONTEXT, &[&tree.0, name, filter.as_bytes()]));
        let folder = parent.join(format!("{PREFIX}{}{SUFFIX}", &hex(&key)[..NAME_CHARS]));
        let is_resumed = !make_directory(&folder, 0o700)?;
        let lock = create_file(&folder.join("lock"), false)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StagingError::Busy(target.to_owned())),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        make_directory(&folder.join("tree"), 0o777)?;
        make_directory(&folder.join("outboards"), 0o700)?;
        Ok(Self {
            folder,
            is_resumed,
            lock: Arc::new(lock),
        })
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

    /// Makes a symbolic link of the tree: only when all files and directories were made.
    ///
    /// # Errors
    /// What the system says.
    pub fn symlink(&self, path: &str, target: &str) -> Result<(), StagingError> {
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

    /// Prepares a file, and says which of its ranges (of [`RANGE_BYTES_MAX`], by their index) are still missing: none when an
    /// earlier run left it whole.
    ///
    /// # Errors
    /// What the system says.
    pub fn incoming(
        &self,
        path: &str,
        file: &manifest::File,
    ) -> Result<(Incoming, Vec<u64>), StagingError> {
        let key = hex(&BlobHash(*blake3::hash(path.as_bytes()).as_bytes()));
        let incoming = Incoming {
            blob: Blob {
                hash: file.hash,
                size: file.size,
            },
            path: self.at(path),
            outboard_path: self.folder.join("outboards").join(key),
            executable: file.executable,
            modified: time(file.mtime_ms),
            open: Mutex::default(),
            ranges_left: AtomicU64::new(0),
            _lock: Arc::clone(&self.lock),
        };
        let all = 0..file.size.div_ceil(RANGE_BYTES_MAX).max(1);
        let missing = if self.is_resumed {
            incoming.missing(all)?
        } else {
            all.collect()
        };
        incoming
            .ranges_left
            .store(missing.len() as u64, Ordering::Release);
        Ok((incoming, missing))
    }

    /// Ends the download: all is durable, then it gets its name. `inner` is the path within the tree of what becomes the target; empty for the
    /// tree itself.
    ///
    /// # Errors
    /// [`StagingError::TargetExists`] when there is something else by now; else what the system says. The staging folder remains then.
    pub fn finish(&self, inner: &str, target: &Path) -> Result<(), StagingError> {
        let from = self.at(inner);
        barrier::tree(&self.folder.join("tree"))?;
        match rename_new(&from, target) {
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
        barrier::folder(parent(target))?;
        fs::remove_dir_all(&self.folder)?;
        Ok(())
    }

    fn at(&self, path: &str) -> PathBuf {
        let mut at = self.folder.join("tree");
        at.extend(path.split('/').filter(|name| !name.is_empty()));
        at
    }
}

impl Incoming {
    /// Whether it arrives in one range, and can be written at once.
    pub fn is_single(&self) -> bool {
        self.blob.size <= RANGE_BYTES_MAX
    }

    /// Takes a range; true when it was the last one missing.
    ///
    /// # Errors
    /// [`StagingError::Mismatch`] for bytes that do not verify, of which none were written; else what the system says.
    pub fn write(&self, encoded: &[u8], offset: u64) -> Result<bool, StagingError> {
        if self.is_single() {
            let bytes = self.blob.decode(encoded, 0, RANGE_BYTES_MAX)?;
            let mut data = create_file(&self.path, self.executable)?;
            data.set_len(0)?;
            data.write_all(&bytes)?;
            self.seal(&data)?;
            return Ok(true);
        }
        let (data, outboard) = self.handles()?;
        self.blob
            .decode_into(encoded, offset, RANGE_BYTES_MAX, &data, &outboard)?;
        if self.ranges_left.fetch_sub(1, Ordering::AcqRel) > 1 {
            return Ok(false);
        }
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        self.seal(&data)?;
        fs::remove_file(&self.outboard_path)?;
        Ok(true)
    }

    fn seal(&self, data: &File) -> io::Result<()> {
        data.set_times(fs::FileTimes::new().set_modified(self.modified))
    }

    /// The open files, opened at the first range.
    fn handles(&self) -> Result<(File, File), StagingError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let open = match &mut *open {
            Some(open) => open,
            none => {
                let data = create_file(&self.path, self.executable)?;
                data.set_len(self.blob.size)?;
                let outboard = create_file(&self.outboard_path, false)?;
                outboard.set_len(outboard_bytes(self.blob.size))?;
                none.insert(Open { data, outboard })
            }
        };
        Ok((open.data.try_clone()?, open.outboard.try_clone()?))
    }

    /// Which of the ranges an earlier run did not leave, or not as they should be.
    fn missing(&self, all: std::ops::Range<u64>) -> Result<Vec<u64>, StagingError> {
        if is_identical(&self.path, &self.blob)? {
            self.seal(&create_file(&self.path, self.executable)?)?;
            return Ok(Vec::new());
        }
        if self.is_single() || !self.path.exists() || !self.outboard_path.exists() {
            return Ok(all.collect());
        }
        let (data, outboard) = self.handles()?;
        let valid = self.blob.valid_pieces(&data, &outboard, RANGE_BYTES_MAX)?;
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        Ok(all
            .filter(|range| valid.binary_search(range).is_err())
            .collect())
    }
}

/// Whether a regular file with exactly this content lies at `path`.
///
/// # Errors
/// What reading says; that there is none is no error.
pub fn is_identical(path: &Path, blob: &Blob) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.len() == blob.size => {
            Ok(hash::hash_file(path)?.hash == blob.hash)
        }
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// What is under a target's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occupied {
    /// Nothing, or an empty folder: the download may take the name.
    Free,
    /// A folder with something in it.
    Folder,
    /// A file.
    File,
    /// Something else, such as a link.
    Other,
}

/// Looks what is under a target's name, following no link.
///
/// # Errors
/// What the system says.
pub fn occupied(target: &Path) -> io::Result<Occupied> {
    let metadata = match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Occupied::Free),
        other => other?,
    };
    if metadata.is_dir() {
        let is_empty = fs::read_dir(target)?.next().is_none();
        return Ok(if is_empty {
            Occupied::Free
        } else {
            Occupied::Folder
        });
    }
    Ok(if metadata.is_file() {
        Occupied::File
    } else {
        Occupied::Other
    })
}

/// The folder that a target lies in.
fn parent(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn time(mtime_ms: i64) -> SystemTime {
    let distance = Duration::from_millis(mtime_ms.unsigned_abs());
    let time = if mtime_ms < 0 {
        UNIX_EPOCH.checked_sub(distance)
    } else {
        UNIX_EPOCH.checked_add(distance)
    };
    time.unwrap_or(UNIX_EPOCH)
}

/// Makes a directory; false when a real one is there already.
fn make_directory(path: &Path, mode: u32) -> io::Result<bool> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, mode);
    #[cfg(not(unix))]
    let _ = mode;
    match builder.create(path) {
        Ok(()) => Ok(true),
        Err(error)
            if error.kind() == io::ErrorKind::AlreadyExists
                && fs::symlink_metadata(path)?.is_dir() =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Opens a file for writing, makes it where there is none, and follows no link.
fn create_file(path: &Path, executable: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(if executable { 0o777 } else { 0o666 });
        options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    #[cfg(not(unix))]
    let _ = executable;
    options.open(path)
}

#[cfg(unix)]
fn make_symlink(target: &str, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(windows)]
fn make_symlink(target: &str, at: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(target, at)
}

/// Renames without replacing anything but an empty folder.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(()),
            // The file system does not know the flag; or there is something, which only an empty folder may be.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::EXIST) => {
            }
            Err(error) => return Err(error.into()),
        }
    }
    match fs::symlink_metadata(to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::rename(from, to),
        Err(error) => Err(error),
        // Renaming a folder replaces an empty folder and nothing else.
        Ok(metadata) if metadata.is_dir() && fs::symlink_metadata(from)?.is_dir() => {
            fs::rename(from, to)
        }
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> manifest::File {
        manifest::File {
            name: "f".into(),
            size: bytes.len() as u64,
            hash: hash::hash_bytes(bytes).0,
            executable: true,
            mtime_ms: -1_500,
        }
    }

    fn encoded(bytes: &[u8], offset: u64) -> Vec<u8> {
        let (hash, outboard) = hash::hash_bytes(bytes);
        let size = bytes.len() as u64;
        Blob { hash, size }
            .encode(bytes, outboard.as_slice(), offset, RANGE_BYTES_MAX)
            .expect("encoded")
    }

    const TREE: BlobHash = BlobHash([1; 32]);

    #[test]
    fn a_whole_tree_gets_its_name_with_times_and_modes() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let target = folder.path().join("holiday");
        let staging = Staging::open(&target, &TREE, "").expect("opened");
        staging.directory("d").expect("made");
        let (incoming, missing) = staging.incoming("d/f", &file(b"hello")).expect("prepared");
        assert_eq!(missing, [0]);
        assert!(incoming.write(&encoded(b"hello", 0), 0).expect("verified"));
        staging.symlink("l", "d/f").expect("made");
        assert!(!target.exists());
        staging.finish("", &target).expect("finished");
        assert_eq!(fs::read(target.join("l")).expect("read"), b"hello");
        let metadata = fs::metadata(target.join("d/f")).expect("there");
        assert_eq!(hash::Stamp::of(&metadata).mtime_ms(), -1_500);
        assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 1);
    }

    #[test]
    fn a_later_run_finds_what_arrived_and_what_did_not() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let target = folder.path().join("t");
        let bytes: Vec<u8> = (0..2_500_000u32).map(|at| (at % 251) as u8).collect();
        let staging = Staging::open(&target, &TREE, "").expect("opened");
        let (incoming, missing) = staging.incoming("big", &file(&bytes)).expect("prepared");
        assert_eq!(missing, [0, 1, 2]);
        assert!(
            !incoming
                .write(&encoded(&bytes, 1 << 20), 1 << 20)
                .expect("verified")
        );
        drop((incoming, staging));
        let staging = Staging::open(&target, &TREE, "").expect("opened again");
        let (incoming, missing) = staging.incoming("big", &file(&bytes)).expect("prepared");
        assert_eq!(missing, [0, 2]);
        assert!(!incoming.write(&encoded(&bytes, 0), 0).expect("verified"));
        assert!(
            incoming
                .write(&encoded(&bytes, 2 << 20), 2 << 20)
                .expect("verified")
        );
        staging.finish("big", &target).expect("finished");
        assert!(fs::read(&target).expect("read") == bytes);
    }

    #[test]
    fn a_wrong_byte_is_never_written() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let staging = Staging::open(&folder.path().join("t"), &TREE, "").expect("opened");
        let (incoming, _) = staging.incoming("f", &file(b"hello")).expect("prepared");
        assert!(matches!(
            incoming.write(b"hellO", 0),
            Err(StagingError::Mismatch)
        ));
        assert!(!incoming.path.exists());
    }

    #[test]
    fn two_transfers_do_not_share_a_staging_folder() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let target = folder.path().join("t");
        let first = Staging::open(&target, &TREE, "").expect("opened");
        assert!(matches!(
            Staging::open(&target, &TREE, ""),
            Err(StagingError::Busy(_))
        ));
        drop(first);
        assert!(Staging::open(&target, &TREE, "").is_ok());
    }

    #[test]
    fn nothing_is_replaced_but_an_empty_folder() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let target = folder.path().join("t");
        let open = || Staging::open(&target, &TREE, "").expect("opened");
        fs::write(&target, b"mine").expect("written");
        assert!(matches!(
            open().finish("", &target),
            Err(StagingError::TargetExists(_))
        ));
        assert_eq!(fs::read(&target).expect("read"), b"mine");
        fs::remove_file(&target).expect("removed");
        fs::create_dir(&target).expect("created");
        assert_eq!(occupied(&target).expect("looked"), Occupied::Free);
        fs::write(target.join("x"), b"mine").expect("written");
        assert_eq!(occupied(&target).expect("looked"), Occupied::Folder);
        assert!(matches!(
            open().finish("", &target),
            Err(StagingError::TargetExists(_))
        ));
        fs::remove_file(target.join("x")).expect("removed");
        open()
            .finish("", &target)
            .expect("an empty folder is replaced");
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_through_a_link_that_somebody_left_in_the_folder() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().expect("temporary folder");
        let outside = folder.path().join("outside");
        fs::create_dir(&outside).expect("created");
        fs::write(outside.join("victim"), b"safe").expect("written");
        let staging = Staging::open(&folder.path().join("t"), &TREE, "").expect("opened");
        symlink(&outside, staging.at("d")).expect("link");
        assert!(staging.directory("d").is_err());
        symlink(outside.join("victim"), staging.at("f")).expect("link");
        let (incoming, _) = staging.incoming("f", &file(b"hello")).expect("prepared");
        assert!(incoming.write(&encoded(b"hello", 0), 0).is_err());
        assert_eq!(fs::read(outside.join("victim")).expect("read"), b"safe");
    }
}
