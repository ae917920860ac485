//! What a [`Getter`](super::Getter) is told, and what it asks for.

use std::time::Duration;

use crate::content::referral::Referral;
use crate::content::swarm::span::Span;
use crate::content::swarm::wire::AskerMessage;
use crate::ids::{DeviceKey, PeerId};

/// A transfer, by its caller's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TransferId(pub u64);

/// A stream to somebody who provides a transfer's snapshot, by its caller's number. Never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceId(pub u64);

/// Somebody who reads a transfer's bytes while they come, by its caller's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReaderId(pub u64);

/// Whom a stream leads to, as the session has proven it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    /// The device.
    pub device: DeviceKey,
    /// Whose it is; `None` for one that proved nothing.
    pub peer: Option<PeerId>,
}

/// What kind of path leads to a device, the preferred first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathKind {
    /// The local network.
    Lan,
    /// A direct path over the internet.
    Direct,
    /// A relay, whose bandwidth is somebody else's.
    Relay,
}

/// The path to a device, as the engine has measured it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// Its kind.
    pub kind: PathKind,
    /// Its round trip.
    pub rtt: Duration,
}

/// How soon something is wanted, beside everything else of its transfer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// After everything else.
    Low,
    /// As everything.
    #[default]
    Normal,
    /// Before everything else.
    High,
}

/// Why a source is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// What it sent, by this stream or another one of its device to the transfer, is not what was asked for. It is remembered; whoever keeps a longer memory
    /// adds it there.
    Lied,
    /// It lied less than a day ago, on another stream or elsewhere.
    Distrusted,
    /// It broke the protocol, by this stream or another one of its device to the transfer.
    Breach,
    /// It stalled time and again.
    Stalled,
    /// It does not provide this snapshot to us.
    Gone,
    /// The transfer ended, or has too many sources.
    NotNeeded,
}

/// What the caller is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Write a message to a source's stream.
    Send {
        /// Whose.
        source: SourceId,
        /// The message.
        message: AskerMessage,
    },
    /// Close a source's stream, and do not report it closed.
    End {
        /// Which.
        source: SourceId,
        /// Why.
        reason: EndReason,
    },
    /// A source says who else provides the snapshot. Whether to go there is the caller's to decide.
    Learned {
        /// For which transfer.
        transfer: TransferId,
        /// Who.
        providers: Vec<Referral>,
    },
    /// These bytes of the line have been verified: worth remembering, and a whole chunk at the most. They overlap nothing told before.
    Verified {
        /// Of which transfer.
        transfer: TransferId,
        /// Which.
        span: Span,
    },
    /// A chunk is whole and may be provided to others.
    Held {
        /// Of which transfer.
        transfer: TransferId,
        /// Which.
        chunk: u32,
    },
    /// A file is not any more what it was when it was hashed, at this source: its owner's head is worth asking for.
    Changed {
        /// Of which transfer.
        transfer: TransferId,
        /// Who said so.
        source: SourceId,
    },
    /// What comes by this source's lane is more than lines of homes carry, and much is missing: one lane more to its device, beside it, may bring it sooner.
    /// Told once, and again when that gave way to another transfer's. If there is none, nothing is lost.
    FurtherLane {
        /// The source that has one.
        source: SourceId,
    },
    /// Everything that is wanted is verified. Told again when more has been wanted since.
    Done {
        /// Which transfer.
        transfer: TransferId,
    },
}
