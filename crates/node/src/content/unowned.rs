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
use crate::content::store;

/// The version of the heads that this reads.
const VERSION: u8 = 1;

/// A head of version 1.
#[derive(Debug, Encode, Decode)]
pub struct Unowned {
    /// Which version of the format it is of.
    #[n(0)]
    pub version: u8,
    /// Which share.
    #[n(1)]
    pub share: ShareId,
    /// Whose it was said to be.
    #[n(2)]
    pub owner: PeerId,
    /// Rose with each head of the share.
    #[n(3)]
    pub sequence: u64,
    /// Rose with each revocation.
    #[n(4)]
    pub epoch: u64,
    /// The root directory's node.
    #[n(5)]
    pub manifest: BlobHash,
    /// What the owner calls it.
    #[n(6)]
    pub name: String,
    /// Who may have it.
    #[n(7)]
    pub audience: Audience,
    /// What becomes of it.
    #[n(8)]
    pub layout: Layout,
    /// What it holds.
    #[n(9)]
    pub totals: Totals,
    /// When it was signed.
    #[n(10)]
    pub at: Time,
}

impl Wire for Unowned {
    const BYTES_MAX: usize = HEAD_BYTES_MAX;
}

/// One with the signature of its share, which was verified by whoever kept it: ourselves.
#[derive(Debug, Encode, Decode)]
pub struct Signed {
    /// The head, as it was signed.
    #[n(0)]
    pub body: ByteVec,
    /// By the share's key; nobody looks at it any more.
    #[n(1)]
    pub by_share: Signature,
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
                let secret = SecretKey::from_bytes(row.secret);
                match signed_anew(&row.head, &secret, self.owner()) {
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

/// The head after a kept one, of the share of `secret`, which says the same and whose it is. `None` where what is kept is no such head, or
/// none can follow it.
pub fn signed_anew(kept: &[u8], secret: &SecretKey, owner: &SecretKey) -> Option<Vec<u8>> {
    let signed: Signed = codec::decode(kept).ok()?;
    let old: Unowned = codec::decode(&signed.body).ok()?;
    let is_ours = old.owner == owner.peer_id() && old.share == secret.share_id();
    if old.version != VERSION || !is_ours {
        return None;
    }
    let terms = Terms {
        owner: Ownership::sign(&Ed25519, owner, &old.share),
        sequence: old.sequence.checked_add(1)?,
        epoch: old.epoch,
        manifest: old.manifest,
        name: old.name,
        audience: old.audience,
        layout: old.layout,
        totals: old.totals,
        at: old.at,
    };
    let signed = SignedHead::sign(&Ed25519, secret, terms).ok()?;
    Some(codec::encode(&signed))
}
