//! Whether what is shared is where it is shared from: a folder may have been moved away or removed, and a disk not be plugged in, or not be mounted.
//!
//! Its head stays what it was until the folder is back, or is not shared any more: nobody has emptied it. Whoever fetches it is told, and so is its owner;
//! neither waits for a disk that does not answer ([`disks`](super::disks)).

use std::collections::BTreeSet;
use std::io;
use std::time::Instant;

use kith_core::ids::ShareId;

use crate::content::disks::Place;
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
        let mut wanted = Vec::new();
        for mine in &mine {
            let share = mine.head.share;
            wanted.push((share, self.roots(&share)?));
        }
        let mut places = self.disks().ask(wanted);
        for mine in &mut mine {
            let share = mine.head.share;
            (mine.absent, mine.silent) = match places.remove(&share) {
                Some(Place::Absent(path)) => (Some(path), false),
                Some(Place::Silent(path)) => (Some(path), true),
                _ if self.absent().is_unread(&share) => (mine.roots.first().cloned(), true),
                Some(Place::There) | None => (None, false),
            };
        }
        Ok(mine)
    }

    /// Whether an own share is where it is shared from, as far as its disk answers. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn is_in_place(&self, share: &ShareId) -> io::Result<bool> {
        if self.absent().is_unread(share) {
            return Ok(false);
        }
        let wanted = vec![(*share, self.roots(share)?)];
        let place = self.disks().ask(wanted).remove(share);
        if matches!(place, Some(Place::Silent(_))) {
            // Whoever is told so hears of it when it answers.
            self.note_silent(share);
        }
        Ok(place == Some(Place::There))
    }

    /// Which of these shares lie on a disk that does not answer. Blocks, but not for longer than is waited for one.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn silent(
        &self,
        shares: impl Iterator<Item = ShareId>,
    ) -> io::Result<BTreeSet<ShareId>> {
        let wanted = shares.map(|share| Ok((share, self.roots(&share)?)));
        let places = self.disks().ask(wanted.collect::<io::Result<_>>()?);
        let silent = places
            .into_iter()
            .filter(|(_, place)| matches!(place, Place::Silent(_)));
        Ok(silent.map(|(share, _)| share).collect())
    }

    /// The disk of a share does not answer: what lies elsewhere does not wait for it.
    pub(super) fn note_silent(&self, share: &ShareId) {
        self.looks().put_off(share, Instant::now());
        self.tell_place(share, false);
    }

    /// A file of a share was not read in time. It is looked at whether all of it answers, and until then nobody waits for it.
    pub(super) fn note_unread(&self, share: &ShareId) {
        if self.absent().note_unread(share) {
            tracing::info!(%share, "the disk of a share does not answer");
            self.looks().see(share, Instant::now());
            self.tell(ShareEvent::Placed(*share));
        }
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

    /// Tells those who look at what is shared here, and contacts who are there, when a share is not where it was any more, or is there again.
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
        self.tell_place(share, is_in_place);
    }

    fn tell_place(&self, share: &ShareId, is_in_place: bool) {
        if self.absent().note(share, !is_in_place) {
            tracing::info!(%share, is_in_place, "the folder of a share came or went");
            self.tell_own(*share, ShareEvent::Placed(*share));
        }
    }

    fn roots(&self, share: &ShareId) -> io::Result<Vec<Root>> {
        store::run(self.database(), |connection| {
            store::roots(connection, share)
        })
    }
}
