//! What a node leaves under its own PeerId, where it wants to be found.

use crate::discovery::Listing;
use crate::time::Time;

/// What is left under our own PeerId.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// As last left.
    pub(super) listing: Option<Listing>,
    pub(super) sequence: u64,
    /// When it is renewed.
    pub(super) due: Option<Time>,
}

impl Listed {
    /// When the listing is to be left again.
    pub(super) fn next_due(&self) -> Option<Time> {
        self.due
    }
}
