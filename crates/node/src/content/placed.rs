//! Whether what is shared is where it is shared from: a folder may have been moved away or removed, and a disk not be plugged in.
//!
//! Its head stays what it was until the folder is back, or is not shared any more: nobody has emptied it. Whoever fetches it is told, and so is its owner.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use kith_core::ids::ShareId;

use crate::content::event::ShareEvent;
use crate::content::shares::{Mine, Shares};
use crate::content::store;

/// Which own shares were not there when they were looked at last; of no more than there are.
#[derive(Debug, Default)]
pub(super) struct Absent(Mutex<BTreeSet<ShareId>>);

impl Absent {
    /// Whether that is news.
    fn note(&self, share: &ShareId, is_absent: bool) -> bool {
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

impl Shares {
    /// All shares of mine, with what is known of where they are shared from; in the order of their ids. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub fn mine_in_place(&self) -> io::Result<Vec<Mine>> {
        let mut mine = self.mine()?;
        for mine in &mut mine {
            mine.absent = absent(&mine.roots).map(Path::to_owned);
        }
        Ok(mine)
    }

    /// Whether an own share is where it is shared from. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn is_in_place(&self, share: &ShareId) -> io::Result<bool> {
        let roots = store::run(self.database(), |connection| {
            store::roots(connection, share)
        })?;
        Ok(absent(&roots).is_none())
    }

    /// Tells those who look at what is shared here when a share is not where it was any more, or is there again.
    pub(super) fn note_place(&self, share: &ShareId) {
        let Ok(is_in_place) = self.is_in_place(share) else {
            return;
        };
        if self.absent().note(share, !is_in_place) {
            tracing::info!(%share, is_in_place, "the folder of a share came or went");
            self.tell(ShareEvent::Placed(*share));
        }
    }
}

/// The first of these that is not there, or cannot be read.
fn absent(roots: &[PathBuf]) -> Option<&Path> {
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
