//! Hashing files where they lie: the BLAKE3 hash and, in the same pass, the outboard that proves their ranges.
//!
//! The outboard is the tree's inner nodes in pre-order, 64 bytes each, down to groups of 16 KiB (bao-tree's pre-order
//! outboard without a size in front). In pre-order every subtree is one contiguous piece, so subtrees are hashed on all cores, each
//! into its own piece, by `blake3::hazmat`. The pieces are written as they come: what is held does not grow with the file.

use std::cell::RefCell;
use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use blake3::hazmat::{self, HasherExt as _, Mode};
use kith_core::content::wire::GROUP_BYTES;
use kith_core::ids::BlobHash;
use thiserror::Error;

use crate::data::pulse;

/// The bytes of one inner node: two hashes.
pub(super) const PARENT_BYTES: u64 = 64;

/// What one thread reads at once, in bytes: large enough that a read costs more than its call, small enough to stay in a processor's cache.
const PIECE_BYTES: u64 = 1 << 20;

/// How much of a file has the part of the outboard that is held until it is written at once, in bytes: 64 KiB of it on each thread. So a write costs
/// nothing beside the hashing.
const BATCH_BYTES: u64 = 16 << 20;

/// How often a file that changes while it is hashed is begun anew.
const ATTEMPTS_MAX: usize = 3;

/// How coarse file systems stamp, at most: the kernel's tick. Two writes within one leave the same time.
pub(crate) const TICK: Duration = Duration::from_millis(20);

/// By what a change of a file is noticed without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Its size, in bytes.
    pub size: u64,
    /// When it was modified last: nanoseconds since the Unix epoch, negative before it.
    pub mtime_ns: i64,
    /// When its content, its name or what else is kept of it changed last, as before: what edits a file and sets its time back, as those do
    /// that write captions into pictures, cannot set this. 0 where the system does not tell.
    pub ctime_ns: i64,
}

impl Stamp {
    /// The stamp in a file's metadata. Times outside of the years 1678 to 2262 count as the nearest within.
    pub fn of(metadata: &Metadata) -> Self {
        let mtime_ns =
            metadata
                .modified()
                .map_or(0, |time| match time.duration_since(UNIX_EPOCH) {
                    Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
                    Err(before) => {
                        i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos)
                    }
                });
        Self {
            size: metadata.len(),
            mtime_ns,
            ctime_ns: ctime_ns(metadata),
        }
    }

    /// The modification time in milliseconds, rounded down.
    pub fn mtime_ms(&self) -> i64 {
        self.mtime_ns.div_euclid(1_000_000)
    }
}

#[cfg(unix)]
fn ctime_ns(metadata: &Metadata) -> i64 {
    use std::os::unix::fs::MetadataExt as _;
    let nanos = metadata.ctime().saturating_mul(1_000_000_000);
    nanos.saturating_add(metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn ctime_ns(_: &Metadata) -> i64 {
    0
}

/// A file's hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashed {
    /// The hash of its content.
    pub hash: BlobHash,
    /// The stamp it had before and after it was read.
    pub stamp: Stamp,
}

/// Where an outboard goes while its file is hashed, in pieces that come in any order, from many threads.
pub(super) trait Sink: Sync {
    /// Writes a piece of it, of 64 KiB at most, from the place `at` on.
    fn write(&self, at: u64, piece: &[u8]) -> io::Result<()>;
}

/// Nobody wants it.
impl Sink for () {
    fn write(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

/// Why a file was not hashed.
#[derive(Debug, Error)]
pub enum HashError {
    /// It could not be read: what the system says; [`io::ErrorKind::ResourceBusy`] when it changes each time it is read.
    #[error(transparent)]
    Read(io::Error),
    /// Its outboard could not be kept.
    #[error(transparent)]
    Keep(io::Error),
}

impl From<HashError> for io::Error {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Read(error) | HashError::Keep(error) => error,
        }
    }
}

/// The size of the outboard of a blob, in bytes.
pub fn outboard_bytes(size: u64) -> u64 {
    size.div_ceil(GROUP_BYTES).saturating_sub(1) * PARENT_BYTES
}

/// Hashes the file at `path`, on all cores where it is large.
///
/// # Errors
/// What the system says; [`io::ErrorKind::ResourceBusy`] when the file changes each time it is read.
pub fn hash_file(path: &Path) -> io::Result<Hashed> {
    let (hashed, ()) = hash_file_to(path, |_| Ok(()))?;
    Ok(hashed)
}

/// The same, with its outboard, which goes to what `sink` makes for a file of so many bytes.
pub(super) fn hash_file_to<S: Sink>(
    path: &Path,
    sink: impl Fn(u64) -> io::Result<S>,
) -> Result<(Hashed, S), HashError> {
    for _ in 0..ATTEMPTS_MAX {
        let file = open_in_place(path).map_err(HashError::Read)?;
        let stamp = settled(&file).map_err(HashError::Read)?;
        let sink = sink(stamp.size).map_err(HashError::Keep)?;
        let hash = match hash_to(&file, stamp.size, &sink) {
            Err(HashError::Read(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                continue;
            }
            other => other?,
        };
        let metadata = file.metadata().map_err(HashError::Read)?;
        if Stamp::of(&metadata) == stamp {
            return Ok((Hashed { hash, stamp }, sink));
        }
    }
    Err(HashError::Read(changing()))
}

/// What is said of a file that is not what it was when it was looked at.
pub(super) fn changing() -> io::Error {
    io::Error::new(
        io::ErrorKind::ResourceBusy,
        "the file changes while it is read",
    )
}

/// A file's stamp, once a change of it would get another. This costs a tick where it was written just now, and nothing elsewhere.
fn settled(file: &File) -> io::Result<Stamp> {
    let metadata = file.metadata()?;
    let modified = metadata.modified()?;
    if let Ok(age) = modified.elapsed()
        && let Some(rest) = TICK.checked_sub(age)
    {
        std::thread::sleep(rest);
    }
    Ok(Stamp::of(&metadata))
}

/// Hashes bytes in memory, with their outboard.
pub fn hash_bytes(bytes: &[u8]) -> (BlobHash, Vec<u8>) {
    let size = bytes.len() as u64;
    if size <= GROUP_BYTES {
        return (BlobHash(*blake3::hash(bytes).as_bytes()), Vec::new());
    }
    let mut outboard = vec![0; index(outboard_bytes(size))];
    let (left, right) = children(bytes, 0, &mut outboard);
    (root(&left, &right), outboard)
}

/// Opens a regular file for reading, and nothing else: no link to elsewhere, no pipe that would wait for a writer.
///
/// # Errors
/// What the system says; [`io::ErrorKind::InvalidInput`] when it is no regular file.
pub fn open_in_place(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.custom_flags(flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ))
    }
}

/// Hashes `size` bytes of an open file.
///
/// # Errors
/// What the system says; [`io::ErrorKind::UnexpectedEof`] when it is shorter.
pub fn hash_open(file: &File, size: u64) -> io::Result<BlobHash> {
    Ok(hash_to(file, size, &())?)
}

/// Hashes an open file of at most 1 MiB, with its outboard.
///
/// # Errors
/// As [`hash_open`].
pub fn hash_small(file: &File, size: u64) -> io::Result<(BlobHash, Vec<u8>)> {
    read_piece(file, 0, size.min(PIECE_BYTES), hash_bytes)
}

/// Hashes `size` bytes of an open file, with their outboard.
pub(super) fn hash_to(file: &File, size: u64, sink: &dyn Sink) -> Result<BlobHash, HashError> {
    if size <= PIECE_BYTES {
        let (hash, outboard) = read_piece(file, 0, size, hash_bytes).map_err(HashError::Read)?;
        sink.write(0, &outboard).map_err(HashError::Keep)?;
        return Ok(hash);
    }
    let (left, right) = halves(file, 0, size, 0, sink)?;
    Ok(root(&left, &right))
}

/// The hashes of the two children of the node over `length` bytes at `offset`. It is written with all below, from `at` on.
fn halves(
    file: &File,
    offset: u64,
    length: u64,
    at: u64,
    sink: &dyn Sink,
) -> Result<([u8; 32], [u8; 32]), HashError> {
    if length <= BATCH_BYTES {
        let mut outboard = vec![0; index(outboard_bytes(length))];
        let hashes = batch_halves(file, offset, length, &mut outboard).map_err(HashError::Read)?;
        sink.write(at, &outboard).map_err(HashError::Keep)?;
        return Ok(hashes);
    }
    let left_bytes = hazmat::left_subtree_len(length);
    let left_at = at + PARENT_BYTES;
    let right_at = left_at + outboard_bytes(left_bytes);
    let (left, right) = rayon::join(
        || subtree(file, offset, left_bytes, left_at, sink),
        || {
            subtree(
                file,
                offset + left_bytes,
                length - left_bytes,
                right_at,
                sink,
            )
        },
    );
    let (left, right) = (left?, right?);
    let own = [left, right].concat();
    sink.write(at, &own).map_err(HashError::Keep)?;
    Ok((left, right))
}

/// The hash of a subtree that is not the root, and of more than one piece or the last one.
fn subtree(
    file: &File,
    offset: u64,
    length: u64,
    at: u64,
    sink: &dyn Sink,
) -> Result<[u8; 32], HashError> {
    if length <= PIECE_BYTES {
        let mut outboard = vec![0; index(outboard_bytes(length))];
        let hash = batch(file, offset, length, &mut outboard).map_err(HashError::Read)?;
        sink.write(at, &outboard).map_err(HashError::Keep)?;
        return Ok(hash);
    }
    let (left, right) = halves(file, offset, length, at, sink)?;
    Ok(hazmat::merge_subtrees_non_root(&left, &right, Mode::Hash))
}

/// [`halves`] of a batch, into its part of the outboard.
fn batch_halves(
    file: &File,
    offset: u64,
    length: u64,
    outboard: &mut [u8],
) -> io::Result<([u8; 32], [u8; 32])> {
    let left_bytes = hazmat::left_subtree_len(length);
    let (own, below) = outboard.split_at_mut(index(PARENT_BYTES));
    let (left_below, right_below) = below.split_at_mut(index(outboard_bytes(left_bytes)));
    let (left, right) = rayon::join(
        || batch(file, offset, left_bytes, left_below),
        || batch(file, offset + left_bytes, length - left_bytes, right_below),
    );
    let (left, right) = (left?, right?);
    own[..32].copy_from_slice(&left);
    own[32..].copy_from_slice(&right);
    Ok((left, right))
}

/// [`subtree`] of a batch.
fn batch(file: &File, offset: u64, length: u64, outboard: &mut [u8]) -> io::Result<[u8; 32]> {
    if length <= PIECE_BYTES {
        return read_piece(file, offset, length, |bytes| {
            subtree_bytes(bytes, offset, outboard)
        });
    }
    let (left, right) = batch_halves(file, offset, length, outboard)?;
    Ok(hazmat::merge_subtrees_non_root(&left, &right, Mode::Hash))
}

/// [`batch`] of bytes in memory.
fn subtree_bytes(bytes: &[u8], offset: u64, outboard: &mut [u8]) -> [u8; 32] {
    if bytes.len() as u64 <= GROUP_BYTES {
        let mut hasher = blake3::Hasher::new();
        hasher.set_input_offset(offset);
        return hasher.update(bytes).finalize_non_root();
    }
    let (left, right) = children(bytes, offset, outboard);
    hazmat::merge_subtrees_non_root(&left, &right, Mode::Hash)
}

/// [`batch_halves`] of bytes in memory.
fn children(bytes: &[u8], offset: u64, outboard: &mut [u8]) -> ([u8; 32], [u8; 32]) {
    let left_bytes = hazmat::left_subtree_len(bytes.len() as u64);
    let (own, below) = outboard.split_at_mut(index(PARENT_BYTES));
    let (left_below, right_below) = below.split_at_mut(index(outboard_bytes(left_bytes)));
    let (left, right) = bytes.split_at(index(left_bytes));
    let left = subtree_bytes(left, offset, left_below);
    let right = subtree_bytes(right, offset + left_bytes, right_below);
    own[..32].copy_from_slice(&left);
    own[32..].copy_from_slice(&right);
    (left, right)
}

/// The hash of the blob that this inner node is the topmost of.
pub(super) fn root_of(top: &[u8; PARENT_BYTES as usize]) -> BlobHash {
    let (left, right) = top.split_at(top.len() / 2);
    root(
        left.try_into().expect("a half of two hashes"),
        right.try_into().expect("a half of two hashes"),
    )
}

fn root(left: &[u8; 32], right: &[u8; 32]) -> BlobHash {
    BlobHash(*hazmat::merge_subtrees_root(left, right, Mode::Hash).as_bytes())
}

thread_local! {
    /// Each hashing thread's piece, kept because the first use of memory costs more than hashing it.
    static PIECE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Reads up to [`PIECE_BYTES`] and works on them.
fn read_piece<T>(
    file: &File,
    offset: u64,
    length: u64,
    work: impl FnOnce(&[u8]) -> T,
) -> io::Result<T> {
    PIECE.with_borrow_mut(|piece| {
        let length = index(length);
        if piece.len() < length {
            piece.resize(length, 0);
        }
        read_exact_at(file, &mut piece[..length], offset)?;
        pulse::beat();
        Ok(work(&piece[..length]))
    })
}

/// Reads exactly `buffer` from `offset` on.
///
/// # Errors
/// What the system says; [`io::ErrorKind::UnexpectedEof`] when the file ends before.
pub fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    use bao_tree::io::sync::ReadAt as _;
    file.read_exact_at(offset, buffer)
}

/// A size that is known to fit memory.
pub(super) fn index(bytes: u64) -> usize {
    usize::try_from(bytes).expect("outboards of files on this machine fit its address space")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use super::*;
    use bao_tree::io::outboard::PreOrderMemOutboard;
    use bao_tree::{BlockSize, blake3 as bao_blake3};

    /// Keeps what is written, and how much at once at most.
    #[derive(Default)]
    struct Written(Mutex<(BTreeMap<u64, Vec<u8>>, usize)>);

    impl Sink for Written {
        fn write(&self, at: u64, piece: &[u8]) -> io::Result<()> {
            let mut written = self.0.lock().expect("nobody panics");
            if !piece.is_empty() {
                written.1 = written.1.max(piece.len());
                assert_eq!(written.0.insert(at, piece.to_vec()), None, "once");
            }
            Ok(())
        }
    }

    impl Written {
        /// All of it; every byte was written once.
        fn all(self) -> (Vec<u8>, usize) {
            let (pieces, largest) = self.0.into_inner().expect("nobody panics");
            let mut all = Vec::new();
            for (at, piece) in pieces {
                assert_eq!(at, all.len() as u64, "nothing lies between");
                all.extend(piece);
            }
            (all, largest)
        }
    }

    fn sample(size: usize) -> Vec<u8> {
        (0..size).map(|at| (at * 31 % 251) as u8).collect()
    }

    #[test]
    fn hash_and_outboard_are_those_of_bao_tree_at_every_edge() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("f");
        let group = 16 * 1024;
        let sizes = [
            0,
            1,
            group - 1,
            group,
            group + 1,
            3 * group,
            64 * group,
            64 * group + 1,
            200 * group + 77,
        ];
        for size in sizes {
            let bytes = sample(size);
            std::fs::write(&path, &bytes).expect("written");
            let (hashed, written) =
                hash_file_to(&path, |_| Ok(Written::default())).expect("hashed");
            let outboard = written.all().0;
            let expected = PreOrderMemOutboard::create(&bytes, BlockSize::from_chunk_log(4));
            let root: bao_blake3::Hash = expected.root;
            assert_eq!(hashed.hash.as_bytes(), root.as_bytes(), "{size}");
            assert_eq!(outboard, expected.data, "{size}");
            assert_eq!(hash_bytes(&bytes), (hashed.hash, outboard), "{size}");
            assert_eq!(hash_file(&path).expect("hashed"), hashed, "without");
            assert_eq!(hashed.stamp.size, size as u64);
        }
    }

    #[test]
    fn of_the_outboard_of_a_large_file_little_is_held() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("f");
        let batch = usize::try_from(BATCH_BYTES).expect("small");
        // The last one leaves a piece over, and less than a group.
        for size in [
            batch,
            batch + 1,
            2 * batch,
            5 * batch,
            6 * batch + (1 << 20) + 77,
        ] {
            let bytes = sample(size);
            std::fs::write(&path, &bytes).expect("written");
            let (hashed, written) =
                hash_file_to(&path, |_| Ok(Written::default())).expect("hashed");
            let (outboard, largest) = written.all();
            assert_eq!(hash_bytes(&bytes), (hashed.hash, outboard), "{size}");
            assert!(largest <= 64 << 10, "{size}: {largest} at once");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_and_an_outboard_that_cannot_be_kept_are_told_apart() {
        struct Full;
        impl Sink for Full {
            fn write(&self, _: u64, _: &[u8]) -> io::Result<()> {
                Err(io::ErrorKind::StorageFull.into())
            }
        }
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("f");
        for size in [20_000, 3 << 20, 40 << 20] {
            std::fs::write(&path, sample(size)).expect("written");
            let kept = hash_file_to(&path, |_| Ok(Full));
            assert!(matches!(kept, Err(HashError::Keep(_))), "{size}");
        }
        let read = hash_file_to(&folder.path().join("gone"), |_| Ok(Full));
        assert!(matches!(read, Err(HashError::Read(_))));
    }

    #[test]
    fn a_stamp_is_older_than_a_tick_when_it_counts() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("f");
        std::fs::write(&path, b"just now").expect("written");
        hash_file(&path).expect("hashed");
        let modified = std::fs::metadata(&path).and_then(|metadata| metadata.modified());
        let age = modified.expect("there").elapsed().expect("in the past");
        assert!(age >= TICK, "{age:?}");
    }

    #[cfg(unix)]
    #[test]
    fn links_and_folders_are_not_opened_as_files() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let link = folder.path().join("l");
        std::os::unix::fs::symlink("/etc/hostname", &link).expect("link");
        assert!(hash_file(&link).is_err());
        assert!(hash_file(folder.path()).is_err());
    }
}
