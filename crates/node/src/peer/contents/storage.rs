//! How much of the disk a node takes, and for what.

use std::fs;
use std::io;
use std::path::Path;

use super::handle::Contents;
use crate::error::Error;

/// How many files and folders are looked at for one sum: some seconds on a slow disk. What is beyond is not counted.
const ENTRIES_MAX: usize = 200_000;

/// Bytes on the disk, by what they are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Storage {
    /// Copies' trees and outboards, those of own shares, and pictures that are shared without what they say.
    pub copies: u64,
    /// What is being fetched, and what was read of others' shares.
    pub partial: u64,
    /// The files of albums.
    pub albums: u64,
    /// Small pictures of pictures, made here and given by others.
    pub previews: u64,
    /// Address book, shares, and all else that is known.
    pub database: u64,
    /// What is free on the disk of the data directory; `None` where the system does not say.
    pub free: Option<u64>,
}

impl Contents {
    /// How much of the disk the node takes. Files that are shared where they lie are their owner's, and not counted.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub async fn storage(&self) -> Result<Storage, Error> {
        let home = self.node.home().clone();
        let looked = tokio::task::spawn_blocking(move || {
            let database = home.database();
            let beside = ["", "-wal", "-shm"].map(|end| {
                let mut path = database.clone().into_os_string();
                path.push(end);
                fs::metadata(path).map_or(0, |metadata| metadata.len())
            });
            Ok::<_, io::Error>(Storage {
                copies: bytes_below(&home.blobs())?,
                partial: bytes_below(&home.partial())?,
                albums: bytes_below(&home.albums())?,
                previews: bytes_below(&home.previews())?,
                database: beside.iter().sum(),
                free: free(home.directory()),
            })
        });
        let looked = looked.await.map_err(|_| Error::Closed)?;
        looked.map_err(|error| Error::io("cannot look what is on the disk", error))
    }
}

/// The bytes of all files below a folder; links are not followed, and what is gone meanwhile counts nothing.
fn bytes_below(folder: &Path) -> io::Result<u64> {
    let (mut bytes, mut left, mut folders) = (0, ENTRIES_MAX, vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            if left == 0 {
                return Ok(bytes);
            }
            left -= 1;
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                Ok(metadata) => bytes += metadata.len(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(bytes)
}

#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let told = rustix::fs::statvfs(folder).ok()?;
    told.f_bavail.checked_mul(told.f_frsize)
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_below_are_counted_and_links_are_not_followed() {
        let place = tempfile::tempdir().expect("a place");
        fs::create_dir_all(place.path().join("a/b")).expect("room");
        fs::write(place.path().join("a/b/one"), [0; 1000]).expect("room");
        fs::write(place.path().join("two"), [0; 24]).expect("room");
        #[cfg(unix)]
        std::os::unix::fs::symlink("/", place.path().join("a/all")).expect("room");
        let bytes = bytes_below(place.path()).expect("readable");
        assert!((1024..2048).contains(&bytes), "{bytes}");
        assert_eq!(bytes_below(&place.path().join("none")).expect("nothing"), 0);
        assert!(free(place.path()).is_none_or(|free| free > 0));
    }
}
