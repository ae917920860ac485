//! Whether what is shared is where it is shared from: a folder may have been moved away or removed, and a disk not be plugged in.
//!
//! Its head stays what it was until the folder is back, or is not shared any more: nobody has emptied it. Whoever fetches it is told, and so is its owner.

use std::io;

use kith_core::ids::ShareId;

use crate::content::event::ShareEvent;
use crate::content::shares::{Mine, Shares};
use crate::content::store;
use crate::data::scan::absent;

impl Shares {
    /// All shares of mine, with what is known of where they are shared from; in the order of their ids. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub fn mine_in_place(&self) -> io::Result<Vec<Mine>> {
        let mut mine = self.mine()?;
        for mine in &mut mine {
            mine.absent = absent(&mine.roots).map(|(path, _)| path.to_owned());
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
