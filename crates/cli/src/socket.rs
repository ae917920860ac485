//! The Unix socket of a data directory, for its owner alone.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use kith::home::Home;
use tokio::net::{UnixListener, UnixStream};

/// The longest path of a socket, in bytes: what `sockaddr_un` holds with its end, on every Unix.
const PATH_BYTES_MAX: usize = 103;

/// Listens on the socket of `home`, whose lock the caller holds: what lies there is of a process that is gone.
///
/// # Errors
/// When the directory cannot be written.
pub(crate) fn listen(home: &Home) -> io::Result<UnixListener> {
    let reached = Reached::new(&home.socket())?;
    match fs::remove_file(home.socket()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(reached.path())?;
    // Between the two calls only whoever may enter the directory could connect: it is 0700, unless its owner chose
    // otherwise.
    fs::set_permissions(home.socket(), Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Connects to the socket at `path`.
///
/// # Errors
/// When nobody listens there.
pub(crate) async fn connect(path: &Path) -> io::Result<UnixStream> {
    let reached = Reached::new(path)?;
    UnixStream::connect(reached.path()).await
}

/// A path to a socket that is short enough for the system. A longer one leads through the open directory
/// (`/proc/self/fd`, Linux).
struct Reached {
    path: PathBuf,
    _directory: Option<fs::File>,
}

impl Reached {
    fn new(path: &Path) -> io::Result<Self> {
        if path.as_os_str().len() <= PATH_BYTES_MAX {
            return Ok(Self {
                path: path.to_owned(),
                _directory: None,
            });
        }
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidFilename.into());
        };
        let directory = fs::File::open(directory)?;
        let number = std::os::fd::AsRawFd::as_raw_fd(&directory);
        let path = Path::new("/proc/self/fd")
            .join(number.to_string())
            .join(name);
        Ok(Self {
            path,
            _directory: Some(directory),
        })
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_is_its_owners_alone() {
        let directory = tempfile::tempdir().expect("a place for files");
        let home = Home::at(directory.path());
        let _listener = listen(&home).expect("bound");
        let mode = fs::metadata(home.socket())
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        connect(&home.socket()).await.expect("somebody listens");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_long_path_is_no_obstacle() {
        let directory = tempfile::tempdir().expect("a place for files");
        let home = Home::at(directory.path().join("d".repeat(150)));
        fs::create_dir(home.directory()).expect("room");
        let _listener = listen(&home).expect("bound");
        connect(&home.socket()).await.expect("somebody listens");
    }

    #[tokio::test]
    async fn what_a_dead_process_left_is_taken_over() {
        let directory = tempfile::tempdir().expect("a place for files");
        let home = Home::at(directory.path());
        drop(listen(&home).expect("bound"));
        connect(&home.socket()).await.expect_err("nobody listens");
        let _listener = listen(&home).expect("bound again");
        connect(&home.socket()).await.expect("somebody listens");
    }
}
