//! How a stream to a source ended.

use std::io;

use kith_core::content::swarm::getter::EndReason;

use crate::content::error::GetError;

/// How a stream to a source ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum SourceEnd {
    /// What it sent is not what was asked for. What it was to be is named.
    Lied(String),
    /// It lied before.
    Distrusted,
    /// It broke the protocol.
    Breach,
    /// It stalled time and again.
    Stalled,
    /// It does not provide the snapshot, or not to us.
    Gone,
    /// The transfer has enough others, or is over.
    NotNeeded,
    /// The stream is lost.
    Lost(io::Error),
}

impl SourceEnd {
    /// By what the machine decided, and what a lie was about.
    pub(super) fn decided(reason: EndReason, lie: Option<&str>) -> Self {
        match (reason, lie) {
            (EndReason::Lied, Some(lie)) => Self::Lied(lie.to_owned()),
            (EndReason::Lied | EndReason::Distrusted, _) => Self::Distrusted,
            (EndReason::Breach, _) => Self::Breach,
            (EndReason::Stalled, _) => Self::Stalled,
            (EndReason::Gone, _) => Self::Gone,
            (EndReason::NotNeeded, _) => Self::NotNeeded,
        }
    }

    /// Whether it is the source's own fault, so that anybody else is as good as if it had never been.
    pub fn is_its_fault(&self) -> bool {
        matches!(self, Self::Lied(_) | Self::Distrusted | Self::Breach)
    }

    /// Whether a later attempt may fare better, so that the transfer is not over with it.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Stalled | Self::NotNeeded | Self::Lost(_))
    }
}

impl From<SourceEnd> for GetError {
    fn from(end: SourceEnd) -> Self {
        match end {
            SourceEnd::Lied(what) => Self::Corrupt(what),
            SourceEnd::Distrusted => Self::Distrusted,
            SourceEnd::Breach => Self::Protocol("what is not of the protocol"),
            SourceEnd::Stalled | SourceEnd::NotNeeded => Self::Stalled,
            SourceEnd::Gone => Self::Gone,
            SourceEnd::Lost(error) => Self::Connection(error),
        }
    }
}
