//! What a node's shell tells the machine, and what the machine asks of it.

use super::relays::RelayOffer;
use super::visit::Visit;
use crate::address::Route;
use crate::discovery::Advertisement;
use crate::identity;
use crate::ids::{DeviceKey, Face, InviteId, PeerId};
use crate::introducer::Introducer;
use crate::protocol::ProtocolName;
use crate::routing::{CloseCode, ConnId, DialId, DownReason, Session, Target, UnreachableReason};
use crate::row::Row;

/// One thing to do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Make these rows durable, in one transaction, before anything that follows.
    Store(Vec<Row>),
    /// Dial; ends in [`handle_connected`](super::Peer::handle_connected) or
    /// [`handle_dial_failed`](super::Peer::handle_dial_failed).
    Dial {
        /// Its number.
        dial: DialId,
        /// From which endpoint.
        face: Face,
        /// Where to.
        route: Route,
    },
    /// Better routes for a dial that is under way.
    Refine {
        /// Which.
        dial: DialId,
        /// All that is known now.
        route: Route,
    },
    /// Give up a dial.
    CancelDial {
        /// Which.
        dial: DialId,
    },
    /// Write to a control stream.
    Send {
        /// Whose.
        conn: ConnId,
        /// Whole frames.
        bytes: Vec<u8>,
    },
    /// Close a connection.
    Close {
        /// Which.
        conn: ConnId,
        /// Why.
        code: CloseCode,
        /// Whether it is gone when this is done; otherwise it may live on for a moment, so that the other side hears why.
        at_once: bool,
    },
    /// Let the other side have this many streams open.
    StreamLimit {
        /// On which connection.
        conn: ConnId,
        /// How many.
        streams_max: u32,
    },
    /// Look for direct paths of all connections that we dialled from this endpoint.
    SeekPaths {
        /// Which.
        face: Face,
    },
    /// Send an empty datagram on each of these connections, whose paths are direct, so that they are not taken for dead.
    KeepAlive {
        /// Which; at least one.
        conns: Vec<ConnId>,
    },
    /// Open streams to this target on this connection from now on; `None`: there is none.
    Prefer {
        /// Whom.
        target: Target,
        /// Where.
        conn: Option<ConnId>,
    },
    /// Keep a place at the relays of these introducers, and no others.
    Relays {
        /// With which endpoint.
        face: Face,
        /// Whose relays.
        introducers: Vec<Introducer>,
    },
    /// Run a relay for contacts in this way from now on, or none. Whoever is not among its clients any more is disconnected.
    /// While it runs, [`handle_own_relay`](super::Peer::handle_own_relay) has told where.
    OfferRelay(Option<RelayOffer>),
    /// Ask an introducer, as soon as it can be reached, with a connection under the visit's own key that carries nothing
    /// else. A look-up ends in [`handle_records`](super::Peer::handle_records); that a reply is kept is told by
    /// [`handle_kept`](super::Peer::handle_kept).
    Visit(Box<Visit>),
    /// An invite says where this peer may be; each of the routes ends in
    /// [`handle_route_found`](super::Peer::handle_route_found).
    Learn {
        /// Who made the invite.
        peer: PeerId,
        /// Their faces and where they were.
        routes: Vec<(Face, Route)>,
    },
    /// Announce the contact face on the local network in this way from now on.
    Advertise(Advertisement),
    /// Bind the contact face anew, with a fresh key: call [`handle_device`](super::Peer::handle_device).
    Rotate,
    /// Something happened.
    Event(Event),
}

/// What applications may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Something happened in the address book.
    Book(identity::Event),
    /// A session stands.
    Up(Session),
    /// A standing session goes on at another level: its peer was confirmed.
    Trusted(Session),
    /// A session is gone.
    Down {
        /// Which.
        conn: ConnId,
        /// With whom.
        peer: Option<PeerId>,
        /// Why.
        reason: DownReason,
    },
    /// An attempt to reach somebody is over.
    Unreachable {
        /// Whom.
        target: Target,
        /// Why.
        reason: UnreachableReason,
    },
    /// Streams may be opened to this target.
    Reached {
        /// Whom.
        target: Target,
    },
    /// Somebody has shown for the first time since we run that we are a contact there.
    ConfirmedBy {
        /// Who.
        peer: PeerId,
    },
    /// Somebody speaks this with us.
    Speaks {
        /// Who.
        peer: PeerId,
        /// What.
        names: Vec<ProtocolName>,
    },
    /// A contact began to compare short safety words; they show once our side begins too.
    WordsAsked {
        /// Who.
        peer: PeerId,
    },
    /// A comparison is over.
    Words {
        /// With whom.
        peer: PeerId,
        /// The four words both sides show; `None` when the other side did not keep to the rules: somebody may stand between.
        words: Option<String>,
    },
    /// A comparison is over, because no session is left.
    WordsLost {
        /// With whom.
        peer: PeerId,
    },
    /// A sealed reply waits for the maker of an accepted invite.
    ReplyLeft {
        /// Who made it.
        peer: PeerId,
    },
    /// An introducer in use has another line from now on, by its own signed word.
    IntroducerChanged {
        /// The new one.
        line: Introducer,
    },
    /// The answer to [`handle_locate`](super::Peer::handle_locate): the public face of a peer who wants to be found, which
    /// may be opened as a device from now on.
    Located {
        /// Who.
        peer: PeerId,
        /// Where; `None` when no introducer of ours lists them.
        device: Option<DeviceKey>,
    },
    /// A mailbox was looked into: what lay there at the introducers that answered was taken.
    MailboxSeen {
        /// Of which invite.
        invite: InviteId,
    },
    /// A contact was found.
    Found {
        /// Who.
        peer: PeerId,
        /// By which means.
        source: Source,
    },
}

/// How a route came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The invite said so.
    Invite,
    /// They said so themselves, in a session.
    Session,
    /// A sealed record under today's locator said so.
    Record,
    /// The local network.
    Lan,
}

impl Source {
    /// In a word, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invite => "invite",
            Self::Session => "session",
            Self::Record => "introducer",
            Self::Lan => "lan",
        }
    }
}
