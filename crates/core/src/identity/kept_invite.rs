//! Invites as the book keeps them: those I made, until they expire; those I accepted, until their makers know.

use minicbor::{Decode, Encode};

use crate::codec::Wire;
use crate::ids::PeerId;
use crate::introducer::Introducer;
use crate::time::Time;

use super::contact::{Contact, ContactState, Reach};
use super::invite::{INVITE_BYTES_MAX, INVITE_INTRODUCERS_MAX, Invite};
use super::petname::{PETNAME_BYTES_MAX, Petname};

/// Which version of the stored forms this is.
pub(super) const VERSION: u8 = 1;

/// Peers that one reusable invite brought and that were removed or blocked since. An invite that brought more of them than
/// this does harm, and is withdrawn.
pub const TURNED_AWAY_MAX: usize = 64;

/// What a row takes beyond the invite in it, in bytes.
const ROW_OVERHEAD_BYTES: usize = 160;

/// What [`Before`] takes in a row, in bytes: a name, a state and introducers, each with the length before it.
const BEFORE_BYTES_MAX: usize =
    PETNAME_BYTES_MAX + 8 + INVITE_INTRODUCERS_MAX * (Introducer::BYTES_MAX + 3);

/// An invite I made.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct MadeInvite {
    #[n(0)]
    pub(super) version: u8,
    /// The invite.
    #[n(1)]
    pub invite: Invite,
    /// Who used it up, for a single-use invite that has been used.
    #[n(2)]
    pub burned: Option<Burned>,
    /// How many peers came by it.
    #[n(3)]
    pub admitted: u32,
    /// Who was removed or blocked while it was open, for a reusable invite: it opens nothing for them any more, though
    /// their replies may still wait in its mailbox. At most [`TURNED_AWAY_MAX`].
    #[n(4)]
    pub turned_away: Vec<PeerId>,
}

/// Who used up an invite, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Burned {
    /// Who.
    #[n(0)]
    pub by: PeerId,
    /// When.
    #[n(1)]
    pub at: Time,
}

/// An invite I accepted, as long as its maker may not know.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AcceptedInvite {
    #[n(0)]
    pub(super) version: u8,
    /// The invite.
    #[n(1)]
    pub invite: Invite,
    /// When I accepted it.
    #[n(2)]
    pub at: Time,
    /// When a sealed reply was last left for its maker.
    #[n(3)]
    pub left: Option<Time>,
    /// What was shared with its maker before, which counts again when the invite lapses unanswered.
    #[n(4)]
    pub earlier: Option<Reach>,
    /// What else accepting it changed in its maker, where they were in the book before; given back in the same case. Left
    /// out of the encoding otherwise.
    #[n(5)]
    pub before: Option<Before>,
}

/// What accepting an invite changes in a contact known before, beside what is shared with it: as it was.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Before {
    /// What it was called.
    #[n(0)]
    pub petname: Petname,
    /// How far it was let in.
    #[n(1)]
    pub state: ContactState,
    /// Where it was known to leave its records.
    #[n(2)]
    pub introducers: Vec<Introducer>,
}

impl Wire for MadeInvite {
    const BYTES_MAX: usize =
        INVITE_BYTES_MAX + ROW_OVERHEAD_BYTES + TURNED_AWAY_MAX * (size_of::<PeerId>() + 2);
}

impl Wire for AcceptedInvite {
    const BYTES_MAX: usize = INVITE_BYTES_MAX + ROW_OVERHEAD_BYTES + BEFORE_BYTES_MAX;
}

impl MadeInvite {
    /// An invite nobody used yet.
    pub(super) fn new(invite: Invite) -> Self {
        Self {
            version: VERSION,
            invite,
            burned: None,
            admitted: 0,
            turned_away: Vec::new(),
        }
    }

    /// Whether it can still be used.
    pub fn is_open(&self, now: Time) -> bool {
        self.burned.is_none() && !self.invite.is_expired(now)
    }
}

impl AcceptedInvite {
    /// An invite whose maker does not know yet; `known` is what was known of them before.
    pub(super) fn new(invite: Invite, at: Time, known: Option<&Contact>) -> Self {
        Self {
            version: VERSION,
            invite,
            at,
            left: None,
            earlier: known.and_then(|known| known.reach.clone()),
            before: known.map(Before::of),
        }
    }
}

impl Before {
    fn of(known: &Contact) -> Self {
        Self {
            petname: known.petname.clone(),
            state: known.state,
            introducers: known.introducers.clone(),
        }
    }
}
