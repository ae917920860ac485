//! What an earlier download to the same target left, of another version: its files that are still wanted need not be fetched again.
//!
//! A staging folder says for what it is, in its lock: a hash of the share, the target's name and the filter, without the version. The folders beside
//! each other that say the same are versions of one download. A file at the same place and of the same size is moved from the older one
//! with the inner nodes that came with it, and then compared with the new hash as what an earlier run of the same version left.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use kith_core::data::manifest;
use kith_core::ids::BlobHash;

use crate::data::hash;
use crate::data::staging::{LOOK_MAX, Places, is_staging};

/// What a download is for, whichever version comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Purpose(pub(super) BlobHash);

impl Purpose {
    /// Writes it into the lock of a staging folder.
    pub(super) fn write(&self, mut lock: &File) -> io::Result<()> {
        lock.set_len(0)?;
        lock.write_all(&self.0.0)
    }

    /// Reads it from one.
    pub(super) fn read(mut lock: &File) -> io::Result<Self> {
        let mut hash = [0; 32];
        lock.read_exact(&mut hash)?;
        Ok(Self(BlobHash(hash)))
    }
}

/// A staging folder of another version, held.
#[derive(Debug)]
pub(super) struct Older {
    places: Places,
    _lock: File,
}

impl Older {
    /// Those in `parent` that are for the same as `own`, and that nobody holds.
    pub(super) fn find(parent: &Path, own: &Path, purpose: Purpose) -> io::Result<Vec<Self>> {
        let mut found = Vec::new();
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
            if Purpose::read(&lock).is_ok_and(|it| it == purpose) && lock.try_lock().is_ok() {
                found.push(Self {
                    places: Places::of(folder),
                    _lock: lock,
                });
            }
        }
        Ok(found)
    }

    /// Moves a file of this path and size, with its inner nodes, to where it grows from now on; false where there is none.
    pub(super) fn hand_over(
        &self,
        path: &str,
        file: &manifest::File,
        to: &Places,
    ) -> io::Result<bool> {
        let from = self.places.growing(path);
        let metadata = match fs::symlink_metadata(&from) {
            Ok(metadata) if metadata.is_file() && metadata.len() == file.size => metadata,
            _ => return Ok(false),
        };
        set_executable(&from, &metadata, file.executable)?;
        match fs::rename(self.places.outboard(path), to.outboard(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::rename(from, to.growing(path))?;
        Ok(true)
    }

    /// Removes what is left of it.
    pub(super) fn remove(self) -> io::Result<()> {
        fs::remove_dir_all(self.places.folder())
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
