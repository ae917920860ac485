//! Invites as the book keeps them: those I made, until they expire; those I accepted, until their makers know.

use std::cmp::Reverse;
use std::time::Duration;

use minicbor::{Decode, Encode};

use crate::codec::Wire;
use crate::ids::{InviteId, PeerId};
use crate::introducer::Introducer;
use crate::time::{DAY, Time};

use super::contact::{Contact, ContactState, Reach};
use super::invite::{INVITE_BYTES_MAX, INVITE_INTRODUCERS_MAX, Invite};
use super::petname::{PETNAME_BYTES_MAX, Petname};

/// Which version of the stored forms this is.
pub(super) const VERSION: u8 = 1;

/// Peers that were removed or blocked while one invite was open. One that outlives more of them than this is withdrawn: it may be in
/// any of their hands.
pub const TURNED_AWAY_MAX: usize = 64;

/// Invites of one maker that I accepted and that wait side by side. Each but the one that opens something may be used up or
/// withdrawn, which nobody sees in it; who asks the same friend for more than these without ever being answered asks in vain.
/// One costs 2.6 KB in a row, and a reply at each of its introducers.
pub const ACCEPTED_PER_MAKER_MAX: usize = 8;

/// How far ahead of my clock another may say to have accepted an invite: a year, by which no clock of people who meet is off. Nothing but
/// the order of what two share follows from it; without a bound somebody could take me to the end of all dates.
pub const ACCEPTED_AHEAD_MAX: Duration = Duration::from_secs(365 * DAY.as_secs());

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
    /// Who was removed or blocked while it was open: it opens nothing for them any more, though they may hold it already, and
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
    /// The invite.
    #[n(0)]
    pub invite: Invite,
    /// When I accepted it: as of then it counts.
    #[n(1)]
    pub at: Time,
    /// When a sealed reply was last left for its maker.
    #[n(2)]
    pub left: Option<Time>,
}

/// The invites of one maker that I accepted, none of which they are known to have taken. Which of them opens something
/// only the maker can tell: another may be used up, withdrawn or forged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AcceptedInvites {
    /// The one accepted last comes first; at most [`ACCEPTED_PER_MAKER_MAX`], and at least one where they are kept.
    pub(super) waiting: Vec<AcceptedInvite>,
    /// What was shared with the maker before, which counts again when all lapse unanswered.
    pub(super) earlier: Option<Reach>,
    /// What else accepting them changed in the maker, where they were in the book before; given back in the same case.
    pub(super) before: Option<Before>,
}

/// All invites of one maker that wait, as they are kept: the one accepted last, and behind it the others.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AcceptedRow {
    #[n(0)]
    pub(super) version: u8,
    #[n(1)]
    pub(super) invite: Invite,
    #[n(2)]
    pub(super) at: Time,
    #[n(3)]
    pub(super) left: Option<Time>,
    #[n(4)]
    pub(super) earlier: Option<Reach>,
    /// Left out of the encoding where there is nothing, as is what follows.
    #[n(5)]
    pub(super) before: Option<Before>,
    #[n(6)]
    pub(super) older: Option<Vec<AcceptedInvite>>,
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

impl Wire for AcceptedRow {
    const BYTES_MAX: usize =
        ACCEPTED_PER_MAKER_MAX * (INVITE_BYTES_MAX + ROW_OVERHEAD_BYTES) + BEFORE_BYTES_MAX;
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

impl AcceptedInvites {
    /// None yet of a maker of whom `known` is what was known before.
    pub(super) fn none(known: Option<&Contact>) -> Self {
        Self {
            waiting: Vec::new(),
            earlier: known.and_then(|known| known.reach.clone()),
            before: known.map(Before::of),
        }
    }

    /// Whether this invite is among them.
    pub(super) fn holds(&self, id: &InviteId) -> bool {
        self.waiting.iter().any(|it| it.invite.id() == *id)
    }

    /// Whether there is room for this invite, or it is there already.
    pub(super) fn has_room_for(&self, id: &InviteId) -> bool {
        self.waiting.len() < ACCEPTED_PER_MAKER_MAX || self.holds(id)
    }

    /// Adds one, in its place. False where it is there already.
    pub(super) fn add(&mut self, invite: Invite, at: Time) -> bool {
        if self.holds(&invite.id()) {
            return false;
        }
        let left = None;
        self.waiting.push(AcceptedInvite { invite, at, left });
        self.sort();
        true
    }

    /// Takes one out.
    pub(super) fn take(&mut self, id: &InviteId) -> Option<Invite> {
        let place = self.waiting.iter().position(|it| it.invite.id() == *id)?;
        Some(self.waiting.remove(place).invite)
    }

    /// This counts with the maker whether or not they take what waits, unless something counts already that was accepted later.
    pub(super) fn share_beneath(&mut self, reach: Reach) {
        let earlier = self.earlier.as_ref();
        if earlier.is_none_or(|earlier| !earlier.is_as_late_as(&reach)) {
            self.earlier = Some(reach);
        }
    }

    /// The form they are kept in; `None` of none.
    pub(super) fn to_row(&self) -> Option<AcceptedRow> {
        let (newest, older) = self.waiting.split_first()?;
        Some(AcceptedRow {
            version: VERSION,
            invite: newest.invite.clone(),
            at: newest.at,
            left: newest.left,
            earlier: self.earlier.clone(),
            before: self.before.clone(),
            older: (!older.is_empty()).then(|| older.to_vec()),
        })
    }

    /// Reads the form they are kept in; `None` where not all are by one maker, or there are too many.
    pub(super) fn of_row(row: AcceptedRow) -> Option<Self> {
        let (maker, at, left) = (row.invite.peer, row.at, row.left);
        let invite = row.invite;
        let mut waiting = vec![AcceptedInvite { invite, at, left }];
        waiting.extend(row.older.into_iter().flatten());
        let mut accepted = Self {
            waiting,
            earlier: row.earlier,
            before: row.before,
        };
        accepted.sort();
        let waiting = &accepted.waiting;
        let are_theirs = waiting.iter().all(|it| it.invite.peer == maker);
        (are_theirs && waiting.len() <= ACCEPTED_PER_MAKER_MAX).then_some(accepted)
    }

    fn sort(&mut self) {
        self.waiting
            .sort_by_key(|it| Reverse((it.at, it.invite.id())));
    }
}

impl Before {
    /// What of a contact accepting an invite may change, as it is now.
    pub(super) fn of(known: &Contact) -> Self {
        Self {
            petname: known.petname.clone(),
            state: known.state,
            introducers: known.introducers.clone(),
        }
    }
}
