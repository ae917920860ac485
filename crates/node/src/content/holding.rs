//! What this node holds of a snapshot, for those who may have it.

use std::io;

use kith_core::codec;
use kith_core::content::access::{Asker, Shown};
use kith_core::content::swarm::ranges::Ranges;
use kith_core::content::swarm::wire::Open;
use kith_core::content::swarm::{Holdings, Part, Tiling};
use kith_core::data::head::{Head, SignedHead};
use kith_core::ids::{BlobHash, ShareId};
use kith_core::time::Time;

use crate::content::known::{self, CopyRow};
use crate::content::offer::Offer;
use crate::content::past;
use crate::content::shares::Shares;
use crate::content::store;

/// What is held of a snapshot.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    /// Of which share.
    pub(super) share: ShareId,
    /// The root directory's node.
    pub(super) root: BlobHash,
    /// The bytes of all its files.
    pub(super) size: u64,
    /// The chunks that are here.
    pub(super) held: Holdings,
    /// What is here of others, where no more will come.
    pub(super) edges: Option<Ranges>,
}

impl Shares {
    /// What is held of the snapshot that is asked for, if there is one and the asker may have it. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn holding(
        &self,
        open: &Open,
        asker: &Asker,
        shown: &Shown,
        now: Time,
    ) -> io::Result<Option<Holding>> {
        let Some(copy) = self.held_for(open, asker, shown, now)? else {
            return Ok(None);
        };
        let (held, edges) = self.held(open, copy.as_ref())?;
        Ok(Some(Holding {
            share: open.share,
            root: open.root,
            size: open.size,
            held,
            edges,
        }))
    }

    /// What is here of a snapshot of `size` bytes where that is a copy of some files; `None` for anything else.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn part_held(
        &self,
        (share, root): (&ShareId, &BlobHash),
        size: u64,
    ) -> io::Result<Option<Part>> {
        let copy = self.known_and_copy(share)?.1;
        let is_it = |copy: &CopyRow| copy.is_part && known::is_version(&copy.head, root);
        let part = copy.filter(is_it).map(|copy| self.part(&copy, size));
        part.transpose()
    }

    /// Whether the snapshot that is asked for is here, and the asker may have it. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn is_held_for(
        &self,
        open: &Open,
        asker: &Asker,
        shown: &Shown,
        now: Time,
    ) -> io::Result<bool> {
        Ok(self.held_for(open, asker, shown, now)?.is_some())
    }

    /// The copy that an asker may have a snapshot of, none where it is our own or being fetched; `None` where they may not, or it is not here.
    fn held_for(
        &self,
        open: &Open,
        asker: &Asker,
        shown: &Shown,
        now: Time,
    ) -> io::Result<Option<Option<CopyRow>>> {
        let asker = asker.having(shown, |peer| self.others().is_blocked(peer));
        let Some(mut offer) = self.admitted((&open.share, Some(&open.root)), &asker, shown, now)?
        else {
            return Ok(None);
        };
        let copy = offer.copy.take();
        let Some(head) = self.version(offer, &open.root)? else {
            return Ok(None);
        };
        let is_this = head.manifest == open.root && head.totals.bytes == open.size;
        Ok(is_this.then_some(copy))
    }

    /// The chunks that are here: all, but of what is being fetched, and of a copy of some files; of that also what is here of others.
    fn held(&self, open: &Open, copy: Option<&CopyRow>) -> io::Result<(Holdings, Option<Ranges>)> {
        if let Some(underway) = self.underways().find(&open.share, Some(&open.root)) {
            return Ok((underway.held(), None));
        }
        match copy.filter(|copy| copy.is_part) {
            Some(copy) => {
                let Part { chunks, edges } = self.part(copy, open.size)?;
                Ok((chunks, Some(edges)))
            }
            None => Ok((Holdings::all(Tiling::new(open.size).count()), None)),
        }
    }

    /// The version of this manifest, the newest or a past one. Of a copy there is the one.
    fn version(&self, offer: Offer, manifest: &BlobHash) -> io::Result<Option<Head>> {
        let newest = offer.head;
        if newest.manifest == *manifest {
            return Ok(Some(newest));
        }
        if offer.own.is_none() {
            return Ok(None);
        }
        let past = store::run(self.database(), |connection| {
            past::version(connection, &newest.share, manifest)
        })?;
        let head = past.and_then(|head| codec::decode::<SignedHead>(&head).ok());
        Ok(head.and_then(|head| head.trusted().ok()))
    }
}
