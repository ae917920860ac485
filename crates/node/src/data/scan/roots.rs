//! What a scan begins at, and whether that is there.
//!
//! A folder on which a disk was mounted is still there when the disk is not, and empty: nobody has emptied it. So what is remembered of a root is whether it
//! was on another file system than the folder that it lies in. Numbers of devices are not: they become others with each start of the system.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::data::disk;
use crate::data::places;

/// Something that a scan begins at, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it was a folder on a file system of its own when it was there last.
    pub was_mounted: bool,
}

impl Root {
    /// One of which nothing was known, as it is now.
    pub fn of(path: PathBuf) -> Self {
        let was_mounted = is_mounted(&path);
        Self { path, was_mounted }
    }

    /// The same, as it is now. One that is empty may be so because it is not mounted.
    pub fn again(&self) -> Self {
        // In this order: a disk that goes in between leaves it empty.
        let was_mounted =
            is_mounted(&self.path) || (self.was_mounted && is_empty(&self.path).unwrap_or(true));
        Self {
            path: self.path.clone(),
            was_mounted,
        }
    }

    fn check(&self) -> io::Result<()> {
        check_readable(&self.path)?;
        if self.was_mounted && is_empty(&self.path)? && !is_mounted(&self.path) {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "it is empty, and the disk that was mounted there is not",
            ));
        }
        Ok(())
    }
}

/// The first of these that is not there, or cannot be read, and why.
pub fn absent(roots: &[Root]) -> Option<(&Path, io::Error)> {
    let mut absent =
        (roots.iter()).filter_map(|root| Some((root.path.as_path(), root.check().err()?)));
    absent.next()
}

/// Whether something can be read as a scan reads it. Nothing is opened that may block, as a pipe does.
fn check_readable(root: &Path) -> io::Result<()> {
    match fs::metadata(root)? {
        found if found.is_dir() => fs::read_dir(root).map(drop),
        found if found.is_file() => File::open(root).map(drop),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is neither a file nor a folder",
        )),
    }
}

/// Whether this is a folder on another file system than the one that it lies in, as far as that can be read.
fn is_mounted(root: &Path) -> bool {
    let (Ok(found), Some(parent)) = (fs::metadata(root), root.parent()) else {
        return false;
    };
    found.is_dir() && disk::is_one_device(parent, &found).is_ok_and(|is_one| !is_one)
}

/// Whether this is a folder in which a scan would find nothing.
fn is_empty(root: &Path) -> io::Result<bool> {
    if !fs::metadata(root)?.is_dir() {
        return Ok(false);
    }
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name();
        if !name.to_str().is_some_and(places::is_of_download) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(roots: &[Root]) -> Option<PathBuf> {
        absent(roots).map(|(path, _)| path.to_owned())
    }

    #[test]
    fn what_is_gone_and_what_is_neither_file_nor_folder_is_absent() {
        let folder = tempfile::tempdir().expect("room");
        let [docs, single, gone] = ["docs", "single", "gone"].map(|name| folder.path().join(name));
        fs::create_dir(&docs).expect("room");
        fs::write(&single, "one").expect("room");
        let socket = folder.path().join("socket");
        let _listening = std::os::unix::net::UnixListener::bind(&socket).expect("room");
        let roots = |paths: &[&PathBuf]| -> Vec<Root> {
            paths.iter().map(|&path| Root::of(path.clone())).collect()
        };
        assert_eq!(path(&roots(&[&docs, &single])), None);
        assert_eq!(path(&roots(&[&docs, &gone])), Some(gone));
        assert_eq!(path(&roots(&[&docs, &socket])), Some(socket));
        fs::remove_file(&single).expect("there");
        assert_eq!(path(&roots(&[&single])), Some(single));
    }

    #[test]
    fn an_empty_folder_on_which_something_was_mounted_is_absent_and_another_is_not() {
        let folder = tempfile::tempdir().expect("room");
        let emptied = Root::of(folder.path().to_owned());
        assert_eq!(path(std::slice::from_ref(&emptied)), None);
        // As when it was on a file system of its own when it was looked at last.
        let unmounted = Root {
            was_mounted: true,
            ..emptied
        };
        let at = Some(folder.path().to_owned());
        assert_eq!(path(std::slice::from_ref(&unmounted)), at);
        assert!(unmounted.again().was_mounted, "it may come back");
        // What is fetched to it meanwhile would not be shared.
        fs::create_dir(folder.path().join(".kith-0123456789abcdef.partial")).expect("room");
        assert_eq!(path(std::slice::from_ref(&unmounted)), at);
        // Somebody uses it as any other folder.
        fs::write(folder.path().join("file"), "here").expect("room");
        assert_eq!(path(std::slice::from_ref(&unmounted)), None);
        let used = unmounted.again();
        assert!(!used.was_mounted);
        fs::remove_file(folder.path().join("file")).expect("there");
        assert_eq!(path(&[used]), None, "it was emptied");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_system_of_its_own_is_told_from_a_folder() {
        assert!(is_mounted(Path::new("/proc")));
        assert!(!is_mounted(Path::new("/proc/self")) && !is_mounted(Path::new("/")));
    }
}
