//! A contact: what I know of a peer I met.

use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::codec::Wire;
use crate::ids::{DeviceKey, Face, InviteId, PeerId};
use crate::introducer::Introducer;
use crate::protocol::{NAME_BYTES_MAX, ProtocolName};
use crate::time::Time;

use super::binding::Binding;
use super::invite::INVITE_INTRODUCERS_MAX;
use super::petname::{Petname, TAG_BYTES_MAX, Tag};
use super::reach::ReachSecret;

/// The most tags of a contact: more than anybody remembers having given.
pub const TAGS_MAX: usize = 32;

/// The longest note, in bytes: a page.
pub const NOTE_BYTES_MAX: usize = 4096;

/// The most protocols remembered of a contact; as many as a hello lists.
pub const SPEAKS_MAX: usize = 64;

/// The most pairs of face and role whose epochs are remembered: sixteen devices. A contact that shows more is refused,
/// because forgetting one would let its old bindings be replayed.
pub const EPOCHS_MAX: usize = 32;

/// Which version of the stored form this is.
pub(super) const VERSION: u8 = 1;

/// How far a contact is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum ContactState {
    /// One of the audience `contacts`.
    #[n(0)]
    Confirmed,
    /// Came by a reusable invite, or was unblocked: outside of every audience until confirmed.
    #[n(1)]
    Pending,
    /// Gets nothing, not even an answer.
    #[n(2)]
    Blocked,
}

/// What a peer is to me at the moment it shows a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Not in the book, or no reach secret is shared: only the proof of an invite, link or grant opens anything.
    Stranger,
    /// Gets nothing.
    Blocked,
    /// Met, but outside of the audience `contacts`.
    Pending,
    /// A contact.
    Confirmed,
}

/// What is shared with a contact, and since which invite.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Reach {
    /// The secret.
    #[n(0)]
    pub secret: ReachSecret,
    /// The invite it is mixed with.
    #[n(1)]
    pub invite: InviteId,
    /// When that invite was accepted, by the clock of who accepted it, and after all that the two had shared before. Both sides know
    /// it, and the latest counts, so that two peers who invited each other at once come to the same one.
    #[n(2)]
    pub at: Time,
}

/// The newest epoch seen of one face and role.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EpochSeen {
    /// The face.
    #[n(0)]
    pub face: Face,
    /// The role.
    #[n(1)]
    pub role: u8,
    /// The epoch.
    #[n(2)]
    pub epoch: u64,
    /// The device it was bound to.
    #[n(3)]
    pub device: DeviceKey,
}

/// What I know of a peer.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Contact {
    #[n(0)]
    pub(super) version: u8,
    /// Who it is.
    #[n(1)]
    pub peer: PeerId,
    /// My name for it, unlike that of any other contact.
    #[n(2)]
    pub petname: Petname,
    /// How far it is let in.
    #[n(3)]
    pub state: ContactState,
    /// Whether it is known to have me in its book.
    #[n(4)]
    pub mutual: bool,
    /// Its tags, sorted, at most [`TAGS_MAX`].
    #[n(5)]
    pub tags: Vec<Tag>,
    /// My note, at most [`NOTE_BYTES_MAX`].
    #[n(6)]
    pub note: String,
    /// What is shared with it; `None` while it is blocked and until it is met again.
    #[n(7)]
    pub reach: Option<Reach>,
    /// Where it was last known to leave its records, at most [`INVITE_INTRODUCERS_MAX`].
    #[n(8)]
    pub introducers: Vec<Introducer>,
    /// What it was last known to speak, sorted, at most [`SPEAKS_MAX`].
    #[n(9)]
    pub speaks: Vec<ProtocolName>,
    /// The newest epochs of its bindings, at most [`EPOCHS_MAX`].
    #[n(10)]
    pub epochs: Vec<EpochSeen>,
    /// Since when it is in the book.
    #[n(11)]
    pub added: Time,
    /// The invite, mine or its own, by which it came into the book.
    #[n(12)]
    pub source: Option<InviteId>,
}

impl Wire for Contact {
    const BYTES_MAX: usize = 512
        + TAGS_MAX * (TAG_BYTES_MAX + 2)
        + NOTE_BYTES_MAX
        + INVITE_INTRODUCERS_MAX * (Introducer::BYTES_MAX + 3)
        + SPEAKS_MAX * (NAME_BYTES_MAX + 2)
        + EPOCHS_MAX * 64;
}

/// Why a binding that verifies is not believed after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StaleBinding {
    /// A newer one has been seen.
    #[error("the binding has epoch {epoch}, but epoch {seen} has been seen")]
    Revoked {
        /// Its epoch.
        epoch: u64,
        /// The newest seen.
        seen: u64,
    },
    /// The same epoch was given to two devices: the peer's key is used in two places.
    #[error("epoch {0} was given to two devices")]
    Conflict(u64),
    /// More faces and roles than [`EPOCHS_MAX`].
    #[error("the peer shows more than {EPOCHS_MAX} devices")]
    TooManyDevices,
}

impl Reach {
    /// Whether it is of `other`'s invite or of one accepted later.
    pub(super) fn is_as_late_as(&self, other: &Self) -> bool {
        (self.at, self.invite) >= (other.at, other.invite)
    }
}

impl Contact {
    /// A contact of which nothing more is known.
    pub(super) fn new(peer: PeerId, petname: Petname, added: Time, source: InviteId) -> Self {
        Self {
            version: VERSION,
            peer,
            petname,
            state: ContactState::Confirmed,
            mutual: false,
            tags: Vec::new(),
            note: String::new(),
            reach: None,
            introducers: Vec::new(),
            speaks: Vec::new(),
            epochs: Vec::new(),
            added,
            source: Some(source),
        }
    }

    /// What the peer is to me.
    pub fn standing(&self) -> Standing {
        match (self.state, &self.reach) {
            (ContactState::Blocked, _) => Standing::Blocked,
            (_, None) => Standing::Stranger,
            (ContactState::Pending, _) => Standing::Pending,
            (ContactState::Confirmed, _) => Standing::Confirmed,
        }
    }

    /// Whether it carries this tag.
    pub fn has_tag(&self, tag: &Tag) -> bool {
        self.tags.binary_search(tag).is_ok()
    }

    /// Whether it was last known to speak this protocol, in this very version.
    pub fn speaks(&self, protocol: &ProtocolName) -> bool {
        self.speaks.binary_search(protocol).is_ok()
    }

    /// Shares `new` with it, unless what is shared is of an invite accepted later. Whether that is another secret.
    pub(super) fn take_later(&mut self, new: Reach) -> bool {
        let present = self.reach.as_ref();
        if present.is_some_and(|present| present.is_as_late_as(&new)) {
            return false;
        }
        let is_other = present.is_none_or(|present| present.secret != new.secret);
        self.reach = Some(new);
        is_other
    }

    /// Whether a binding of this device to them was seen, and none newer in its place.
    pub fn has_bound(&self, device: &DeviceKey) -> bool {
        self.epochs.iter().any(|seen| seen.device == *device)
    }

    /// Judges the epoch of a verified binding, and remembers it. Whether something was remembered.
    pub(super) fn observe_epoch(&mut self, binding: &Binding) -> Result<bool, StaleBinding> {
        let new = EpochSeen {
            face: binding.face,
            role: binding.role,
            epoch: binding.epoch,
            device: binding.device,
        };
        let is_full = self.epochs.len() >= EPOCHS_MAX;
        let same = |seen: &&mut EpochSeen| (seen.face, seen.role) == (new.face, new.role);
        let seen = self.epochs.iter_mut().find(same);
        match seen {
            Some(seen) if new.epoch < seen.epoch => Err(StaleBinding::Revoked {
                epoch: new.epoch,
                seen: seen.epoch,
            }),
            Some(seen) if new.epoch == seen.epoch && new.device != seen.device => {
                Err(StaleBinding::Conflict(new.epoch))
            }
            Some(seen) if *seen == new => Ok(false),
            Some(seen) => {
                *seen = new;
                Ok(true)
            }
            None if is_full => Err(StaleBinding::TooManyDevices),
            None => {
                self.epochs.push(new);
                Ok(true)
            }
        }
    }
}
