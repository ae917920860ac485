//! What the composer tells the session machine.

use std::net::SocketAddr;

use super::close::CloseCode;
use super::level::Level;
use super::wire::Introduction;
use crate::address::Route;
use crate::ids::{DeviceKey, Face, PeerId};
use crate::protocol::ProtocolName;

/// A connection, numbered by the shell; never used twice in a node's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// A dial, numbered by the machine from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialId(pub u64);

/// Whom a session is wanted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Somebody: any device that proves to be theirs. Getting nobody or somebody else is a failure.
    Peer(PeerId),
    /// A device, whoever it is: an introducer, a bootstrap node. Its key in the handshake is all that is asked for.
    Device(DeviceKey),
}

/// One way a target may be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which of our endpoints to dial from.
    pub from: Face,
    /// Which of the target's endpoints the route leads to. Contact faces are tried first.
    pub to: Face,
    /// Where.
    pub route: Route,
}

/// A connection whose handshake is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connected {
    /// Its number.
    pub conn: ConnId,
    /// The dial that led to it; `None` when the other side dialled.
    pub dial: Option<DialId>,
    /// Which of our endpoints it is on.
    pub face: Face,
    /// The key we presented.
    pub local: DeviceKey,
    /// The key the other side presented and proved.
    pub remote: DeviceKey,
    /// The other side's address; `None` over a relay.
    pub observed: Option<SocketAddr>,
}

/// What the composer makes of an introduction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is this peer.
    Known {
        /// Who.
        peer: PeerId,
        /// How far they are trusted.
        level: Level,
        /// What we show them. Used when they dialled; `None` answers as to a stranger.
        answer: Option<Introduction>,
        /// What we speak with them, at most [`SPEAKS_MAX`](super::wire::SPEAKS_MAX) names.
        speaks: Vec<ProtocolName>,
    },
    /// It proves nothing, or nothing we honour: a stranger like any other.
    Stranger,
    /// The connection is not to be.
    Refuse(CloseCode),
}
