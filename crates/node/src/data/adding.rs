//! Adding the files of a download to a folder that is there already.
//!
//! Each file is moved by itself, under its own name, when all of them are whole and durable. Nothing is replaced: what is identical already counts as
//! there, what is different ends it, and so does a link on the way. What was moved before a crash or an error is identical the next time.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::data::barrier;
use crate::data::disk::{self, StagingError};
use crate::data::hash;
use crate::data::places::beneath;
use crate::data::range::Blob;

/// Whether a file lies at `path` beneath `folder` already; false where nothing does.
///
/// # Errors
/// [`StagingError::TargetExists`] for anything else there, and for anything but folders of the same device on the way; else what the system says.
pub(super) fn lies(folder: &Path, path: &str, blob: &Blob) -> Result<bool, StagingError> {
    for (end, _) in path.match_indices('/') {
        let above = beneath(folder.to_owned(), &path[..end]);
        match fs::symlink_metadata(&above) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error.into()),
            Ok(found) if found.is_dir() && disk::is_one_device(folder, &found)? => {}
            Ok(_) => return Err(StagingError::TargetExists(above)),
        }
    }
    let at = beneath(folder.to_owned(), path);
    match fs::symlink_metadata(&at) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
        Ok(_) if disk::is_identical(&at, blob)? => Ok(true),
        Ok(_) => Err(StagingError::TargetExists(at)),
    }
}

/// Moves all files beneath `tree` to where they belong beneath `folder`, which is a real one, and makes their names durable. What they hold is
/// durable already. An identical file that came there meanwhile stays.
///
/// # Errors
/// [`StagingError::TargetExists`] for what is in the way of one; else what the system says. Some may be moved then.
pub(super) fn add(tree: &Path, folder: &Path) -> Result<(), StagingError> {
    let mut folders = BTreeSet::new();
    add_all(tree, folder, &mut folders)?;
    Ok(barrier::folders(folder, &folders)?)
}

fn add_all(from: &Path, to: &Path, folders: &mut BTreeSet<PathBuf>) -> Result<(), StagingError> {
    folders.insert(to.to_owned());
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if !entry.file_type()?.is_dir() {
            add_file(&from, to)?;
            continue;
        }
        match disk::make_directory(&to, 0o777) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(StagingError::TargetExists(to));
            }
            made => made?,
        };
        add_all(&from, &to, folders)?;
    }
    Ok(())
}

fn add_file(from: &Path, to: PathBuf) -> Result<(), StagingError> {
    match disk::rename_new(from, &to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let hashed = hash::hash_file(from)?;
            let blob = Blob {
                hash: hashed.hash,
                size: hashed.stamp.size,
            };
            match disk::is_identical(&to, &blob)? {
                true => Ok(()),
                false => Err(StagingError::TargetExists(to)),
            }
        }
        renamed => Ok(renamed?),
    }
}
