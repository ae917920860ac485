//! Own shares from before heads said whose they are: what they are is kept as version 1 of a head in the database, and signed anew when a node
//! starts with it. They keep their ids, links and recipients, and no file is read.

use std::io;

use kith_core::codec::{self, Wire};
use kith_core::crypto::{Ed25519, SecretKey, Signature};
use kith_core::data::head::{Audience, HEAD_BYTES_MAX, Layout, Ownership, SignedHead, Terms};
use kith_core::data::manifest::Totals;
use kith_core::ids::{BlobHash, PeerId, ShareId};
use kith_core::time::Time;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use rusqlite::params;

use crate::content::shares::{Shares, trusted};
use crate::content::store::{self, ShareRow};

/// The version of the heads that this reads.
const VERSION: u8 = 1;

/// A head of version 1.
#[derive(Debug, Encode, Decode)]
pub(super) struct Unowned {
    #[n(0)]
    pub(super) version: u8,
    #[n(1)]
    pub(super) share: ShareId,
    #[n(2)]
    pub(super) owner: PeerId,
    #[n(3)]
    pub(super) sequence: u64,
    #[n(4)]
    pub(super) epoch: u64,
    #[n(5)]
    pub(super) manifest: BlobHash,
    #[n(6)]
    pub(super) name: String,
    #[n(7)]
    pub(super) audience: Audience,
    #[n(8)]
    pub(super) layout: Layout,
    #[n(9)]
    pub(super) totals: Totals,
    #[n(10)]
    pub(super) at: Time,
}

impl Wire for Unowned {
    const BYTES_MAX: usize = HEAD_BYTES_MAX;
}

/// One with the signature of its share, which was verified by whoever kept it: ourselves.
#[derive(Encode, Decode)]
pub(super) struct Signed {
    #[n(0)]
    pub(super) body: ByteVec,
    #[n(1)]
    pub(super) by_share: Signature,
}

impl Wire for Signed {
    const BYTES_MAX: usize = HEAD_BYTES_MAX + 80;
}

impl Shares {
    /// Signs own shares anew whose heads do not say that they are ours. One that cannot be is shared no longer; its files stay.
    pub(super) fn own_unowned(&self) -> io::Result<()> {
        store::run(self.database(), |connection| {
            let transaction = connection.transaction()?;
            for row in store::all(&transaction)? {
                if trusted(&row).is_ok() {
                    continue;
                }
                match signed_anew(&row, self.owner()) {
                    Some(head) => transaction.execute(
                        "UPDATE share SET head = ?2 WHERE share = ?1",
                        params![row.share.0, head],
                    )?,
                    None => {
                        tracing::warn!(share = %row.share, "a share is not shared any more: what it is cannot be read");
                        store::forget(&transaction, &row.share)?
                    }
                };
            }
            transaction.commit()
        })
    }
}

/// The head after the one in a row, which says the same and whose it is.
fn signed_anew(row: &ShareRow, owner: &SecretKey) -> Option<Vec<u8>> {
    let signed: Signed = codec::decode(&row.head).ok()?;
    let old: Unowned = codec::decode(&signed.body).ok()?;
    let secret = SecretKey::from_bytes(row.secret);
    let is_ours = old.owner == owner.peer_id() && old.share == secret.share_id();
    if old.version != VERSION || !is_ours {
        return None;
    }
    let terms = Terms {
        owner: Ownership::sign(&Ed25519, owner, &old.share),
        sequence: old.sequence + 1,
        epoch: old.epoch,
        manifest: old.manifest,
        name: old.name,
        audience: old.audience,
        layout: old.layout,
        totals: old.totals,
        at: old.at,
    };
    let signed = SignedHead::sign(&Ed25519, &secret, terms).ok()?;
    Some(codec::encode(&signed))
}
