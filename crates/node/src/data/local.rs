//! A file that is to arrive and lies here already, somewhere else: it is cloned where the file system can (`FICLONE`: btrfs, XFS, bcachefs
//! share the blocks until one of the two is written), else copied. Either way what came of it is hashed before it counts.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::PathBuf;

use crate::data::disk::{self, StagingError};
use crate::data::hash::{self, Stamp};
use crate::data::incoming::{Brought, Incoming};

/// How much is copied at once, in bytes: large enough that a call costs nothing beside it, small enough to stay in a processor's cache.
const PIECE_BYTES: usize = 1 << 20;

/// Where a file lies, and how it was when it was known to hold what is looked for.
pub type Candidate = (PathBuf, Stamp);

/// Makes a file whole from the first candidate that holds its content; `None` when none does. Nothing of it must have arrived before.
///
/// # Errors
/// [`StagingError`] for what the disk says of the new file; a candidate that cannot be read is passed by.
pub fn bring(
    incoming: &Incoming,
    candidates: &[Candidate],
) -> Result<Option<Brought>, StagingError> {
    for (path, stamp) in candidates {
        let Ok(source) = hash::open_in_place(path) else {
            continue;
        };
        let metadata = source.metadata();
        let is_as_it_was = metadata.is_ok_and(|metadata| Stamp::of(&metadata) == *stamp);
        if is_as_it_was
            && stamp.size == incoming.blob.size
            && let Some(brought) = copy(source, incoming)?
        {
            return Ok(Some(brought));
        }
    }
    Ok(None)
}

/// Clones or copies, and compares the hash.
fn copy(source: File, incoming: &Incoming) -> Result<Option<Brought>, StagingError> {
    let target = incoming.create()?;
    let size = incoming.blob.size;
    let hash = if clone(&source, &target) {
        match hash::hash_open(&target, size) {
            Ok(hash) => hash.0,
            // It became shorter meanwhile.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return incoming.discard(&target);
            }
            Err(error) => return Err(error.into()),
        }
    } else {
        // What shares its blocks takes no room.
        disk::ask_room(disk::parent(incoming.path()), size)?;
        match copy_hashed(source, &target)? {
            Some(hash) => *hash.as_bytes(),
            None => return incoming.discard(&target),
        }
    };
    if hash != incoming.blob.hash.0 {
        return incoming.discard(&target);
    }
    Ok(Some(incoming.complete(target)?))
}

/// Shares the blocks of a file; false where the file system cannot, or not between these two.
#[cfg(target_os = "linux")]
fn clone(source: &File, target: &File) -> bool {
    rustix::fs::ioctl_ficlone(target, source).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn clone(_: &File, _: &File) -> bool {
    false
}

/// Copies, and hashes on the way; `None` when the source cannot be read.
fn copy_hashed(mut source: File, mut target: &File) -> io::Result<Option<blake3::Hash>> {
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = match source.read(&mut piece) {
            Ok(0) => return Ok(Some(hasher.finalize())),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return Ok(None),
        };
        hasher.update(&piece[..read]);
        target.write_all(&piece[..read])?;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use kith_core::ids::{BlobHash, ShareId};

    use super::*;
    use crate::data::staging::{Download, Staging};
    use crate::data::wanted::wanted;

    fn candidate(path: &Path) -> Candidate {
        let metadata = fs::metadata(path).expect("there");
        (path.to_owned(), Stamp::of(&metadata))
    }

    fn open(target: &Path) -> Result<Staging, StagingError> {
        let (share, tree) = (&ShareId([9; 32]), &BlobHash([1; 32]));
        let filter = "";
        let download = Download {
            share,
            tree,
            filter,
        };
        Staging::open(target, download)
    }

    #[test]
    fn a_file_is_made_of_the_first_candidate_that_holds_it() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let at = |name: &str| folder.path().join(name);
        let bytes: Vec<u8> = (0..3_000_000u32).map(|at| (at % 251) as u8).collect();
        let mut other = bytes.clone();
        other[2_999_999] ^= 1;
        fs::write(at("lies"), &other).expect("written");
        fs::write(at("holds"), &bytes).expect("written");
        fs::write(at("shorter"), &bytes[1..]).expect("written");
        let target = at("target");
        let staging = open(&target).expect("opened");
        let incoming = staging.incoming("f", &wanted(&bytes)).expect("prepared");
        assert_eq!(
            incoming.missing().as_slice(),
            std::slice::from_ref(&(0..bytes.len() as u64))
        );
        let gone = (at("gone"), candidate(&at("holds")).1);
        let useless = [candidate(&at("lies")), candidate(&at("shorter")), gone];
        assert_eq!(bring(&incoming, &useless).expect("looked"), None);
        assert_eq!(fs::metadata(incoming.path()).expect("there").len(), 0);
        let all = [candidate(&at("lies")), candidate(&at("holds"))];
        let brought = bring(&incoming, &all).expect("looked").expect("copied");
        assert_eq!(brought.bytes, bytes.len() as u64);
        staging.finish("f", &target).expect("finished");
        assert!(fs::read(&target).expect("there") == bytes);
        let metadata = fs::metadata(&target).expect("there");
        assert_eq!(Stamp::of(&metadata).mtime_ms(), 5_000);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_ne!(metadata.permissions().mode() & 0o100, 0, "executable");
        }
    }

    #[test]
    fn a_candidate_that_changed_since_is_not_read() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let source = folder.path().join("source");
        fs::write(&source, b"content").expect("written");
        let (path, stamp) = candidate(&source);
        let older = Stamp {
            mtime_ns: stamp.mtime_ns - 1,
            ..stamp
        };
        let target = folder.path().join("target");
        let staging = open(&target).expect("opened");
        let incoming = staging
            .incoming("f", &wanted(b"content"))
            .expect("prepared");
        let brought = bring(&incoming, &[(path, older)]);
        assert_eq!(brought.expect("looked"), None);
        assert!(!incoming.path().exists());
    }
}
