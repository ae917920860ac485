//! What the owner of a share signs: the share is now this tree.
//!
//! A head is signed by the share's own key, which only its owner has. Whose it is no key of a share can say: anybody makes one, and may name anybody.
//! So the owner's key signs that of the share, once, and each head carries that ([`Ownership`]). Its sequence rises with each change, its epoch with
//! each revocation: whoever holds grants of an older epoch holds nothing. The list of named peers is not in it, because everybody who may
//! see a share sees its head.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::codec::{self, DecodeError, Wire};
use crate::crypto::{PublicKey, Scheme, SecretKey, Signature};
use crate::data::manifest::Totals;
use crate::data::path::{self, PathError};
use crate::ids::{BlobHash, PeerId, ShareId};
use crate::time::{CLOCK_SKEW_MAX, Time};

/// The largest head, in bytes: four keys, a signature, a name, and numbers. With its signature it fits what `/kith/share/1` carries.
pub const HEAD_BYTES_MAX: usize = 512;

/// Which version of the format this is.
const VERSION: u8 = 2;

/// What heads are signed under.
const CONTEXT: &str = "kith/1 head";

/// What owners sign the keys of their shares under.
const OWNER_CONTEXT: &str = "kith/1 share owner";

/// The manifest of a share that was taken back: nothing has this hash, and no version of it is any more.
pub const NO_MANIFEST: BlobHash = BlobHash([0; 32]);

/// Who may have a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Audience {
    /// The owner's confirmed contacts.
    #[n(0)]
    Contacts,
    /// Those the owner named; whom, is the owner's secret.
    #[n(1)]
    Named,
    /// Whoever holds the link.
    #[n(2)]
    Link {
        /// The public half of the key that the link's secret seeds.
        #[n(0)]
        key: LinkKey,
    },
    /// Everybody.
    #[n(3)]
    Public,
}

/// The public half of a link's key: askers prove with the other half that they hold the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct LinkKey(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 32]);

impl PublicKey for LinkKey {
    fn public_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// What becomes of a share at its getter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Layout {
    /// A folder of the share's name, with what the root lists.
    #[n(0)]
    Folder,
    /// The one file that the root lists, by itself.
    #[n(1)]
    File,
}

/// That a share is somebody's, by their own key: a signature of the share's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ownership {
    owner: PeerId,
    by_owner: Signature,
}

impl Ownership {
    /// Says that `share` is that of `owner`.
    pub fn sign(scheme: &impl Scheme, owner: &SecretKey, share: &ShareId) -> Self {
        Self {
            owner: owner.peer_id(),
            by_owner: scheme.sign(owner, OWNER_CONTEXT, share.as_bytes()),
        }
    }
}

/// The state of a share.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Head {
    #[n(0)]
    version: u8,
    /// Which share.
    #[n(1)]
    pub share: ShareId,
    /// Whose it is; their grants open it.
    #[n(2)]
    pub owner: PeerId,
    /// That it is theirs.
    #[n(3)]
    by_owner: Signature,
    /// Rises with each head of the share.
    #[n(4)]
    pub sequence: u64,
    /// Rises with each revocation.
    #[n(5)]
    pub epoch: u64,
    /// The root directory's node.
    #[n(6)]
    pub manifest: BlobHash,
    /// What the owner calls it: a safe name (see [`path::check_name`]).
    #[n(7)]
    pub name: String,
    /// Who may have it.
    #[n(8)]
    pub audience: Audience,
    /// What becomes of it.
    #[n(9)]
    pub layout: Layout,
    /// What it holds.
    #[n(10)]
    pub totals: Totals,
    /// When it was signed.
    #[n(11)]
    pub at: Time,
}

/// What a head says, apart from what every head has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Whose it is, by their word.
    pub owner: Ownership,
    /// Rises with each head of the share.
    pub sequence: u64,
    /// Rises with each revocation.
    pub epoch: u64,
    /// The root directory's node.
    pub manifest: BlobHash,
    /// What the owner calls it.
    pub name: String,
    /// Who may have it.
    pub audience: Audience,
    /// What becomes of it.
    pub layout: Layout,
    /// What it holds.
    pub totals: Totals,
    /// When it is signed.
    pub at: Time,
}

impl Wire for Head {
    const BYTES_MAX: usize = HEAD_BYTES_MAX;
}

/// A head and its signature, kept as received so that it can be passed on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SignedHead {
    #[n(0)]
    body: ByteVec,
    #[n(1)]
    by_share: Signature,
}

impl Wire for SignedHead {
    const BYTES_MAX: usize = HEAD_BYTES_MAX + 80;
}

/// Why a head is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HeadError {
    /// Not a head.
    #[error("a share's head is damaged: {0}")]
    Malformed(#[from] DecodeError),
    /// Of a version that this one does not know.
    #[error("a share's head has version {0}; a newer kith made it")]
    Version(u8),
    /// Not signed by the share's key.
    #[error("a share's head is not signed by its share")]
    Signature,
    /// Of a share that the owner it names has not signed.
    #[error("a share names an owner who did not sign it")]
    Owner,
    /// Its name is no safe name.
    #[error("a share's name is refused: {0}")]
    Name(#[from] PathError),
    /// Signed in the future, beyond what clocks may differ.
    #[error("a share's head comes from the future; compare the clocks")]
    Future,
    /// Another share's, or another owner's.
    #[error("a share's head belongs to another share")]
    OtherShare,
}

impl SignedHead {
    /// Signs what the share of `secret` now is.
    ///
    /// # Errors
    /// [`HeadError::Name`] when the name is not a safe one.
    pub fn sign(scheme: &impl Scheme, secret: &SecretKey, terms: Terms) -> Result<Self, HeadError> {
        path::check_name(&terms.name)?;
        let body = codec::encode(&Head {
            version: VERSION,
            share: secret.share_id(),
            owner: terms.owner.owner,
            by_owner: terms.owner.by_owner,
            sequence: terms.sequence,
            epoch: terms.epoch,
            manifest: terms.manifest,
            name: terms.name,
            audience: terms.audience,
            layout: terms.layout,
            totals: terms.totals,
            at: terms.at,
        });
        Ok(Self {
            by_share: scheme.sign(secret, CONTEXT, &body),
            body: body.into(),
        })
    }

    /// Reads and verifies it.
    ///
    /// # Errors
    /// [`HeadError`], except `OtherShare`, which is for those who asked for a certain one.
    pub fn verify(&self, scheme: &impl Scheme, now: Time) -> Result<Head, HeadError> {
        let head: Head = codec::decode(&self.body)?;
        if head.version != VERSION {
            return Err(HeadError::Version(head.version));
        }
        if !scheme.verify(&head.share, CONTEXT, &self.body, &self.by_share) {
            return Err(HeadError::Signature);
        }
        let share = head.share.as_bytes();
        if !scheme.verify(&head.owner, OWNER_CONTEXT, share, &head.by_owner) {
            return Err(HeadError::Owner);
        }
        path::check_name(&head.name)?;
        if head.at > now + CLOCK_SKEW_MAX {
            return Err(HeadError::Future);
        }
        Ok(head)
    }

    /// Reads one that was verified before, as from one's own disk.
    ///
    /// # Errors
    /// [`HeadError::Malformed`] and [`HeadError::Version`].
    pub fn trusted(&self) -> Result<Head, HeadError> {
        let head: Head = codec::decode(&self.body)?;
        if head.version == VERSION {
            Ok(head)
        } else {
            Err(HeadError::Version(head.version))
        }
    }
}

impl Head {
    /// What the head after this one says, signed at `at`, where nothing else changes.
    pub fn next(&self, at: Time) -> Terms {
        Terms {
            owner: Ownership {
                owner: self.owner,
                by_owner: self.by_owner,
            },
            sequence: self.sequence + 1,
            epoch: self.epoch,
            manifest: self.manifest,
            name: self.name.clone(),
            audience: self.audience,
            layout: self.layout,
            totals: self.totals,
            at,
        }
    }

    /// Whether it says that the share was taken back.
    pub fn is_ended(&self) -> bool {
        self.manifest == NO_MANIFEST
    }

    /// Whether this one replaces `other`: the same share, later.
    pub fn is_newer_than(&self, other: &Self) -> bool {
        self.share == other.share && (self.epoch, self.sequence) > (other.epoch, other.sequence)
    }

    /// Whether it is newer and of another version: other files, or others in them.
    pub fn is_newer_version_than(&self, other: &Self) -> bool {
        self.is_newer_than(other) && self.manifest != other.manifest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Ed25519;
    use proptest::prelude::*;

    const NOW: Time = Time(1_000_000_000_000);

    fn terms() -> Terms {
        let share = SecretKey::from_bytes([1; 32]).share_id();
        Terms {
            owner: Ownership::sign(&Ed25519, &SecretKey::from_bytes([9; 32]), &share),
            sequence: 3,
            epoch: 1,
            manifest: BlobHash([7; 32]),
            name: "holiday".into(),
            audience: Audience::Contacts,
            layout: Layout::Folder,
            totals: Totals {
                bytes: 10,
                files: 2,
            },
            at: NOW,
        }
    }

    fn signed(terms: Terms) -> SignedHead {
        SignedHead::sign(&Ed25519, &SecretKey::from_bytes([1; 32]), terms).expect("a safe name")
    }

    #[test]
    fn a_head_is_read_back_and_has_known_bytes() {
        let bytes = codec::encode(&signed(terms()));
        let read: SignedHead = codec::decode(&bytes).expect("our own");
        let head = read.verify(&Ed25519, NOW).expect("our own");
        assert_eq!(head.name, "holiday");
        assert_eq!(head.share, SecretKey::from_bytes([1; 32]).share_id());
        assert_eq!(data_encoding::HEXLOWER.encode(&bytes), GOLDEN);
    }

    const GOLDEN: &str = "8258c48c0258208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c5820fd1724385aa0c75b64fb78cd602fa1d991fdebf76b13c58ed702eac835e9f6185840491ea5b243551f693458164378e671cb4a6cbe8ad8d1d48a62efad2052925961dd87a56df00ad04f31a387ef1b46bbe428ee8c1b2e49ab1db2cfdef02598100403015820070707070707070707070707070707070707070707070707070707070707070767686f6c6964617982008000820a021b000000e8d4a5100058401eff6b0b6617e134b16b1f1171c7d08ee06d8d0ed3ab5ae251a6c65eda4e31e1bb623ae4e0c29c6a376882f1367426c8ee08a882dc123e924c1799696b38e107";

    #[test]
    fn the_largest_head_fits_its_bound() {
        let largest = Terms {
            sequence: u64::MAX,
            epoch: u64::MAX,
            name: "n".repeat(255),
            audience: Audience::Link {
                key: LinkKey([255; 32]),
            },
            totals: Totals {
                bytes: u64::MAX,
                files: u64::MAX,
            },
            at: Time(u64::MAX),
            ..terms()
        };
        let bytes = codec::encode(&signed(largest));
        let read: SignedHead = codec::decode(&bytes).expect("within the bound");
        assert!(read.verify(&Ed25519, Time(u64::MAX)).is_ok());
    }

    #[test]
    fn forged_renamed_and_future_heads_are_refused() {
        let bytes = codec::encode(&signed(terms()));
        for at in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[at] ^= 1;
            let verified =
                codec::decode::<SignedHead>(&forged).map(|head| head.verify(&Ed25519, NOW));
            assert!(!matches!(verified, Ok(Ok(_))), "byte {at}");
        }
        let future = signed(Terms {
            at: Time(NOW.0 + 3 * 3_600_000),
            ..terms()
        });
        assert_eq!(future.verify(&Ed25519, NOW), Err(HeadError::Future));
        let key = SecretKey::from_bytes([1; 32]);
        let escaping = SignedHead::sign(
            &Ed25519,
            &key,
            Terms {
                name: "../x".into(),
                ..terms()
            },
        );
        assert_eq!(escaping, Err(HeadError::Name(PathError::Separator)));
    }

    #[test]
    fn a_head_that_names_an_owner_who_did_not_sign_its_share_is_refused() {
        let (mallory, theirs) = (SecretKey::from_bytes([1; 32]), terms().owner);
        let other = SecretKey::from_bytes([2; 32]);
        let signed_for_another = SignedHead::sign(&Ed25519, &other, terms());
        let signed_by_another = SignedHead::sign(
            &Ed25519,
            &mallory,
            Terms {
                owner: Ownership {
                    owner: theirs.owner,
                    ..Ownership::sign(&Ed25519, &mallory, &mallory.share_id())
                },
                ..terms()
            },
        );
        for head in [signed_for_another, signed_by_another] {
            let verified = head.expect("a safe name").verify(&Ed25519, NOW);
            assert_eq!(verified, Err(HeadError::Owner));
        }
        // Each head after it carries it on.
        let head = signed(terms()).verify(&Ed25519, NOW).expect("genuine");
        let next = signed(head.next(NOW)).verify(&Ed25519, NOW);
        assert_eq!(next.expect("genuine").owner, theirs.owner);
    }

    #[test]
    fn a_revocation_is_newer_than_any_change() {
        let head = |sequence, epoch| {
            let head = signed(Terms {
                sequence,
                epoch,
                ..terms()
            });
            head.trusted().expect("our own")
        };
        assert!(head(4, 1).is_newer_than(&head(3, 1)));
        assert!(head(1, 2).is_newer_than(&head(9, 1)));
        assert!(!head(3, 1).is_newer_than(&head(3, 1)));
        assert!(!head(4, 2).is_newer_version_than(&head(3, 1)), "the same");
    }

    crate::decoding::decoder_tests! {
        head: Head = signed(terms()).trusted().expect("our own");
        signed_head: SignedHead = signed(terms());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            if let Ok(head) = codec::decode::<SignedHead>(&bytes) {
                let _ = head.verify(&Ed25519, NOW);
            }
        }
    }
}
