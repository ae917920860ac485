//! What the address book asks of its shell, and what it tells.

use crate::ids::{InviteId, PeerId};
use crate::row::Row;

use super::contact::ContactState;

/// Something to do. The rows between one `None` and the next belong together: the shell writes them in one
/// transaction, so that a crash leaves no invite burned without its contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Keep or delete this row.
    Store(Row),
    /// Something happened that others may act on, once the rows before it are durable.
    Event(Event),
}

/// What happened in the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A contact that was not in the book.
    Added {
        /// Who.
        peer: PeerId,
        /// Confirmed, or pending after a reusable invite.
        state: ContactState,
    },
    /// Something about a contact is different: its name, tags, note, state or what it speaks.
    Changed {
        /// Who.
        peer: PeerId,
    },
    /// A contact is no longer in the book.
    Removed {
        /// Who.
        peer: PeerId,
    },
    /// From now on this peer gets nothing; sessions with it end.
    Blocked {
        /// Who.
        peer: PeerId,
    },
    /// This peer is a contact with a new reach secret: publish under it, look under it, forget an earlier one.
    ReachBegan {
        /// Who.
        peer: PeerId,
    },
    /// Nothing is shared with this peer any more.
    ReachEnded {
        /// Who.
        peer: PeerId,
    },
    /// A single-use invite has been used.
    InviteBurned {
        /// Which.
        invite: InviteId,
        /// By whom.
        by: PeerId,
    },
    /// The maker of an invite that I accepted has taken it.
    InviteTaken {
        /// Who made it.
        peer: PeerId,
        /// Which.
        invite: InviteId,
    },
    /// The maker of an invite that I accepted does not take it: all is as it was before.
    InviteRefused {
        /// Who made it.
        peer: PeerId,
        /// Which.
        invite: InviteId,
    },
    /// An invite opens nothing any more, because it expired or was withdrawn.
    InviteClosed {
        /// Which.
        invite: InviteId,
    },
}
