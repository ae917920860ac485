//! Taking a share back, and what somebody was granted of it alone.
//!
//! A grant is good at every provider until it ends or the epoch of its share rises. So the owner raises the epoch of each share that the person may
//! have been granted, and signs the same version under it: copies of it go on under the new epoch, and everybody else gets a new grant
//! from the owner.

use std::io;

use kith_core::codec;
use kith_core::crypto::{Ed25519, SecretKey};
use kith_core::data::head::{Audience, NO_MANIFEST, SignedHead, Terms};
use kith_core::ids::{PeerId, ShareId};
use kith_core::time::Time;

use crate::content::event::ShareEvent;
use crate::content::shares::{ShareError, Shares, trusted};
use crate::content::store::{self, ShareRow};

/// How often a share is signed anew that gets another version meanwhile: once is rare, and each is over in no time.
pub(super) const TRIES_MAX: u32 = 8;

impl Shares {
    /// Takes a share back: nothing of it is served from now on, and its epoch rises, so that no grant opens it elsewhere either. Gives the
    /// signed head that says so.
    ///
    /// # Errors
    /// [`ShareError`].
    pub fn unshare(&self, share: &ShareId, now: Time) -> Result<Vec<u8>, ShareError> {
        for _ in 0..TRIES_MAX {
            let row = self
                .row(share)?
                .filter(|row| !row.revoked)
                .ok_or(ShareError::Unknown)?;
            let old = trusted(&row)?;
            let terms = Terms {
                epoch: old.epoch + 1,
                manifest: NO_MANIFEST,
                ..old.next(now)
            };
            let head = SignedHead::sign(&Ed25519, &SecretKey::from_bytes(row.secret), terms)?;
            let head = codec::encode(&head);
            let is_revoked = store::run(self.database(), |connection| {
                store::revoke(connection, &row, &head)
            })?;
            if is_revoked {
                self.looks().wake();
                self.doubt();
                self.tell_own(*share, ShareEvent::Listed(*share));
                return Ok(head);
            }
        }
        Err(changes_all_the_time())
    }

    /// Voids all grants of own shares that this peer may have, and so those of everybody else until they get new ones. Gives each of the
    /// shares with its new signed head. Blocks.
    ///
    /// # Errors
    /// [`ShareError`]; what was voided before stays so.
    pub fn revoke(&self, peer: &PeerId, now: Time) -> Result<Vec<(ShareId, Vec<u8>)>, ShareError> {
        let rows = store::run(self.database(), |connection| {
            store::shares(connection, None)
        })?;
        let mut revoked = Vec::new();
        for row in rows {
            let is_granted = match trusted(&row)?.audience {
                Audience::Contacts => true,
                Audience::Named => store::run(self.database(), |connection| {
                    store::is_named(connection, &row.share, peer)
                })?,
                Audience::Link { .. } | Audience::Public => false,
            };
            if is_granted && let Some(head) = self.raise_epoch(&row.share, now)? {
                revoked.push((row.share, head));
            }
        }
        if !revoked.is_empty() {
            self.doubt();
        }
        Ok(revoked)
    }

    /// Signs the version of now under a higher epoch; `None` for a share that was taken back meanwhile.
    fn raise_epoch(&self, share: &ShareId, now: Time) -> Result<Option<Vec<u8>>, ShareError> {
        for _ in 0..TRIES_MAX {
            let Some(row) = self.row(share)?.filter(|row| !row.revoked) else {
                return Ok(None);
            };
            let head = raised(&row, now)?;
            let replaced = store::run(self.database(), |connection| {
                store::replace_head(connection, &row, &head)
            })?;
            if replaced {
                return Ok(Some(head));
            }
        }
        Err(changes_all_the_time())
    }
}

/// A share got another head each time that one was signed on top of the last.
pub(super) fn changes_all_the_time() -> ShareError {
    ShareError::Keep(io::Error::other("it changes all the time"))
}

fn raised(row: &ShareRow, now: Time) -> Result<Vec<u8>, ShareError> {
    let old = trusted(row)?;
    let terms = Terms {
        epoch: old.epoch + 1,
        ..old.next(now)
    };
    let head = SignedHead::sign(&Ed25519, &SecretKey::from_bytes(row.secret), terms)?;
    Ok(codec::encode(&head))
}
