//! Writes that survive a power cut: a file is either absent or complete.
//!
//! A small file that must not be lost (a key) is written beside its final name, made durable, and only then given
//! that name; the directory is made durable last, because a name is part of the directory and not of the file.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

/// Creates `path` with `bytes`, readable by its owner alone, and returns once both file and name are durable. There is
/// no instant at which a part of it is seen.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when there is something of that name, which stays as it is; else whatever the
/// system says, and nothing is left behind.
pub fn create_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = directory_of(path);
    // `tempfile` makes files 0600, and removes them when dropped unfinished.
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)
        .map_err(|failed| failed.error)?;
    sync_directory(directory)
}

/// Puts `bytes` in the place of what `path` holds, if anything; at no instant is there something in between. What is there
/// keeps its permissions, a new file is readable by its owner alone.
///
/// # Errors
/// Whatever the system says; the old content stays then.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = directory_of(path);
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .tempfile_in(directory)?;
    file.write_all(bytes)?;
    if let Ok(present) = std::fs::metadata(path) {
        file.as_file().set_permissions(present.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|failed| failed.error)?;
    sync_directory(directory)
}

/// Makes the names in `directory` durable: what was created, renamed or removed there stays so.
///
/// # Errors
/// Whatever the system says.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    // Only Unix opens directories as files; elsewhere the file system orders names itself.
    if cfg!(unix) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

/// The directory `path` stands in; the current one for a bare name.
fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_is_left_as_it_is() {
        let directory = tempfile::tempdir().expect("a place for files");
        let path = directory.path().join("file");
        create_new(&path, b"first").expect("nothing there yet");
        let error = create_new(&path, b"second").expect_err("something is there");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).expect("readable"), b"first");
        let names = std::fs::read_dir(directory.path()).expect("readable");
        assert_eq!(names.count(), 1, "the unfinished file is gone");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_what_is_created() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().expect("a place for files");
        let path = directory.path().join("file");
        create_new(&path, b"secret").expect("nothing there yet");
        let mode = std::fs::metadata(&path)
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
