//! What a scan begins at, and whether that is there.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The first of these that is not there, or cannot be read, and why.
pub fn absent(roots: &[PathBuf]) -> Option<(&Path, io::Error)> {
    let roots = roots.iter().map(PathBuf::as_path);
    let mut absent = roots.filter_map(|root| Some((root, check_readable(root).err()?)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_and_what_is_neither_file_nor_folder_is_absent() {
        let folder = tempfile::tempdir().expect("room");
        let [docs, single, gone] = ["docs", "single", "gone"].map(|name| folder.path().join(name));
        fs::create_dir(&docs).expect("room");
        fs::write(&single, "one").expect("room");
        let socket = folder.path().join("socket");
        let _listening = std::os::unix::net::UnixListener::bind(&socket).expect("room");
        assert!(absent(&[docs.clone(), single.clone()]).is_none());
        let path = |roots: &[PathBuf]| absent(roots).map(|(path, _)| path.to_owned());
        assert_eq!(path(&[docs.clone(), gone.clone()]), Some(gone));
        assert_eq!(path(&[docs, socket.clone()]), Some(socket));
        fs::remove_file(&single).expect("there");
        assert_eq!(path(std::slice::from_ref(&single)), Some(single));
    }
}
