//! A target that exists: it is what was asked for, or it is an error. Nothing of it is ever touched.

use std::fs;
use std::io;
use std::path::Path;

use kith_core::data::walk::Item;

use crate::data::disk::is_identical;
use crate::data::range::Blob;

/// Whether each item lies beneath `target` just so. Times and modes do not matter: they are the target's owner's.
///
/// # Errors
/// What reading says; that something is missing is no error.
pub(super) fn are_there(target: &Path, items: &[Item]) -> io::Result<bool> {
    for item in items {
        if !is_there(target, item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_there(target: &Path, item: &Item) -> io::Result<bool> {
    let at = |path: &str| {
        let mut at = target.to_owned();
        at.extend(path.split('/').filter(|name| !name.is_empty()));
        at
    };
    let missing = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidInput => {
            Ok(false)
        }
        _ => Err(error),
    };
    match item {
        Item::Directory { path } => {
            fs::symlink_metadata(at(path)).map_or_else(missing, |metadata| Ok(metadata.is_dir()))
        }
        Item::Symlink { path, target } => {
            fs::read_link(at(path)).map_or_else(missing, |found| Ok(found == Path::new(target)))
        }
        Item::File { path, file, .. } => {
            let blob = Blob {
                hash: file.hash,
                size: file.size,
            };
            is_identical(&at(path), &blob).or_else(missing)
        }
        Item::Outside { .. } => Ok(true),
    }
}

/// How many things lie beneath a folder.
///
/// # Errors
/// What reading says.
pub(super) fn count(folder: &Path) -> io::Result<u64> {
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        count += 1;
        if entry.file_type()?.is_dir() {
            count += self::count(&entry.path())?;
        }
    }
    Ok(count)
}
