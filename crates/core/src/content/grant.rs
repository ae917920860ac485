//! A grant: "this peer may have this share", signed by the share's owner.
//!
//! With it somebody who is no contact of a provider is served by it nevertheless, while the owner sleeps. It is bound to the share's epoch: a
//! revocation raises the epoch, and every older grant is void. It ends after 30 days at most and is renewed whenever its
//! holder meets the owner.

use std::time::Duration;

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::codec::{self, DecodeError, Wire};
use crate::crypto::{Scheme, SecretKey, Signature};
use crate::ids::{PeerId, ShareId};
use crate::time::{CLOCK_SKEW_MAX, DAY, Time};

/// How long a grant is good at most: as long as a binding, so that whoever was not met for a month is asked for anew.
pub const GRANT_LIFETIME_MAX: Duration = Duration::from_secs(30 * DAY.as_secs());

/// The largest grant, in bytes: three keys and numbers.
pub const GRANT_BYTES_MAX: usize = 160;

/// Which version of the format this is.
const VERSION: u8 = 1;

/// What grants are signed under.
const CONTEXT: &str = "kith/1 grant";

/// What holders of grants sign under, in the session in which they show one.
const SHOWN_CONTEXT: &str = "kith/1 grant proof";

/// What a grant says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Grant {
    #[n(0)]
    version: u8,
    /// Which share.
    #[n(1)]
    pub share: ShareId,
    /// Whose it is; signs.
    #[n(2)]
    pub owner: PeerId,
    /// Who may have it.
    #[n(3)]
    pub peer: PeerId,
    /// The share's epoch it is good for.
    #[n(4)]
    pub epoch: u64,
    /// Good from here,
    #[n(5)]
    pub from: Time,
    /// until here.
    #[n(6)]
    pub until: Time,
}

impl Wire for Grant {
    const BYTES_MAX: usize = GRANT_BYTES_MAX;
}

/// A grant and its signature.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SignedGrant {
    #[n(0)]
    body: ByteVec,
    #[n(1)]
    by_owner: Signature,
}

impl Wire for SignedGrant {
    const BYTES_MAX: usize = GRANT_BYTES_MAX + 80;
}

/// Why a grant is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GrantError {
    /// Not a grant.
    #[error("a grant is damaged: {0}")]
    Malformed(#[from] DecodeError),
    /// Of a version that this one does not know.
    #[error("a grant has version {0}; a newer kith made it")]
    Version(u8),
    /// Not signed by the owner it names.
    #[error("a grant is not signed by the owner of the share")]
    Signature,
    /// Shown by somebody else than whom it names.
    #[error("a grant is shown by somebody else than whom it was given to")]
    Holder,
    /// Ended, not begun, or longer than [`GRANT_LIFETIME_MAX`].
    #[error("a grant has ended, or is not good yet")]
    Time,
}

impl SignedGrant {
    /// Lets `peer` have `share` from now on, for [`GRANT_LIFETIME_MAX`] or until the epoch changes.
    pub fn sign(
        scheme: &impl Scheme,
        owner: &SecretKey,
        share: ShareId,
        peer: PeerId,
        epoch: u64,
        now: Time,
    ) -> Self {
        let body = codec::encode(&Grant {
            version: VERSION,
            share,
            owner: owner.peer_id(),
            peer,
            epoch,
            from: now,
            until: now + GRANT_LIFETIME_MAX,
        });
        Self {
            by_owner: scheme.sign(owner, CONTEXT, &body),
            body: body.into(),
        }
    }

    /// Reads and verifies it. Whether it is for *this* share, epoch and asker is [`crate::content::may`]'s to say.
    ///
    /// # Errors
    /// [`GrantError`].
    pub fn verify(&self, scheme: &impl Scheme, now: Time) -> Result<Grant, GrantError> {
        let grant: Grant = codec::decode(&self.body)?;
        if grant.version != VERSION {
            return Err(GrantError::Version(grant.version));
        }
        if !grant.is_good_at(now) {
            return Err(GrantError::Time);
        }
        if !scheme.verify(&grant.owner, CONTEXT, &self.body, &self.by_owner) {
            return Err(GrantError::Signature);
        }
        Ok(grant)
    }
}

/// A grant that its holder shows in one session: whoever sees it cannot show it elsewhere.
///
/// A provider is often a stranger to whoever asks, and a session with a stranger proves no identity. So the holder's own signature comes
/// with the grant, over it and the session's exporter.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct GrantProof {
    #[n(0)]
    grant: SignedGrant,
    #[n(1)]
    by_holder: Signature,
}

impl Wire for GrantProof {
    const BYTES_MAX: usize = SignedGrant::BYTES_MAX + 80;
}

impl GrantProof {
    /// Shows `grant` in the session of `exporter`.
    pub fn sign(
        scheme: &impl Scheme,
        holder: &SecretKey,
        grant: SignedGrant,
        exporter: &[u8; 32],
    ) -> Self {
        Self {
            by_holder: scheme.sign(holder, SHOWN_CONTEXT, &shown_message(&grant, exporter)),
            grant,
        }
    }

    /// Reads and verifies it: the owner's word, and that whom it names is at the other end of this session.
    ///
    /// # Errors
    /// [`GrantError`].
    pub fn verify(
        &self,
        scheme: &impl Scheme,
        exporter: &[u8; 32],
        now: Time,
    ) -> Result<Grant, GrantError> {
        let grant = self.grant.verify(scheme, now)?;
        let message = shown_message(&self.grant, exporter);
        if !scheme.verify(&grant.peer, SHOWN_CONTEXT, &message, &self.by_holder) {
            return Err(GrantError::Holder);
        }
        Ok(grant)
    }
}

fn shown_message(grant: &SignedGrant, exporter: &[u8; 32]) -> Vec<u8> {
    [exporter.as_slice(), &codec::encode(grant)].concat()
}

impl Grant {
    /// Whether it is good at this time, as far as clocks agree.
    pub fn is_good_at(&self, now: Time) -> bool {
        self.until.since(self.from) <= GRANT_LIFETIME_MAX
            && self.from <= now + CLOCK_SKEW_MAX
            && now <= self.until + CLOCK_SKEW_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Ed25519;
    use proptest::prelude::*;

    const NOW: Time = Time(1_000_000_000_000);

    fn signed() -> SignedGrant {
        let owner = SecretKey::from_bytes([1; 32]);
        SignedGrant::sign(&Ed25519, &owner, ShareId([2; 32]), PeerId([3; 32]), 4, NOW)
    }

    #[test]
    fn a_grant_is_read_back_and_has_known_bytes() {
        let bytes = codec::encode(&signed());
        let read: SignedGrant = codec::decode(&bytes).expect("our own");
        let grant = read.verify(&Ed25519, NOW).expect("our own");
        assert_eq!(
            (grant.share, grant.peer, grant.epoch),
            (ShareId([2; 32]), PeerId([3; 32]), 4)
        );
        assert_eq!(data_encoding::HEXLOWER.encode(&bytes), GOLDEN);
    }

    const GOLDEN: &str = "82587b87015820020202020202020202020202020202020202020202020202020202020202020258208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c58200303030303030303030303030303030303030303030303030303030303030303041b000000e8d4a510001b000000e96f23d8005840f5ba3798558a1098d541db913aa4697edd69ed0defab09da1937ce70e8fe5b9795613e9ffbdad9bac08e3199728901d809d787e7318b70d74abb8fc307e66306";

    #[test]
    fn forged_early_and_ended_grants_are_refused() {
        let bytes = codec::encode(&signed());
        for at in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[at] ^= 1;
            let verified =
                codec::decode::<SignedGrant>(&forged).map(|grant| grant.verify(&Ed25519, NOW));
            assert!(!matches!(verified, Ok(Ok(_))), "byte {at}");
        }
        let late = NOW + GRANT_LIFETIME_MAX + CLOCK_SKEW_MAX;
        assert!(signed().verify(&Ed25519, late).is_ok());
        assert_eq!(
            signed().verify(&Ed25519, late + Duration::from_millis(1)),
            Err(GrantError::Time)
        );
        assert_eq!(signed().verify(&Ed25519, NOW - DAY), Err(GrantError::Time));
    }

    #[test]
    fn only_its_holder_shows_a_grant_and_in_one_session_only() {
        let owner = SecretKey::from_bytes([1; 32]);
        let (holder, thief) = (
            SecretKey::from_bytes([3; 32]),
            SecretKey::from_bytes([4; 32]),
        );
        let grant = SignedGrant::sign(&Ed25519, &owner, ShareId([2; 32]), holder.peer_id(), 4, NOW);
        let proof = GrantProof::sign(&Ed25519, &holder, grant.clone(), &[5; 32]);
        let read: GrantProof = codec::decode(&codec::encode(&proof)).expect("our own");
        assert_eq!(
            read.verify(&Ed25519, &[5; 32], NOW).map(|it| it.peer),
            Ok(holder.peer_id())
        );
        assert_eq!(
            proof.verify(&Ed25519, &[6; 32], NOW),
            Err(GrantError::Holder)
        );
        let stolen = GrantProof::sign(&Ed25519, &thief, grant, &[5; 32]);
        assert_eq!(
            stolen.verify(&Ed25519, &[5; 32], NOW),
            Err(GrantError::Holder)
        );
        let late = NOW + GRANT_LIFETIME_MAX + DAY;
        assert_eq!(
            proof.verify(&Ed25519, &[5; 32], late),
            Err(GrantError::Time)
        );
    }

    #[test]
    fn a_shown_grant_has_known_bytes() {
        let holder = SecretKey::from_bytes([3; 32]);
        let proof = GrantProof::sign(&Ed25519, &holder, signed(), &[5; 32]);
        let hex = data_encoding::HEXLOWER.encode(&codec::encode(&proof));
        assert_eq!(hex, format!("82{GOLDEN}5840{SHOWN_GOLDEN}"));
    }

    const SHOWN_GOLDEN: &str = "61c36877759361299f4dfba9897c7afbb761482c93d27ec52f908a1200e5c03b35a50715f1df254055ee6067d251321331bca00bda6acd5217a36d0666e6e40a";

    #[test]
    fn a_grant_longer_than_allowed_is_refused_though_its_owner_signed_it() {
        let owner = SecretKey::from_bytes([1; 32]);
        let mut grant = signed().verify(&Ed25519, NOW).expect("our own");
        grant.until = grant.until + Duration::from_millis(1);
        let body = codec::encode(&grant);
        let by_owner = Ed25519.sign(&owner, CONTEXT, &body);
        let long = SignedGrant {
            body: body.into(),
            by_owner,
        };
        assert_eq!(long.verify(&Ed25519, NOW), Err(GrantError::Time));
    }

    crate::decoding::decoder_tests! {
        grant: Grant = signed().verify(&Ed25519, NOW).expect("our own");
        signed_grant: SignedGrant = signed();
        shown: GrantProof = {
            let holder = SecretKey::from_bytes([3; 32]);
            GrantProof::sign(&Ed25519, &holder, signed(), &[5; 32])
        };
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(grant) = codec::decode::<SignedGrant>(&bytes) {
                let _ = grant.verify(&Ed25519, NOW);
            }
            if let Ok(proof) = codec::decode::<GrantProof>(&bytes) {
                let _ = proof.verify(&Ed25519, &[0; 32], NOW);
            }
        }
    }
}
