//! Hashing files where they lie: the BLAKE3 hash and, in the same pass, the outboard that proves their ranges.
//!
//! The outboard is the tree's inner nodes in pre-order, 64 bytes each, down to groups of 16 KiB (bao-tree's pre-order
//! outboard without a size in front). In pre-order every subtree is one contiguous piece, so subtrees are hashed on all cores, each
//! into its own piece, by `blake3::hazmat`.

use std::cell::RefCell;
use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use blake3::hazmat::{self, HasherExt as _, Mode};
use kith_core::content::wire::GROUP_BYTES;
use kith_core::ids::BlobHash;

/// The bytes of one inner node: two hashes.
pub(super) const PARENT_BYTES: u64 = 64;

/// What one thread reads at once, in bytes: large enough that a read costs more than its call, small enough to stay in a processor's cache.
const PIECE_BYTES: u64 = 1 << 20;

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
    /// The inner nodes; empty up to one group.
    pub outboard: Vec<u8>,
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
    for _ in 0..ATTEMPTS_MAX {
        let file = open_in_place(path)?;
        let stamp = Stamp::of(&file.metadata()?);
        settle(&file)?;
        let hashed = match hash_open(&file, stamp.size) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
            other => other?,
        };
        if Stamp::of(&file.metadata()?) == stamp {
            let (hash, outboard) = hashed;
            return Ok(Hashed {
                hash,
                stamp,
                outboard,
            });
        }
    }
    Err(changing())
}

/// What is said of a file that is not what it was when it was looked at.
pub(super) fn changing() -> io::Error {
    io::Error::new(
        io::ErrorKind::ResourceBusy,
        "the file changes while it is read",
    )
}

/// Waits until a change of the file would get another stamp. This costs a tick where a file was written just now, and nothing elsewhere.
fn settle(file: &File) -> io::Result<()> {
    let modified = file.metadata()?.modified()?;
    if let Ok(age) = modified.elapsed()
        && let Some(rest) = TICK.checked_sub(age)
    {
        std::thread::sleep(rest);
    }
    Ok(())
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

/// Hashes `size` bytes of an open file, with their outboard.
///
/// # Errors
/// What the system says; [`io::ErrorKind::UnexpectedEof`] when it is shorter.
pub fn hash_open(file: &File, size: u64) -> io::Result<(BlobHash, Vec<u8>)> {
    if size <= PIECE_BYTES {
        return read_piece(file, 0, size, hash_bytes);
    }
    let mut outboard = vec![0; index(outboard_bytes(size))];
    let (left, right) = halves(file, 0, size, &mut outboard)?;
    Ok((root(&left, &right), outboard))
}

/// The hashes of the two children of the node over `length` bytes at `offset`, which it writes with all below into `outboard`.
fn halves(
    file: &File,
    offset: u64,
    length: u64,
    outboard: &mut [u8],
) -> io::Result<([u8; 32], [u8; 32])> {
    let left_bytes = hazmat::left_subtree_len(length);
    let (own, below) = outboard.split_at_mut(index(PARENT_BYTES));
    let (left_below, right_below) = below.split_at_mut(index(outboard_bytes(left_bytes)));
    let (left, right) = rayon::join(
        || subtree(file, offset, left_bytes, left_below),
        || subtree(file, offset + left_bytes, length - left_bytes, right_below),
    );
    let (left, right) = (left?, right?);
    own[..32].copy_from_slice(&left);
    own[32..].copy_from_slice(&right);
    Ok((left, right))
}

/// The hash of a subtree that is not the root.
fn subtree(file: &File, offset: u64, length: u64, outboard: &mut [u8]) -> io::Result<[u8; 32]> {
    if length <= PIECE_BYTES {
        return read_piece(file, offset, length, |bytes| {
            subtree_bytes(bytes, offset, outboard)
        });
    }
    let (left, right) = halves(file, offset, length, outboard)?;
    Ok(hazmat::merge_subtrees_non_root(&left, &right, Mode::Hash))
}

/// [`subtree`] of bytes in memory.
fn subtree_bytes(bytes: &[u8], offset: u64, outboard: &mut [u8]) -> [u8; 32] {
    if bytes.len() as u64 <= GROUP_BYTES {
        let mut hasher = blake3::Hasher::new();
        hasher.set_input_offset(offset);
        return hasher.update(bytes).finalize_non_root();
    }
    let (left, right) = children(bytes, offset, outboard);
    hazmat::merge_subtrees_non_root(&left, &right, Mode::Hash)
}

/// [`halves`] of bytes in memory.
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
    use super::*;
    use bao_tree::io::outboard::PreOrderMemOutboard;
    use bao_tree::{BlockSize, blake3 as bao_blake3};

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
            let hashed = hash_file(&path).expect("hashed");
            let expected = PreOrderMemOutboard::create(&bytes, BlockSize::from_chunk_log(4));
            let root: bao_blake3::Hash = expected.root;
            assert_eq!(hashed.hash.as_bytes(), root.as_bytes(), "{size}");
            assert_eq!(hashed.outboard, expected.data, "{size}");
            assert_eq!(hash_bytes(&bytes), (hashed.hash, hashed.outboard), "{size}");
            assert_eq!(hashed.stamp.size, size as u64);
        }
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
