//! When to look for replies to which invite.

use std::collections::BTreeMap;

use crate::ids::InviteId;
use crate::time::Time;

/// When each mailbox is looked into next.
#[derive(Debug, Default)]
pub(super) struct Meeting {
    pub(super) polls: BTreeMap<InviteId, Time>,
}

impl Meeting {
    pub(super) fn next_due(&self) -> Option<Time> {
        self.polls.values().min().copied()
    }
}
