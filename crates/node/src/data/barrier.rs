//! One wait for the disk, instead of one for each file.
//!
//! Ten thousand files synced one by one take half a minute, one `syncfs` a tenth of a second. But `syncfs` also waits for what every other program has
//! written to that file system, so a few files are synced by themselves.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The most files and folders synced by themselves.
const SINGLE_MAX: usize = 64;

/// Returns when everything beneath `folder` is durable, itself included.
///
/// # Errors
/// What the system says: then nothing is known to be durable.
pub fn tree(folder: &Path) -> io::Result<()> {
    let mut list = Vec::new();
    if collect(folder, &mut list)? {
        return list.iter().try_for_each(|file| file.sync_all());
    }
    file_system(folder)
}

/// Opens up to [`SINGLE_MAX`] files and folders; false when there are more.
fn collect(folder: &Path, list: &mut Vec<File>) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if list.len() >= SINGLE_MAX || (kind.is_dir() && !collect(&entry.path(), list)?) {
            return Ok(false);
        }
        if kind.is_file() {
            list.push(File::open(entry.path())?);
        }
    }
    list.push(File::open(folder)?);
    Ok(true)
}

/// Returns when the file system of `folder` is durable, or at least all beneath the folder.
///
/// # Errors
/// What the system says.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn file_system(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(folder)?)?)
}

/// Returns when everything beneath `folder` is durable.
///
/// # Errors
/// What the system says.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn file_system(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            file_system(&entry.path())?;
        } else if kind.is_file() {
            File::open(entry.path())?.sync_all()?;
        }
    }
    File::open(folder)?.sync_all()
}

/// Makes the names in a folder durable.
///
/// # Errors
/// What the system says.
pub fn folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Makes the names in some folders beneath `root` durable, which can be read.
///
/// # Errors
/// What the system says.
pub fn folders(root: &Path, folders: &BTreeSet<PathBuf>) -> io::Result<()> {
    let synced = match folders.len() > SINGLE_MAX {
        true => return file_system(root),
        false => folders.iter().try_for_each(|path| folder(path)),
    };
    match synced {
        // Names can be put into a folder that cannot be opened.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => file_system(root),
        synced => synced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_files_are_synced() {
        let folder = tempfile::tempdir().expect("temporary folder");
        for number in 0..SINGLE_MAX + 1 {
            tree(folder.path()).expect("synced");
            fs::write(folder.path().join(number.to_string()), b"x").expect("written");
        }
        tree(folder.path()).expect("synced");
    }
}
