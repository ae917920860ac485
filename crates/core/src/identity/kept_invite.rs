//! Invites as the book keeps them: those I made, until they expire; those I accepted, until their makers know.

use minicbor::{Decode, Encode};

use crate::codec::Wire;
use crate::ids::PeerId;
use crate::time::Time;

use super::contact::Reach;
use super::invite::{INVITE_BYTES_MAX, Invite};

/// Which version of the stored forms this is.
pub(super) const VERSION: u8 = 1;

/// Peers that one reusable invite brought and that were removed or blocked since. An invite that brought more of them than
/// this does harm, and is withdrawn.
pub const TURNED_AWAY_MAX: usize = 64;

/// What a row takes beyond the invite in it, in bytes.
const ROW_OVERHEAD_BYTES: usize = 160;

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
}

impl Wire for MadeInvite {
    const BYTES_MAX: usize =
        INVITE_BYTES_MAX + ROW_OVERHEAD_BYTES + TURNED_AWAY_MAX * (size_of::<PeerId>() + 2);
}

impl Wire for AcceptedInvite {
    const BYTES_MAX: usize = INVITE_BYTES_MAX + ROW_OVERHEAD_BYTES;
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
    /// An invite whose maker does not know yet.
    pub(super) fn new(invite: Invite, at: Time, earlier: Option<Reach>) -> Self {
        Self {
            version: VERSION,
            invite,
            at,
            left: None,
            earlier,
        }
    }
}
