//! The few ways in which a download touches the disk.
//!
//! Files are opened without following links, directories are made or are real ones, and the final name is taken without replacing anything but an empty
//! folder.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thiserror::Error;

use crate::data::hash::{self, Stamp};
use crate::data::range::{Blob, Mismatch};

/// From this size on it is asked beforehand whether there is room for a file: smaller ones cost less than the asking.
const ROOM_ASKED_FROM: u64 = 16 << 20;

/// From so many files on it is asked beforehand whether there is room for them, however small they are.
const FILES_ASKED_FROM: u64 = 1_000;

/// Why a download cannot go on, or cannot end.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StagingError {
    /// Another process, or another transfer, fetches the same to the same place.
    #[error("the same is being fetched to {0} already")]
    Busy(PathBuf),
    /// There is something else under the target's name, or in the target where a file of it is to be.
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

impl From<Mismatch> for StagingError {
    fn from(_: Mismatch) -> Self {
        Self::Mismatch
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
    /// A folder with something in it, or one that is a file system of its own: that is not replaced.
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
        return Ok(if is_empty && is_one_device(parent(target), &metadata)? {
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

/// Whether a name in the folder `one` can be moved to the folder `other`: both are on one device.
pub fn is_one_device(one: &Path, other: &fs::Metadata) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        Ok(fs::metadata(one)?.dev() == other.dev())
    }
    #[cfg(not(unix))]
    {
        let _ = (one, other);
        Ok(true)
    }
}

/// Says before a file of so many bytes is written into `folder` that there is no room for it, where that can be known.
///
/// # Errors
/// [`StagingError::DiskFull`]; else what the system says.
pub(super) fn ask_room(folder: &Path, bytes: u64) -> Result<(), StagingError> {
    match bytes >= ROOM_ASKED_FROM && !has_room(folder, bytes)? {
        true => Err(StagingError::DiskFull),
        false => Ok(()),
    }
}

/// Says before anything of so many files is made in `folder` that there is no room for them, where that can be known.
///
/// # Errors
/// [`StagingError::DiskFull`]; else what the system says.
pub(super) fn ask_files(folder: &Path, files: u64) -> Result<(), StagingError> {
    match files >= FILES_ASKED_FROM && !has_files(folder, files)? {
        true => Err(StagingError::DiskFull),
        false => Ok(()),
    }
}

/// Whether the file system of `folder` can have so many files more, as far as it says: some have no bound, and say 0.
fn has_files(folder: &Path, files: u64) -> io::Result<bool> {
    #[cfg(unix)]
    {
        let system = rustix::fs::statvfs(folder)?;
        Ok(system.f_files == 0 || files <= system.f_favail)
    }
    #[cfg(not(unix))]
    {
        let _ = (folder, files);
        Ok(true)
    }
}

/// Whether the file system of `folder` has room for so many bytes more, as far as it says.
pub(super) fn has_room(folder: &Path, bytes: u64) -> io::Result<bool> {
    #[cfg(unix)]
    {
        let system = rustix::fs::statvfs(folder)?;
        let free = u128::from(system.f_bavail) * u128::from(system.f_frsize);
        Ok(u128::from(bytes) <= free)
    }
    #[cfg(not(unix))]
    {
        let _ = (folder, bytes);
        Ok(true)
    }
}

/// The folder that a target lies in.
pub fn parent(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Renames without replacing anything but an empty folder.
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
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

/// Each takes the other's place, in one step; false where the file system cannot.
pub(super) fn exchange(one: &Path, other: &Path) -> io::Result<bool> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
            Err(Errno::INVAL | Errno::NOSYS) => Ok(false),
            exchanged => Ok(exchanged.map(|()| true)?),
        }
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = (one, other);
        Ok(false)
    }
}

/// Puts a file in the place of another that still has this stamp, as far as a rename leaves it; false where it has another, which stays then, with what
/// was to replace it. Where the file system can exchange them, nothing that comes there at the last instant is lost.
pub(crate) fn replace(new: &Path, at: &Path, stamp: Stamp) -> io::Result<bool> {
    replace_if(new, at, stamp, fs::Metadata::is_file)
}

/// The same with symbolic links.
pub(crate) fn replace_link(new: &Path, at: &Path, stamp: Stamp) -> io::Result<bool> {
    replace_if(new, at, stamp, fs::Metadata::is_symlink)
}

fn replace_if(
    new: &Path,
    at: &Path,
    stamp: Stamp,
    is_kind: impl Fn(&fs::Metadata) -> bool,
) -> io::Result<bool> {
    match exchange(new, at) {
        Ok(true) => {}
        Ok(false) => return fs::rename(new, at).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    }
    let out = fs::symlink_metadata(new)?;
    let found = Stamp::of(&out);
    if is_kind(&out) && (found.size, found.mtime_ns) == (stamp.size, stamp.mtime_ns) {
        fs::remove_file(new)?;
        return Ok(true);
    }
    exchange(new, at)?;
    Ok(false)
}

/// Removes a file; one that is gone is removed.
pub(crate) fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a directory; false when a real one is there already.
pub(crate) fn make_directory(path: &Path, mode: u32) -> io::Result<bool> {
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
pub(super) fn create_file(path: &Path, executable: bool) -> io::Result<File> {
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
pub(crate) fn make_symlink(target: &str, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(windows)]
pub(crate) fn make_symlink(target: &str, at: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(target, at)
}

/// Whether its owner may run a file.
pub(crate) fn is_executable(metadata: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        metadata.permissions().mode() & 0o100 != 0
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        false
    }
}

/// Gives a file the mode of another, but for whether it may be run: by whoever may read it, or by nobody.
pub(crate) fn set_mode(path: &Path, like: &fs::Metadata, executable: bool) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = like.permissions().mode() & 0o777;
        let wanted = match (executable, is_executable(like)) {
            (true, true) | (false, false) => mode,
            (true, false) => mode | ((mode & 0o444) >> 2),
            (false, true) => mode & !0o111,
        };
        fs::set_permissions(path, fs::Permissions::from_mode(wanted))
    }
    #[cfg(not(unix))]
    {
        let _ = (path, like, executable);
        Ok(())
    }
}

/// Gives a file this time of its last change, in milliseconds since 1970.
pub(crate) fn set_time(path: &Path, mtime_ms: i64) -> io::Result<()> {
    fs::File::open(path)?.set_modified(time(mtime_ms))
}

/// So many milliseconds since 1970.
pub(super) fn time(mtime_ms: i64) -> SystemTime {
    let distance = Duration::from_millis(mtime_ms.unsigned_abs());
    let time = if mtime_ms < 0 {
        UNIX_EPOCH.checked_sub(distance)
    } else {
        UNIX_EPOCH.checked_add(distance)
    };
    time.unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_at_the_last_instant_is_not_replaced() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let [new, at, saved] = ["new", "at", "saved"].map(|name| folder.path().join(name));
        let write = |path: &Path, text: &str| fs::write(path, text).expect("written");
        write(&new, "hers");
        write(&at, "as it came");
        let stamp = Stamp::of(&fs::metadata(&at).expect("there"));
        // As editors do.
        write(&saved, "edited");
        fs::rename(&saved, &at).expect("saved");
        assert!(!replace(&new, &at, stamp).expect("looked at"));
        let read = |path: &Path| fs::read_to_string(path).expect("there");
        assert_eq!(
            (read(&at).as_str(), read(&new).as_str()),
            ("edited", "hers")
        );
        let stamp = Stamp::of(&fs::metadata(&at).expect("there"));
        assert!(replace(&new, &at, stamp).expect("replaced"));
        assert_eq!((read(&at).as_str(), new.exists()), ("hers", false));
        write(&new, "hers, too");
        fs::remove_file(&at).expect("there");
        assert!(!replace(&new, &at, stamp).expect("looked at"), "it is gone");
        assert_eq!((at.exists(), read(&new).as_str()), (false, "hers, too"));
    }
}
