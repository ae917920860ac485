//! Which of what is shared is not where it is shared from: see [`placed`](super::placed).

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use kith_core::ids::ShareId;

/// Which own shares were not there when they were looked at last; of no more than there are.
#[derive(Debug, Default)]
pub(super) struct Absent(Mutex<BTreeSet<ShareId>>);

impl Absent {
    /// Whether that is news.
    pub(super) fn note(&self, share: &ShareId, is_absent: bool) -> bool {
        let mut absent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match is_absent {
            true => absent.insert(*share),
            false => absent.remove(share),
        }
    }

    /// Forgets the shares that are no more.
    pub(super) fn retain(&self, is_there: impl Fn(&ShareId) -> bool) {
        let mut absent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        absent.retain(is_there);
    }
}

/// The first of these that is not there, or cannot be read.
pub(super) fn absent(roots: &[PathBuf]) -> Option<&Path> {
    let roots = roots.iter().map(PathBuf::as_path);
    roots.into_iter().find(|root| !is_readable(root))
}

/// Whether something can be read as a scan reads it. Nothing is opened that may block, as a pipe does.
fn is_readable(root: &Path) -> bool {
    match fs::metadata(root) {
        Ok(found) if found.is_dir() => fs::read_dir(root).is_ok(),
        Ok(found) if found.is_file() => File::open(root).is_ok(),
        _ => false,
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
        assert_eq!(absent(&[docs.clone(), single.clone()]), None);
        assert_eq!(absent(&[docs.clone(), gone.clone()]), Some(gone.as_path()));
        assert_eq!(absent(&[docs, socket.clone()]), Some(socket.as_path()));
        fs::remove_file(&single).expect("there");
        assert_eq!(
            absent(std::slice::from_ref(&single)),
            Some(single.as_path())
        );
    }

    #[test]
    fn coming_and_going_is_news_once() {
        let (absent, share) = (Absent::default(), ShareId([1; 32]));
        assert!(!absent.note(&share, false));
        assert!(absent.note(&share, true));
        assert!(!absent.note(&share, true));
        assert!(absent.note(&share, false));
        absent.note(&share, true);
        absent.retain(|_| false);
        assert!(!absent.note(&share, false));
    }
}
