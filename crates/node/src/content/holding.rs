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

use crate::content::known::{CopyRow, is_version};
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
        if !self.is_held_for(open, asker, shown, now)? {
            return Ok(None);
        }
        let held = self.held(&(open.share, open.root), open.size)?;
        Ok(held.map(|(held, edges)| Holding {
            share: open.share,
            root: open.root,
            size: open.size,
            held,
            edges,
        }))
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
        let asker = asker.having(shown, |peer| self.others().is_blocked(peer));
        let offer = self.admitted((&open.share, Some(&open.root)), &asker, shown, now)?;
        let Some(offer) = offer else {
            return Ok(false);
        };
        let version = self.version(offer, &open.root)?;
        let is_this = |head: Head| head.manifest == open.root && head.totals.bytes == open.size;
        Ok(version.is_some_and(is_this))
    }

    /// The chunks that are here of a snapshot of so many bytes: all, but of what is being fetched, and of a copy of some files; of that also what
    /// is here of others, where no more is on its way. `None` where nothing is here of it any more, or not before it was looked at. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn held(
        &self,
        snapshot: &(ShareId, BlobHash),
        size: u64,
    ) -> io::Result<Option<(Holdings, Option<Ranges>)>> {
        let (share, root) = snapshot;
        let all = || Some((Holdings::all(Tiling::new(size).count()), None));
        let underways = self.underways().of(snapshot);
        let is_it = |copy: &CopyRow| copy.is_provided() && is_version(&copy.head, root);
        let copy = self.known_and_copy(share)?.1.filter(is_it);
        let mut part = match &copy {
            Some(copy) if copy.is_part => self.part(copy, size)?,
            Some(_) => return Ok(all()),
            None if !underways.is_empty() => Part::of(size, &Ranges::default()),
            None => return Ok(self.row(share)?.and_then(|_| all())),
        };
        let mut is_growing = false;
        for underway in underways {
            for chunk in underway.held().iter() {
                part.chunks.insert(chunk);
            }
            let Some(done) = underway.done() else {
                is_growing = true;
                continue;
            };
            for edge in done.edges.iter() {
                part.edges.insert(edge);
            }
        }
        Ok(Some((part.chunks, (!is_growing).then_some(part.edges))))
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
