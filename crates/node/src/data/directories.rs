//! The folders of this machine, for its owner to point to one: what is shared from there, or fetched to there.
//!
//! Only names of folders are told, a bounded number of them. Hidden ones are left out, as file managers leave them out, and so are names
//! that are no Unicode, which no text could name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use directories::UserDirs;
use kith_core::data::path;
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

/// Why the folders in a folder are not told, or why there is no new one.
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
    /// A name that no folder can have, or one that would be hidden here.
    #[error("no folder can be called {name:?}: {why}")]
    Name {
        /// What it was to be called.
        name: String,
        /// Why not.
        why: String,
    },
    /// It is there already, or a file of that name is.
    #[error("there is {} already; give the new one another name", .0.display())]
    Exists(PathBuf),
    /// The system lets this program put nothing there.
    #[error("kith may put nothing into {}; choose another folder, or change its permissions", .0.display())]
    NotWritable(PathBuf),
    /// The disk is full.
    #[error("the disk that {} is on is full; make room, or choose another folder", .0.display())]
    NoSpace(PathBuf),
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

/// Makes a folder in one that is there. Its name is one that a tree may have, so that others can have what lies in it; one that
/// begins with a dot would be told by nobody. Blocks, for as long as the disk takes.
///
/// # Errors
/// [`DirectoryError`].
pub fn make(parent: &Path, name: &str) -> Result<Directory, DirectoryError> {
    let wrong = |why: &str| DirectoryError::Name {
        name: name.to_owned(),
        why: why.to_owned(),
    };
    path::check_name(name).map_err(|error| wrong(&error.to_string()))?;
    if name.starts_with('.') {
        return Err(wrong("folders that begin with a dot are hidden"));
    }
    if name.starts_with(char::is_whitespace) || name.contains(char::is_control) {
        return Err(wrong(
            "a name begins with a blank, or has a control character",
        ));
    }
    let made = look(parent)?.path.join(name);
    fs::create_dir(&made).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => DirectoryError::Exists(made.clone()),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            DirectoryError::NotWritable(parent.to_owned())
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            DirectoryError::NoSpace(parent.to_owned())
        }
        _ => failure(parent, error),
    })?;
    look(&made)
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
    fn a_folder_is_made_where_its_name_can_be_one_and_nothing_is_in_the_way() {
        let place = tempfile::tempdir().expect("a place");
        let made = make(place.path(), "Photos 2026").expect("room");
        assert!(made.path.is_dir() && made.folders.is_empty() && made.is_writable);
        let refused = |parent: &Path, name: &str| make(parent, name).expect_err(name);
        let long = "x".repeat(256);
        for name in [
            "", ".", "..", "a/b", "../out", "a\\b", "a\0b", ".hidden", " a", "a ", "a.", "CON",
            "a\nb", &long,
        ] {
            let refused = refused(place.path(), name);
            assert!(matches!(refused, DirectoryError::Name { .. }), "{name:?}");
        }
        fs::write(place.path().join("file"), b"x").expect("room");
        for name in ["Photos 2026", "file"] {
            let refused = refused(place.path(), name);
            assert!(matches!(refused, DirectoryError::Exists(_)), "{name}");
        }
        let nowhere = refused(&place.path().join("none"), "a");
        assert!(matches!(nowhere, DirectoryError::Missing(_)));
        let within_a_file = refused(&place.path().join("file"), "a");
        assert!(matches!(within_a_file, DirectoryError::NotAFolder(_)));
        assert!(matches!(
            refused(Path::new("here"), "a"),
            DirectoryError::NotWhole(_)
        ));
        let told = look(place.path()).expect("there").folders;
        assert_eq!(told, ["Photos 2026"], "and nothing else");
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
