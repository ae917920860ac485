//! What arrived of a download is taken along to another folder, where it goes on.
//!
//! Within one file system its staging folder is renamed. To another one it is copied under a name that is no staging folder's, made durable, renamed,
//! and only then removed where it was: whatever happens on the way, all of it lies in one of the two, and half of it is taken for nothing. A copy
//! that was interrupted is removed by the next, or by the next download beside it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use kith_core::crypto;
use kith_core::ids::BlobHash;

use crate::data::barrier;
use crate::data::disk::{self, StagingError};
use crate::data::hash;
use crate::data::older::{Older, Purpose};
use crate::data::places::{copy_name, is_staging, staging_name};

/// What the name of one is derived under that finds its own taken.
const CONTEXT: &str = "kith/1 staging folder beside another";

/// How many names are tried: each is another download's, or a moved one's.
const NAMES_MAX: u8 = 8;

/// What is copied before the files that it belongs to: inner nodes without their file are of no harm.
const FIRST: [&str; 3] = ["nodes", "links", "outboards"];

/// How one is renamed: for tests that have another file system there.
type Rename = fn(&Path, &Path) -> io::Result<()>;

/// A staging folder that is in its new place, and still in the old one where it was copied.
#[derive(Debug)]
struct Moved {
    from: PathBuf,
    to: PathBuf,
    /// The hold on it.
    copied: Option<File>,
}

/// Takes the staging folder at `folder`, and what arrived beside it of other versions, along into `parent`. Where it is then; `None` where nothing
/// has arrived, or it lies there already. Where something of the same lies there, it lies beside that, and its next run takes from both.
///
/// # Errors
/// [`StagingError::Busy`] when somebody holds it; [`StagingError::TargetExists`] for what is no staging folder; [`StagingError::DiskFull`] where
/// there is no room; else what the system says. All of it lies where it lay then.
pub fn relocate(folder: &Path, parent: &Path) -> Result<Option<PathBuf>, StagingError> {
    relocate_by(folder, parent, |from, to| fs::rename(from, to))
}

fn relocate_by(
    folder: &Path,
    parent: &Path,
    rename: Rename,
) -> Result<Option<PathBuf>, StagingError> {
    let name = folder.file_name().and_then(|name| name.to_str());
    if !name.is_some_and(is_staging) {
        return Err(StagingError::TargetExists(folder.to_owned()));
    }
    let lock = match hash::open_in_place(&folder.join("lock")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    if lock.try_lock().is_err() {
        return Err(StagingError::Busy(folder.to_owned()));
    }
    fs::create_dir_all(parent)?;
    if disk::parent(folder).canonicalize()? == parent.canonicalize()? {
        return Ok(None);
    }
    // Held until they are there, too.
    let older = match Purpose::read(&lock) {
        Ok(purpose) => Older::find(disk::parent(folder), folder, purpose)?,
        Err(_) => Vec::new(),
    };
    let others = older.iter().filter_map(Older::folder);
    let mut moved = Vec::new();
    for from in std::iter::once(folder).chain(others) {
        match move_into(from, parent, rename) {
            Ok(one) => moved.push(one),
            Err(error) => {
                moved.into_iter().for_each(|moved| moved.undo(rename));
                return Err(error);
            }
        }
    }
    barrier::folder(parent)?;
    let to = moved.first().map(|moved| moved.to.clone());
    moved.into_iter().for_each(Moved::complete);
    Ok(to)
}

impl Moved {
    /// All are there: this one need not be where it was.
    fn complete(self) {
        if self.copied.is_some()
            && let Err(error) = fs::remove_dir_all(&self.from)
        {
            // A disk that breaks takes no writes. What is left there is not needed.
            tracing::warn!(%error, "what was taken along is left where it was, too");
        }
    }

    /// Not all of them can be moved: this one is where it was, and nowhere else.
    fn undo(self, rename: Rename) {
        let undone = match self.copied {
            Some(_) => fs::remove_dir_all(&self.to),
            None => rename(&self.to, &self.from),
        };
        if let Err(error) = undone {
            tracing::warn!(%error, "a part of what has arrived lies in the other folder");
        }
    }
}

/// Moves one under its own name, or another where that is taken.
fn move_into(folder: &Path, parent: &Path, rename: Rename) -> Result<Moved, StagingError> {
    let own = folder.file_name().unwrap_or_default();
    let others = (0..NAMES_MAX).map(|number| {
        let key = crypto::derive(CONTEXT, &[own.as_encoded_bytes(), &[number]]);
        parent.join(staging_name(&BlobHash(key)))
    });
    for to in std::iter::once(parent.join(own)).chain(others) {
        if fs::symlink_metadata(&to).is_ok() {
            continue;
        }
        let copied = match rename(folder, &to) {
            Ok(()) => None,
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => Some(copy(folder, &to)?),
            Err(error) => return Err(error.into()),
        };
        let from = folder.to_owned();
        return Ok(Moved { from, to, copied });
    }
    Err(StagingError::TargetExists(parent.join(own)))
}

/// Copies one, durably, and holds it; what of a copy that does not end is removed.
fn copy(from: &Path, to: &Path) -> Result<File, StagingError> {
    let name = to.file_name().and_then(|name| name.to_str());
    let growing = to.with_file_name(name.map(copy_name).unwrap_or_default());
    let lock = begin_copy(&growing)?;
    let copied = || -> io::Result<()> {
        for name in FIRST {
            let first = from.join(name);
            if fs::symlink_metadata(&first).is_ok() {
                copy_any(&first, &growing.join(name))?;
            }
        }
        copy_any(&from.join("tree"), &growing.join("tree"))?;
        copy_into(&hash::open_in_place(&from.join("lock"))?, &lock)?;
        barrier::tree(&growing)?;
        disk::rename_new(&growing, to)
    };
    copied().map_err(|error| {
        // What is left of it is as good as nothing.
        let _ = fs::remove_dir_all(&growing);
        StagingError::from(error)
    })?;
    Ok(lock)
}

/// Makes the folder that a copy grows in, empty, and holds it: nobody takes it for an interrupted one while it is made.
fn begin_copy(growing: &Path) -> Result<File, StagingError> {
    disk::make_directory(growing, 0o700)?;
    let lock = disk::create_file(&growing.join("lock"), false)?;
    match lock.try_lock() {
        // Whoever had it may have removed it.
        Ok(()) if growing.join("lock").exists() => {}
        Ok(()) | Err(TryLockError::WouldBlock) => {
            return Err(StagingError::Busy(growing.to_owned()));
        }
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    for entry in fs::read_dir(growing)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else if entry.file_name() != "lock" {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(lock)
}

fn copy_any(from: &Path, to: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(from)?;
    if metadata.is_dir() {
        disk::make_directory(to, 0o777)?;
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            copy_any(&from.join(&name), &to.join(&name))?;
        }
        fs::set_permissions(to, metadata.permissions())
    } else if metadata.is_file() {
        copy_file(from, to).map(drop)
    } else {
        // A link that was made last, and is made anew.
        Ok(())
    }
}

/// Copies a file with its mode and time; what of it was never written takes no room.
fn copy_file(from: &Path, to: &Path) -> io::Result<File> {
    let target = disk::create_file(to, false)?;
    copy_into(&hash::open_in_place(from)?, &target)?;
    Ok(target)
}

fn copy_into(source: &File, target: &File) -> io::Result<()> {
    let metadata = source.metadata()?;
    target.set_len(metadata.len())?;
    let mut at = 0;
    while let Some((start, end)) = data_from(source, at, metadata.len())? {
        copy_part(source, target, start, end)?;
        at = end;
    }
    target.set_permissions(metadata.permissions())?;
    target.set_modified(metadata.modified()?)
}

fn copy_part(mut source: &File, mut target: &File, start: u64, end: u64) -> io::Result<()> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    source.seek(SeekFrom::Start(start))?;
    target.seek(SeekFrom::Start(start))?;
    io::copy(&mut source.take(end - start), &mut target).map(drop)
}

/// The next stretch of a file in which something was written.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn data_from(file: &File, at: u64, size: u64) -> io::Result<Option<(u64, u64)>> {
    use rustix::fs::{SeekFrom, seek};
    use rustix::io::Errno;
    if at >= size {
        return Ok(None);
    }
    let start = match seek(file, SeekFrom::Data(at)) {
        Ok(start) => start,
        Err(Errno::NXIO) => return Ok(None),
        // The file system does not know.
        Err(Errno::INVAL) => return Ok(Some((at, size))),
        Err(error) => return Err(error.into()),
    };
    let end = seek(file, SeekFrom::Hole(start))?;
    Ok((start < size).then_some((start, end.min(size))))
}

/// The next stretch of a file in which something was written: all of it, where that is not known.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn data_from(_: &File, at: u64, size: u64) -> io::Result<Option<(u64, u64)>> {
    Ok((at < size).then_some((at, size)))
}

#[cfg(test)]
mod tests {
    use kith_core::ids::ShareId;

    use super::*;
    use crate::data::staging::{Download, Staging};
    use crate::data::wanted::wanted;

    const GROUP: u64 = 16 << 10;

    fn open(parent: &Path, version: u8) -> Staging {
        let download = Download {
            share: &ShareId([9; 32]),
            tree: &BlobHash([version; 32]),
            filter: "",
        };
        Staging::open(&parent.join("holiday"), download).expect("opened")
    }

    /// A file that an earlier run has fetched.
    fn whole(staging: &Staging, path: &str, bytes: &[u8]) {
        staging.parents(path).expect("made");
        let at = staging.places(PathBuf::new()).growing(path);
        fs::write(at, bytes).expect("written");
    }

    fn missing(staging: &Staging, path: &str, bytes: &[u8]) -> u64 {
        staging.parents(path).expect("made");
        let incoming = staging.incoming(path, &wanted(bytes)).expect("prepared");
        let missing = incoming.missing().into_iter();
        missing.map(|part| part.end - part.start).sum()
    }

    fn crossing(_: &Path, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::CrossesDevices.into())
    }

    #[test]
    fn what_arrived_is_found_in_another_folder_of_the_same_file_system_and_of_another() {
        let (one, two) = (vec![1; 100_000], vec![2; 50_000]);
        let node = hash::hash_bytes(b"a node").0;
        for is_copied in [false, true] {
            let place = tempfile::tempdir().expect("temporary folder");
            let (was, is) = (place.path().join("was"), place.path().join("is"));
            let staging = open(&was, 1);
            whole(&staging, "d/one", &one);
            staging.keep_node(&node, b"a node").expect("kept");
            let folder = staging.folder().to_owned();
            drop(staging);
            let moved = match is_copied {
                false => relocate(&folder, &is),
                true => relocate_by(&folder, &is, crossing),
            };
            let moved = moved.expect("taken along");
            assert_eq!(moved, Some(is.join(folder.file_name().expect("named"))));
            assert!(!folder.exists(), "nothing lies there twice");
            let staging = open(&is, 1);
            assert_eq!(missing(&staging, "d/one", &one), 0);
            assert_eq!(missing(&staging, "d/two", &two), two.len() as u64);
            let kept = staging.nodes.get(&node).expect("read");
            assert_eq!(kept.as_deref(), Some(b"a node".as_slice()));
        }
    }

    #[test]
    fn where_the_same_has_arrived_both_are_taken_from_and_other_versions_come_along() {
        let place = tempfile::tempdir().expect("temporary folder");
        let (was, is) = (place.path().join("was"), place.path().join("is"));
        let files: Vec<Vec<u8>> = (1..4u8).map(|byte| vec![byte; 60_000]).collect();
        for (parent, version, number) in [(&was, 1, 0), (&was, 2, 1), (&is, 1, 2)] {
            whole(&open(parent, version), &number.to_string(), &files[number]);
        }
        let folder = open(&was, 1).folder().to_owned();
        let moved = relocate(&folder, &is).expect("moved").expect("there");
        assert_ne!(moved.file_name(), folder.file_name());
        assert_eq!(fs::read_dir(&was).expect("there").count(), 0);
        let staging = open(&is, 1);
        for (number, bytes) in files.iter().enumerate() {
            assert_eq!(missing(&staging, &number.to_string(), bytes), 0, "{number}");
        }
        staging.remove_older().expect("removed");
        assert_eq!(fs::read_dir(&is).expect("there").count(), 1);
    }

    #[test]
    fn what_is_held_or_is_none_stays_and_what_is_gone_or_there_already_is_no_error() {
        let place = tempfile::tempdir().expect("temporary folder");
        let (was, is) = (place.path().join("was"), place.path().join("is"));
        let staging = open(&was, 1);
        let folder = staging.folder().to_owned();
        let busy = relocate(&folder, &is);
        assert!(matches!(busy, Err(StagingError::Busy(_))), "{busy:?}");
        drop(staging);
        assert_eq!(relocate(&folder, &was).expect("looked"), None);
        let none = relocate(&was, &is);
        assert!(matches!(none, Err(StagingError::TargetExists(_))));
        assert!(relocate(&folder, &is).expect("moved").is_some());
        assert_eq!(relocate(&folder, &is).expect("looked"), None);
        // A file stands where the folder is to be.
        fs::write(place.path().join("file"), b"").expect("written");
        let moved = is.join(folder.file_name().expect("named"));
        relocate(&moved, &place.path().join("file")).expect_err("no folder");
        assert!(moved.exists());
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("there");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("read").file_name().into_string();
        let mut names: Vec<_> = entries.map(|entry| name(entry).expect("a text")).collect();
        names.sort();
        names
    }

    #[test]
    fn half_a_copy_counts_for_nothing_and_is_removed_by_the_next_or_the_next_download() {
        let bytes = vec![1; 100_000];
        for is_again in [true, false] {
            let place = tempfile::tempdir().expect("temporary folder");
            let (was, is) = (place.path().join("was"), place.path().join("is"));
            let staging = open(&was, 1);
            whole(&staging, "one", &bytes);
            let folder = staging.folder().to_owned();
            drop(staging);
            let own = folder.file_name().and_then(|name| name.to_str());
            let own = own.expect("a text");
            // Its process was killed while it copied.
            let half = is.join(copy_name(own));
            fs::create_dir(&is).expect("made");
            drop(begin_copy(&half).expect("begun"));
            fs::create_dir(half.join("tree")).expect("made");
            fs::write(half.join("tree/one"), &bytes[1..]).expect("written");
            fs::write(half.join("nodes"), b"no").expect("written");
            if is_again {
                let moved = relocate_by(&folder, &is, crossing).expect("copied");
                assert_eq!(moved, Some(is.join(own)));
                assert_eq!(missing(&open(&is, 1), "one", &bytes), 0);
            } else {
                let lacks = missing(&open(&is, 1), "one", &bytes);
                assert_eq!(lacks, bytes.len() as u64);
            }
            assert_eq!(names(&is), [own]);
        }
    }

    #[test]
    fn a_copy_that_is_being_made_stays_and_is_none_of_a_share() {
        let place = tempfile::tempdir().expect("temporary folder");
        let name = copy_name(&staging_name(&BlobHash([3; 32])));
        assert!(!is_staging(&name) && crate::data::places::is_of_download(&name));
        let growing = place.path().join(&name);
        let held = begin_copy(&growing).expect("begun");
        open(place.path(), 1);
        assert!(growing.join("lock").exists());
        let busy = begin_copy(&growing);
        assert!(matches!(busy, Err(StagingError::Busy(_))), "{busy:?}");
        drop(held);
        open(place.path(), 1);
        assert!(!growing.exists());
    }

    #[test]
    fn where_one_of_several_cannot_be_moved_all_lie_where_they_lay() {
        // The second cannot be renamed, or cannot be copied.
        let second: Rename = |from, to| match from.join("tree/2").exists() {
            true => Err(io::ErrorKind::PermissionDenied.into()),
            false => fs::rename(from, to),
        };
        for (rename, is_copied) in [(second, false), (crossing as Rename, true)] {
            let place = tempfile::tempdir().expect("temporary folder");
            let (was, is) = (place.path().join("was"), place.path().join("is"));
            for version in [1, 2] {
                whole(&open(&was, version), &version.to_string(), b"arrived");
            }
            let before = names(&was);
            let folder = open(&was, 1).folder().to_owned();
            if is_copied {
                let other = before.iter().map(|name| was.join(name));
                let other = other.into_iter().find(|other| *other != folder);
                fs::remove_dir_all(other.expect("two").join("tree")).expect("removed");
            }
            relocate_by(&folder, &is, rename).expect_err("not all");
            assert_eq!(names(&was), before);
            assert!(folder.join("tree/1").exists());
            assert!(names(&is).is_empty(), "{:?}", names(&is));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_was_never_written_takes_no_room_in_the_copy() {
        use std::os::unix::fs::{FileExt as _, MetadataExt as _};
        let place = tempfile::tempdir().expect("temporary folder");
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        let file = disk::create_file(&from, true).expect("made");
        file.set_len(1 << 30).expect("sparse");
        for at in [0, 300 << 20, (1 << 30) - GROUP] {
            file.write_all_at(&[7; GROUP as usize], at)
                .expect("written");
        }
        let (was, is) = (file.metadata(), copy_file(&from, &to));
        let (was, is) = (was.expect("there"), is.expect("copied"));
        let is = is.metadata().expect("there");
        assert_eq!((is.len(), is.mode()), (was.len(), was.mode()));
        assert_eq!(
            is.modified().expect("a time"),
            was.modified().expect("a time")
        );
        assert!(is.blocks() * 512 < 8 << 20, "{}", is.blocks());
        let hashed = |path| hash::hash_file(path).expect("hashed").hash;
        assert_eq!(hashed(&from), hashed(&to));
    }
}
