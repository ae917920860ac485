//! Whether what is shared is where it is shared from: a folder may have been moved away or removed, and a disk not be plugged in, or not be mounted.
//!
//! Its head stays what it was until the folder is back, or is not shared any more: nobody has emptied it. Whoever fetches it is told, and so is its owner.

use std::io;

use kith_core::ids::ShareId;

use crate::content::event::ShareEvent;
use crate::content::shares::{Mine, ShareError, Shares};
use crate::content::store;
use crate::data::scan::{Root, ScanError, absent};

impl Shares {
    /// All shares of mine, with what is known of where they are shared from; in the order of their ids. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub fn mine_in_place(&self) -> io::Result<Vec<Mine>> {
        let mut mine = self.mine()?;
        for mine in &mut mine {
            let roots = self.roots(&mine.head.share)?;
            mine.absent = absent(&roots).map(|(path, _)| path.to_owned());
        }
        Ok(mine)
    }

    /// Whether an own share is where it is shared from. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn is_in_place(&self, share: &ShareId) -> io::Result<bool> {
        Ok(absent(&self.roots(share)?).is_none())
    }

    /// What an own share is shared from, where all of it is there; what is known of that is brought up to date. Blocks.
    ///
    /// # Errors
    /// [`ScanError::Read`] of the first that is not there; the database's.
    pub(super) fn roots_in_place(&self, share: &ShareId) -> Result<Vec<Root>, ShareError> {
        let mut roots = self.roots(share)?;
        if let Some((path, error)) = absent(&roots) {
            let path = path.to_owned();
            return Err(ScanError::Read { path, error }.into());
        }
        for root in &mut roots {
            let now = root.again();
            if now != *root {
                store::run(self.database(), |connection| {
                    store::set_root(connection, share, &now)
                })?;
                *root = now;
            }
        }
        Ok(roots)
    }

    /// Tells those who look at what is shared here when a share is not where it was any more, or is there again.
    pub(super) fn note_place(&self, share: &ShareId) {
        let is_in_place = match self.roots_in_place(share) {
            Ok(_) => true,
            Err(ShareError::Scan(_)) => false,
            Err(_) => return,
        };
        if !is_in_place {
            // No watch tells of a disk that is mounted again.
            self.looks().set_watched(share, false);
        }
        if self.absent().note(share, !is_in_place) {
            tracing::info!(%share, is_in_place, "the folder of a share came or went");
            self.tell(ShareEvent::Placed(*share));
        }
    }

    fn roots(&self, share: &ShareId) -> io::Result<Vec<Root>> {
        store::run(self.database(), |connection| {
            store::roots(connection, share)
        })
    }
}
