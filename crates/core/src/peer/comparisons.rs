//! The comparisons of safety words that are under way.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::identity::words::{Comparison, WordsMessage};
use crate::ids::PeerId;
use crate::routing::ConnId;
use crate::time::Time;

/// How long a side that began waits for the other: as long as it takes to call somebody to the machine.
pub(super) const COMPARE_WITHIN: Duration = Duration::from_secs(5 * 60);

/// Comparisons under way or begun by others: one with every contact in the room.
pub(super) const COMPARISONS_MAX: usize = 64;

/// The comparisons.
#[derive(Debug, Default)]
pub(super) struct Comparing(pub(super) BTreeMap<PeerId, Compared>);

/// One of them.
#[derive(Debug)]
pub(super) struct Compared {
    /// Over which the messages of ours go.
    pub(super) conn: ConnId,
    pub(super) since: Time,
    /// None before we began.
    pub(super) comparison: Option<Comparison>,
    /// What the other side said before we began, or over another connection than ours.
    pub(super) early: Option<(ConnId, WordsMessage)>,
}

impl Comparing {
    pub(super) fn next_due(&self) -> Option<Time> {
        self.0.values().map(|it| it.since + COMPARE_WITHIN).min()
    }

    pub(super) fn handle_timeout(&mut self, now: Time) {
        self.0.retain(|_, it| it.since + COMPARE_WITHIN > now);
    }
}
