//! The one decision whether an asker gets a share.
//!
//! Whoever holds a share's blobs demands the same of askers as its owner does. The owner knows its contacts and whom it named; other
//! providers know neither and go by the owner's grants. What was shown is verified once per stream and judged anew at each request,
//! so that a revocation takes effect at once.

use minicbor::{Decode, Encode};

use crate::content::grant::{Grant, GrantProof};
use crate::crypto::{PublicKey, Scheme, SecretKey, Signature};
use crate::ids::{PeerId, ShareId};
use crate::time::Time;

/// What link proofs are signed under.
const CONTEXT: &str = "kith/1 link proof";

/// What an asker is to this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Nobody it knows.
    Stranger,
    /// Came by a reusable invite and is not confirmed.
    Pending,
    /// A confirmed contact.
    Contact,
    /// Blocked.
    Blocked,
}

/// Who asks, as the session has proven it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Its identity; `None` for one that proved none.
    pub peer: Option<PeerId>,
    /// What it is to this node.
    pub relation: Relation,
}

impl Asker {
    /// Somebody unknown.
    pub const STRANGER: Self = Self {
        peer: None,
        relation: Relation::Stranger,
    };

    /// The same with what they have shown: a stranger who shows a grant of their own is whom it names, and may be somebody `is_blocked`.
    #[must_use]
    pub fn having(self, shown: &Shown, is_blocked: impl FnOnce(&PeerId) -> bool) -> Self {
        match (self.peer, shown) {
            (None, Shown::Grant(grant)) => Self {
                peer: Some(grant.peer),
                relation: match is_blocked(&grant.peer) {
                    true => Relation::Blocked,
                    false => self.relation,
                },
            },
            _ => self,
        }
    }
}

/// How a share is guarded, as its provider knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Which share.
    pub share: ShareId,
    /// Whose.
    pub owner: PeerId,
    /// The newest epoch heard of.
    pub epoch: u64,
    /// Whom the head admits.
    pub admits: Admits,
}

/// Whom a share admits, with what this node knows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admits {
    /// Everybody.
    Public,
    /// The holders of the link with this key.
    Link([u8; 32]),
    /// The confirmed contacts of the owner, who is this node.
    MyContacts,
    /// Those the owner named, who is this node: whether the asker is one.
    MyNamed(bool),
    /// Those with a grant: this node is not the owner.
    Granted,
}

/// A proof that the asker holds a link, made for one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct LinkProof(#[n(0)] Signature);

impl LinkProof {
    /// Signs the session's exporter with the link's key.
    pub fn sign(
        scheme: &impl Scheme,
        key: &SecretKey,
        share: ShareId,
        exporter: &[u8; 32],
    ) -> Self {
        Self(scheme.sign(key, CONTEXT, &message(share, exporter)))
    }

    /// Whether it was made for this share and session by the holder of `key`.
    fn holds(
        &self,
        scheme: &impl Scheme,
        key: &impl PublicKey,
        share: ShareId,
        exporter: &[u8; 32],
    ) -> bool {
        scheme.verify(key, CONTEXT, &message(share, exporter), &self.0)
    }
}

fn message(share: ShareId, exporter: &[u8; 32]) -> Vec<u8> {
    [share.as_bytes().as_slice(), exporter].concat()
}

/// What an asker has shown and this node has verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// Nothing but who it is.
    #[default]
    Nothing,
    /// That it holds the link of this key.
    Link([u8; 32]),
    /// A grant of somebody, whose holder it is.
    Grant(Grant),
}

/// Verifies that the asker holds the link that `guard` admits. A share that has no link takes as long to refuse as a wrong proof, so that the time tells
/// nobody what there is.
pub fn show_link(
    scheme: &impl Scheme,
    guard: &Guard,
    exporter: &[u8; 32],
    proof: &LinkProof,
) -> Shown {
    let (key, has_link) = match guard.admits {
        Admits::Link(key) => (key, true),
        _ => (guard.owner.0, false),
    };
    if proof.holds(scheme, &LinkHolder(key), guard.share, exporter) && has_link {
        Shown::Link(key)
    } else {
        Shown::Nothing
    }
}

/// Verifies that the asker holds a grant; one that is not theirs shows nothing.
pub fn show_grant(
    scheme: &impl Scheme,
    exporter: &[u8; 32],
    proof: &GrantProof,
    now: Time,
) -> Shown {
    proof
        .verify(scheme, exporter, now)
        .map_or(Shown::Nothing, Shown::Grant)
}

/// The public half of a link's key.
struct LinkHolder([u8; 32]);

impl PublicKey for LinkHolder {
    fn public_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Whether `asker` gets the share behind `guard`.
pub fn may(asker: &Asker, guard: &Guard, shown: &Shown, now: Time) -> bool {
    if asker.relation == Relation::Blocked {
        return false;
    }
    if asker.peer == Some(guard.owner) {
        return true;
    }
    let admitted = match guard.admits {
        Admits::Public => true,
        Admits::Link(key) => *shown == Shown::Link(key),
        Admits::MyContacts => asker.relation == Relation::Contact,
        Admits::MyNamed(is_named) => is_named && asker.relation == Relation::Contact,
        Admits::Granted => false,
    };
    admitted || is_granted(asker, guard, shown, now)
}

/// Whether `asker` may be told that the share was taken back: whoever had it until then. A grant of any epoch up to this one says so.
pub fn may_know_end(asker: &Asker, guard: &Guard, shown: &Shown, now: Time) -> bool {
    let epoch = match shown {
        Shown::Grant(grant) if grant.epoch <= guard.epoch => grant.epoch,
        _ => guard.epoch,
    };
    may(asker, &Guard { epoch, ..*guard }, shown, now)
}

/// Whether a grant of the owner opens this share, at this epoch, for this asker. The owner itself goes by what it knows now:
/// somebody removed from the contacts keeps a grant that others honour until its end or the next epoch, but not its signer.
fn is_granted(asker: &Asker, guard: &Guard, shown: &Shown, now: Time) -> bool {
    let Shown::Grant(grant) = shown else {
        return false;
    };
    guard.admits == Admits::Granted
        && grant.share == guard.share
        && grant.owner == guard.owner
        && grant.epoch == guard.epoch
        && Some(grant.peer) == asker.peer
        && grant.is_good_at(now)
}

/// What becomes of a copy of a share when a head of the share is heard of.
///
/// A head of a higher epoch voids all grants. Where it is of another version, or of none because the share was taken back, nobody may have the copy
/// any more. Where it is of the same version, the owner has only taken somebody's grants back: others get new ones, and the copy is as good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyFate {
    /// It is provided as before.
    Stays,
    /// It is provided under the new head, to those with grants of its epoch.
    GoesOn,
    /// It is provided no longer.
    Ends,
}

impl CopyFate {
    /// Of a copy of the epoch `copied` when a head of the epoch `heard` comes; `is_same_version` says whether both heads name one manifest.
    pub fn of(copied: u64, heard: u64, is_same_version: bool) -> Self {
        match (heard > copied, is_same_version) {
            (false, _) => Self::Stays,
            (true, true) => Self::GoesOn,
            (true, false) => Self::Ends,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::grant::{GRANT_LIFETIME_MAX, SignedGrant};
    use crate::crypto::Ed25519;
    use crate::time::DAY;

    const NOW: Time = Time(1_000_000_000_000);
    const SHARE: ShareId = ShareId([5; 32]);

    fn owner() -> SecretKey {
        SecretKey::from_bytes([1; 32])
    }

    #[test]
    fn a_copy_outlives_a_higher_epoch_only_as_the_same_version() {
        for (copied, heard, is_same, fate) in [
            (1, 1, true, CopyFate::Stays),
            (1, 1, false, CopyFate::Stays),
            (2, 1, false, CopyFate::Stays),
            (1, 2, true, CopyFate::GoesOn),
            (1, 2, false, CopyFate::Ends),
        ] {
            assert_eq!(CopyFate::of(copied, heard, is_same), fate);
        }
    }

    fn guard(admits: Admits) -> Guard {
        Guard {
            share: SHARE,
            owner: owner().peer_id(),
            epoch: 7,
            admits,
        }
    }

    fn peer(relation: Relation) -> Asker {
        Asker {
            peer: Some(PeerId([9; 32])),
            relation,
        }
    }

    #[test]
    fn contacts_means_confirmed_contacts() {
        let mine = guard(Admits::MyContacts);
        assert!(may(&peer(Relation::Contact), &mine, &Shown::Nothing, NOW));
        for relation in [Relation::Stranger, Relation::Pending, Relation::Blocked] {
            assert!(
                !may(&peer(relation), &mine, &Shown::Nothing, NOW),
                "{relation:?}"
            );
        }
        assert!(!may(&Asker::STRANGER, &mine, &Shown::Nothing, NOW));
    }

    #[test]
    fn named_means_named_and_still_a_contact() {
        assert!(may(
            &peer(Relation::Contact),
            &guard(Admits::MyNamed(true)),
            &Shown::Nothing,
            NOW
        ));
        assert!(!may(
            &peer(Relation::Contact),
            &guard(Admits::MyNamed(false)),
            &Shown::Nothing,
            NOW
        ));
        assert!(!may(
            &peer(Relation::Pending),
            &guard(Admits::MyNamed(true)),
            &Shown::Nothing,
            NOW
        ));
    }

    #[test]
    fn a_link_opens_its_share_in_its_session_only() {
        let key = SecretKey::from_bytes([2; 32]);
        let linked = guard(Admits::Link(key.public()));
        let proof = LinkProof::sign(&Ed25519, &key, SHARE, &[3; 32]);
        let shown = show_link(&Ed25519, &linked, &[3; 32], &proof);
        assert!(may(&Asker::STRANGER, &linked, &shown, NOW));
        assert!(!may(&peer(Relation::Blocked), &linked, &shown, NOW));
        assert!(!may(
            &peer(Relation::Contact),
            &linked,
            &Shown::Nothing,
            NOW
        ));
        let replayed = show_link(&Ed25519, &linked, &[4; 32], &proof);
        assert!(!may(&Asker::STRANGER, &linked, &replayed, NOW));
        let by_owner = LinkProof::sign(&Ed25519, &owner(), SHARE, &[3; 32]);
        let private = guard(Admits::MyContacts);
        assert_eq!(
            show_link(&Ed25519, &private, &[3; 32], &by_owner),
            Shown::Nothing
        );
        let other = Guard {
            share: ShareId([6; 32]),
            ..linked
        };
        assert_eq!(
            show_link(&Ed25519, &other, &[3; 32], &proof),
            Shown::Nothing
        );
        let renewed = guard(Admits::Link([8; 32]));
        assert!(!may(&Asker::STRANGER, &renewed, &shown, NOW));
    }

    const EXPORTER: [u8; 32] = [3; 32];

    /// What is shown with a grant of `signer` for `holder`.
    fn granted(signer: &SecretKey, share: ShareId, holder: &SecretKey, epoch: u64) -> Shown {
        let grant = SignedGrant::sign(&Ed25519, signer, share, holder.peer_id(), epoch, NOW);
        let proof = GrantProof::sign(&Ed25519, holder, grant, &EXPORTER);
        show_grant(&Ed25519, &EXPORTER, &proof, NOW)
    }

    #[test]
    fn a_provider_goes_by_grants_of_this_share_epoch_owner_and_asker() {
        let held = guard(Admits::Granted);
        let (holder, another) = (
            SecretKey::from_bytes([9; 32]),
            SecretKey::from_bytes([4; 32]),
        );
        let good = granted(&owner(), SHARE, &holder, 7);
        let stranger = |shown: &Shown| Asker::STRANGER.having(shown, |_| false);
        assert!(may(&stranger(&good), &held, &good, NOW));
        assert!(!may(
            &stranger(&good),
            &held,
            &good,
            NOW + GRANT_LIFETIME_MAX + DAY
        ));
        assert!(!may(&Asker::STRANGER, &held, &Shown::Nothing, NOW));
        assert!(!may(&peer(Relation::Contact), &held, &Shown::Nothing, NOW));
        for bad in [
            granted(&another, SHARE, &holder, 7),
            granted(&owner(), ShareId([6; 32]), &holder, 7),
            granted(&owner(), SHARE, &holder, 6),
            granted(&owner(), SHARE, &holder, 8),
        ] {
            assert!(!may(&stranger(&bad), &held, &bad, NOW), "{bad:?}");
        }
        // A contact does not get in by a grant of somebody else whose key it has as well.
        assert!(!may(&peer(Relation::Contact), &held, &good, NOW));
    }

    #[test]
    fn whoever_had_a_share_may_know_its_end_and_nobody_else() {
        let held = guard(Admits::Granted);
        let holder = SecretKey::from_bytes([9; 32]);
        let old = granted(&owner(), SHARE, &holder, 6);
        let asker = Asker::STRANGER.having(&old, |_| false);
        assert!(!may(&asker, &held, &old, NOW));
        assert!(may_know_end(&asker, &held, &old, NOW));
        let ahead = granted(&owner(), SHARE, &holder, 8);
        assert!(!may_know_end(&asker, &held, &ahead, NOW));
        assert!(!may_know_end(&Asker::STRANGER, &held, &Shown::Nothing, NOW));
        let mine = guard(Admits::MyContacts);
        assert!(may_know_end(
            &peer(Relation::Contact),
            &mine,
            &Shown::Nothing,
            NOW
        ));
        assert!(!may_know_end(
            &peer(Relation::Stranger),
            &mine,
            &Shown::Nothing,
            NOW
        ));
    }

    #[test]
    fn a_stranger_who_shows_to_be_somebody_blocked_is_refused() {
        let holder = SecretKey::from_bytes([9; 32]);
        let shown = granted(&owner(), SHARE, &holder, 7);
        let asker = Asker::STRANGER.having(&shown, |peer| *peer == holder.peer_id());
        assert_eq!(asker.relation, Relation::Blocked);
        assert!(!may(&asker, &guard(Admits::Granted), &shown, NOW));
        assert!(!may(&asker, &guard(Admits::Public), &shown, NOW));
    }

    #[test]
    fn the_owner_does_not_honour_a_grant_to_somebody_removed() {
        let holder = SecretKey::from_bytes([9; 32]);
        let shown = granted(&owner(), SHARE, &holder, 7);
        let asker = Asker::STRANGER.having(&shown, |_| false);
        assert!(!may(&asker, &guard(Admits::MyContacts), &shown, NOW));
    }

    #[test]
    fn the_owner_gets_its_own_share_from_anybody_and_everybody_a_public_one() {
        let asker = Asker {
            peer: Some(owner().peer_id()),
            relation: Relation::Stranger,
        };
        assert!(may(&asker, &guard(Admits::Granted), &Shown::Nothing, NOW));
        assert!(may(
            &Asker::STRANGER,
            &guard(Admits::Public),
            &Shown::Nothing,
            NOW
        ));
    }
}
