//! How it ends when no protocol comes of it: refused there, or taken here.

use kith_core::protocol::ProtocolName;
use kith_core::routing::Refusal;
use thiserror::Error;

/// The other side will not speak what was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refused {
    /// It does not speak it, or does not say that it does.
    #[error("they do not speak this protocol with you")]
    Unsupported,
    /// It speaks it, but not with us.
    #[error("they speak this protocol, but not with you")]
    NotAllowed,
    /// It has no room for one more stream now.
    #[error("they are busy: no room for one more stream in this protocol; try again later")]
    Busy,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unsupported => Self::Unsupported,
            Refusal::NotAllowed => Self::NotAllowed,
            Refusal::Busy => Self::Busy,
        }
    }
}

/// Why a protocol cannot be accepted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// Somebody in this node accepts it already.
    #[error(
        "{0} is already accepted by this node; stop the other listener first, and what kith itself speaks, take under another name"
    )]
    Taken(ProtocolName),
}
