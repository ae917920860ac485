//! What a [`Provider`](super::Provider) asks for.

use crate::content::swarm::wire::{Ask, ProviderMessage};

/// A stream of somebody who wants, by its caller's number. Never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AskerId(pub u64);

/// A snapshot that is provided, by its caller's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SnapshotId(pub u64);

/// Why an asker's stream is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// It broke the protocol.
    Breach,
    /// The snapshot is not provided, or no longer.
    Gone,
    /// There are too many askers.
    Full,
}

/// What the caller is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Write a message to an asker's stream.
    Send {
        /// Whose.
        asker: AskerId,
        /// The message.
        message: ProviderMessage,
    },
    /// Read this and write it to the asker's stream, in one or more [`ProviderMessage::Data`]; then
    /// [`Provider::handle_served`](super::Provider::handle_served), or
    /// [`Provider::handle_failed`](super::Provider::handle_failed). Whether the asker may still have it is looked at before.
    Serve {
        /// For whom.
        asker: AskerId,
        /// Of which snapshot.
        snapshot: SnapshotId,
        /// What.
        ask: Ask,
    },
    /// Write what is left to write, close the stream, and do not report it closed.
    Close {
        /// Whose.
        asker: AskerId,
        /// Why.
        reason: CloseReason,
    },
}
