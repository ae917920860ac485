//! What this node holds of a snapshot, for those who may have it.

use std::io;

use kith_core::codec;
use kith_core::content::access::{Asker, Shown};
use kith_core::content::swarm::wire::Open;
use kith_core::content::swarm::{Holdings, Tiling};
use kith_core::data::head::{Head, SignedHead};
use kith_core::ids::{BlobHash, ShareId};
use kith_core::time::Time;

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
        let asker = asker.having(shown, |peer| self.others().is_blocked(peer));
        let Some(offer) = self.admitted((&open.share, Some(&open.root)), &asker, shown, now)?
        else {
            return Ok(None);
        };
        let Some(head) = self.version(offer, &open.root)? else {
            return Ok(None);
        };
        let size = head.totals.bytes;
        let is_this = head.manifest == open.root && size == open.size;
        Ok(is_this.then(|| Holding {
            share: open.share,
            root: open.root,
            size,
            held: self.held(&open.share, &open.root, size),
        }))
    }

    /// The chunks that are here: all, but of what is being fetched.
    fn held(&self, share: &ShareId, root: &BlobHash, size: u64) -> Holdings {
        let underway = self.underways().find(share, Some(root));
        underway.map_or_else(
            || Holdings::all(Tiling::new(size).count()),
            |underway| underway.held(),
        )
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
