//! What the session machine asks for and tells.

use std::net::SocketAddr;

use super::close::CloseCode;
use super::input::{ConnId, DialId, Target};
use super::level::Level;
use super::wire::{Introduction, Note};
use crate::address::Route;
use crate::ids::{DeviceKey, Face, PeerId};
use crate::protocol::ProtocolName;

/// One thing to do, or one thing that happened. To be performed in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Look for routes. Give them to [`handle_routes`](super::Sessions::handle_routes) as they are found, known ones at once,
    /// and call [`handle_resolved`](super::Sessions::handle_resolved) when there is nothing more to come.
    Resolve {
        /// To whom.
        target: Target,
    },
    /// Dial. Ends in [`handle_connected`](super::Sessions::handle_connected) or
    /// [`handle_dial_failed`](super::Sessions::handle_dial_failed).
    Dial {
        /// The dial's number.
        dial: DialId,
        /// Which of our endpoints to dial from.
        face: Face,
        /// Where to. Only the device with its key may answer.
        route: Route,
    },
    /// More is known of where a dial under way leads: try there too, if that is possible. Should the dial fail, it is
    /// dialled again.
    Refine {
        /// The dial.
        dial: DialId,
        /// All that is known of the same device, the news first.
        route: Route,
    },
    /// Give up a dial. Nothing need be reported of it any more.
    CancelDial {
        /// Which.
        dial: DialId,
    },
    /// Say what we show on a connection we dialled: call [`handle_introduction`](super::Sessions::handle_introduction).
    AskIntroduction {
        /// The connection.
        conn: ConnId,
        /// Whom we mean to reach there.
        target: Target,
        /// The device that answered.
        remote: DeviceKey,
        /// Which of our endpoints it is on.
        face: Face,
    },
    /// Judge what the other side shows: call [`handle_verdict`](super::Sessions::handle_verdict).
    Authenticate {
        /// The connection.
        conn: ConnId,
        /// The device the binding must name.
        remote: DeviceKey,
        /// Which of our endpoints it is on.
        face: Face,
        /// Whether we dialled.
        dialled: bool,
        /// What it shows.
        introduction: Introduction,
    },
    /// Write to the control stream: the first bidirectional stream, which the dialler opens.
    Send {
        /// The connection.
        conn: ConnId,
        /// Whole frames with their lengths.
        bytes: Vec<u8>,
    },
    /// Close the connection. The machine has forgotten it.
    Close {
        /// The connection.
        conn: ConnId,
        /// Why; this is the application's close code.
        code: CloseCode,
        /// Whether it is gone when this is done. Otherwise it may live on for a moment, so that the other side hears why: not where nobody is there to
        /// hear it, nor where whoever was there is dialled anew, since the next dial's first packets would go by the old path.
        at_once: bool,
    },
    /// Let the other side have this many streams open at once, from now on.
    StreamLimit {
        /// The connection.
        conn: ConnId,
        /// How many.
        streams_max: u32,
    },
    /// Look for direct paths of all connections that we dialled from this endpoint.
    SeekPaths {
        /// Which of our endpoints.
        face: Face,
    },
    /// Send an empty datagram on each of these connections, whose paths are direct, so that they are not taken for dead.
    KeepAlive {
        /// Which; at least one.
        conns: Vec<ConnId>,
    },
    /// Something happened.
    Event(Event),
}

/// What others may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// We are on our way: the device we dialled has proven its key and our introduction is sent. Streams opened now
    /// arrive right behind it, which saves a round trip; whether it is whom we meant is told by [`Event::Up`].
    Reached {
        /// The connection.
        conn: ConnId,
        /// Whom we mean to reach.
        target: Target,
    },
    /// A session stands: introductions are through, streams may be opened and served.
    Up(Session),
    /// The other side of a standing session is trusted otherwise than before. Streams that are open keep the level they were
    /// opened with.
    Trusted(Session),
    /// Open no new streams here: there is a better connection, or this one is ending.
    Ending {
        /// The connection.
        conn: ConnId,
    },
    /// A session of which [`Event::Up`] or [`Event::Reached`] told is gone.
    Down {
        /// The connection.
        conn: ConnId,
        /// Who it was, when known.
        peer: Option<PeerId>,
        /// Why.
        reason: DownReason,
    },
    /// All that the other side speaks with us, in place of what it said before.
    Speaks {
        /// The connection.
        conn: ConnId,
        /// Who says so, when known.
        peer: Option<PeerId>,
        /// At most [`SPEAKS_MAX`](super::wire::SPEAKS_MAX) names.
        names: Vec<ProtocolName>,
    },
    /// A message for another room. Never from a stranger.
    Noted {
        /// The connection.
        conn: ConnId,
        /// Who sent it.
        peer: PeerId,
        /// The message.
        note: Note,
    },
    /// What the other side says our address is. A claim.
    Observed {
        /// The connection.
        conn: ConnId,
        /// Our address as they see it.
        address: SocketAddr,
    },
    /// An attempt is over without a session. A wanted target is tried again by itself.
    Unreachable {
        /// Who was not reached.
        target: Target,
        /// The most telling reason of all that was tried.
        reason: UnreachableReason,
        /// The devices that took us for a stranger. Whose they are they did not say.
        refused_by: Vec<DeviceKey>,
    },
}

/// A session as the machine knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// The connection.
    pub conn: ConnId,
    /// Who is there; `None` for a stranger.
    pub peer: Option<PeerId>,
    /// The device there.
    pub remote: DeviceKey,
    /// Which of our endpoints it is on.
    pub face: Face,
    /// How far the other side is trusted.
    pub level: Level,
    /// Whether we dialled.
    pub dialled: bool,
}

/// Why a session is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownReason {
    /// The path died, or the other node.
    Lost,
    /// We closed it.
    Closed(CloseCode),
    /// The other side closed it.
    ClosedByPeer(CloseCode),
    /// It was not whom we meant to reach; see [`Event::Unreachable`].
    NotThem,
}

/// Why nobody was reached. Ordered: a greater one tells more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnreachableReason {
    /// We gave it up ourselves.
    GivenUp,
    /// There is no room for one more attempt; see [`TARGETS_MAX`](super::config::TARGETS_MAX).
    Busy,
    /// Nobody knows where they are.
    NoRoute,
    /// Nothing answered where they should be.
    NoAnswer,
    /// A device answered, and closed the connection or fell silent before the introductions were through.
    Dropped,
    /// A device answered that does not prove whose it is, as far as can be seen here: the proof may be of a time that is not yet, or no longer, by
    /// our clock.
    Unproven,
    /// Somebody else's device answered.
    NotThem,
    /// The device answered, but treats us as a stranger.
    NotAContact,
    /// They are in the address book, and nothing is shared with them since they were blocked: nobody could be believed to be them. Said
    /// by [`crate::peer`], which knows the book.
    NothingShared,
}
