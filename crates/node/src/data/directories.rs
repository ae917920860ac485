//! The folders of this machine, for its owner to point to one: what is shared from there, or fetched to there.
//!
//! Only names of folders are told, a bounded number of them. Hidden ones are left out, as file managers leave them out, and so are names
//! that are no Unicode, which no text could name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use directories::UserDirs;
use thiserror::Error;

/// The most folders that are told of one: more than a person looks through.
pub const FOLDERS_MAX: usize = 2_000;

/// The most entries of a folder that are looked at, files too: a large archive has fewer, and so many take about a second.
pub const ENTRIES_MAX: usize = 200_000;

/// A folder, and those in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Where it is, symbolic links followed.
    pub path: PathBuf,
    /// The names of the folders in it, sorted; links to folders are among them.
    pub folders: Vec<String>,
    /// Whether there are more than are told.
    pub is_cut: bool,
    /// Whether something can be put into it.
    pub is_writable: bool,
}

/// A folder where people keep things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `home`, `desktop`, `pictures`, `videos`, `documents`, `downloads` or `root`.
    pub kind: &'static str,
    /// Where it is.
    pub path: PathBuf,
}

/// Why the folders in a folder are not told.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// A path that begins nowhere.
    #[error("{0:?} is no whole path: it has to begin with /")]
    NotWhole(PathBuf),
    /// There is nothing.
    #[error("there is no folder {}", .0.display())]
    Missing(PathBuf),
    /// There is a file, or something else.
    #[error("{} is no folder", .0.display())]
    NotAFolder(PathBuf),
    /// The system lets this program not look into it.
    #[error("kith may not look into {}; choose another folder, or change its permissions", .0.display())]
    NotAllowed(PathBuf),
    /// The disk or the file system fails.
    #[error("{} cannot be read: {error}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// The folders in a folder. Blocks, for as long as the disk takes.
///
/// # Errors
/// [`DirectoryError`].
pub fn look(path: &Path) -> Result<Directory, DirectoryError> {
    if !path.is_absolute() {
        return Err(DirectoryError::NotWhole(path.to_owned()));
    }
    let failed = |error| failure(path, error);
    let found = fs::canonicalize(path).map_err(failed)?;
    let (mut folders, mut is_cut) = (Vec::new(), false);
    for (number, entry) in fs::read_dir(&found).map_err(failed)?.enumerate() {
        if number == ENTRIES_MAX {
            is_cut = true;
            break;
        }
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if !name.starts_with('.') && is_folder(&entry) {
            folders.push(name);
        }
    }
    folders.sort_unstable();
    is_cut |= folders.len() > FOLDERS_MAX;
    folders.truncate(FOLDERS_MAX);
    Ok(Directory {
        is_writable: is_writable(&found),
        path: found,
        folders,
        is_cut,
    })
}

/// Where people keep things on this machine, as far as it is there: their home first, and the root last.
pub fn places() -> Vec<Place> {
    let user = UserDirs::new();
    let of_user = user.iter().flat_map(|user| {
        [
            ("home", Some(user.home_dir())),
            ("desktop", user.desktop_dir()),
            ("pictures", user.picture_dir()),
            ("videos", user.video_dir()),
            ("documents", user.document_dir()),
            ("downloads", user.download_dir()),
        ]
    });
    let all = of_user.chain([("root", Some(Path::new("/")))]);
    let there = all.filter_map(|(kind, path)| {
        let path = path.filter(|path| path.is_dir())?.to_owned();
        Some(Place { kind, path })
    });
    there.collect()
}

/// Whether an entry is a folder, or a link to one. What cannot be asked is none.
fn is_folder(entry: &fs::DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| {
        kind.is_dir()
            || (kind.is_symlink() && fs::metadata(entry.path()).is_ok_and(|it| it.is_dir()))
    })
}

#[cfg(unix)]
fn is_writable(path: &Path) -> bool {
    use rustix::fs::{Access, access};
    access(path, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

#[cfg(not(unix))]
fn is_writable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|it| !it.permissions().readonly())
}

fn failure(path: &Path, error: io::Error) -> DirectoryError {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound => DirectoryError::Missing(path),
        io::ErrorKind::NotADirectory => DirectoryError::NotAFolder(path),
        io::ErrorKind::PermissionDenied => DirectoryError::NotAllowed(path),
        _ => DirectoryError::Io { path, error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_told_by_name_and_nothing_that_is_hidden_or_no_folder() {
        let place = tempfile::tempdir().expect("a place");
        for folder in ["b", "a <b>", ".hidden", "b/inner"] {
            fs::create_dir(place.path().join(folder)).expect("room");
        }
        fs::write(place.path().join("file"), b"x").expect("room");
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt as _;
            use std::os::unix::fs::symlink;
            symlink("b", place.path().join("link")).expect("room");
            symlink("file", place.path().join("to a file")).expect("room");
            symlink("nowhere", place.path().join("broken")).expect("room");
            let no_text = std::ffi::OsStr::from_bytes(b"\xff");
            fs::create_dir(place.path().join(no_text)).expect("room");
        }
        let told = look(place.path()).expect("it is there");
        let expected: &[&str] = match cfg!(unix) {
            true => &["a <b>", "b", "link"],
            false => &["a <b>", "b"],
        };
        assert_eq!(told.folders, expected);
        assert!(told.is_writable && !told.is_cut);
        assert_eq!(told.path, fs::canonicalize(place.path()).expect("there"));
        // A way around leads to the same place.
        let around = look(&place.path().join("b/..")).expect("it is there");
        assert_eq!(around, told);
    }

    #[test]
    fn what_is_no_folder_is_told_apart() {
        let place = tempfile::tempdir().expect("a place");
        let file = place.path().join("file");
        fs::write(&file, b"x").expect("room");
        let refused = |path: &Path| look(path).expect_err("no folder");
        assert!(matches!(refused(&file), DirectoryError::NotAFolder(_)));
        let missing = refused(&place.path().join("none"));
        assert!(matches!(missing, DirectoryError::Missing(_)));
        assert!(missing.to_string().contains("none"), "{missing}");
        for path in ["", "here", "../there"] {
            let refused = refused(Path::new(path));
            assert!(matches!(refused, DirectoryError::NotWhole(_)), "{path}");
        }
    }

    #[test]
    fn a_folder_of_more_than_anybody_looks_through_is_cut() {
        let place = tempfile::tempdir().expect("a place");
        for number in 0..=FOLDERS_MAX {
            fs::create_dir(place.path().join(format!("{number:04}"))).expect("room");
        }
        let told = look(place.path()).expect("it is there");
        assert_eq!((told.folders.len(), told.is_cut), (FOLDERS_MAX, true));
        assert_eq!(told.folders.last().map(String::as_str), Some("1999"));
    }

    #[test]
    fn the_root_is_a_place_of_everybody() {
        let places = places();
        assert_eq!(places.last().map(|place| place.kind), Some("root"));
        assert!(places.iter().all(|place| place.path.is_absolute()));
    }
}
