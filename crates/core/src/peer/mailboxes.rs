//! When to look for replies to which invite, and which replies of ours are on their way.

use std::collections::{BTreeMap, BTreeSet};

use crate::identity::Mailbox;
use crate::ids::{InviteId, Locator, PeerId};
use crate::time::Time;

/// The mailboxes of a node's own invites, and of those it accepted.
#[derive(Debug, Default)]
pub(super) struct Meeting {
    /// When each mailbox is looked into next.
    pub(super) polls: BTreeMap<InviteId, Time>,
    /// Mailboxes that were looked into in this life of the node.
    seen: BTreeSet<InviteId>,
    /// Replies that no introducer has confirmed yet; at most one for each accepted invite.
    leaving: BTreeMap<InviteId, Leaving>,
}

/// A reply on its way.
#[derive(Clone, Copy, Debug)]
struct Leaving {
    mailbox: Locator,
    maker: PeerId,
}

impl Meeting {
    pub(super) fn next_due(&self) -> Option<Time> {
        self.polls.values().min().copied()
    }

    /// All introducers that were asked have said what lies in the mailbox of this invite, or could not.
    pub(super) fn saw(&mut self, invite: InviteId) {
        self.seen.insert(invite);
    }

    /// Whether its mailbox was looked into.
    pub(super) fn has_seen(&self, invite: &InviteId) -> bool {
        self.seen.contains(invite)
    }

    /// Forgets what concerns other invites than these.
    pub(super) fn retain(&mut self, open: &[Mailbox]) {
        let is_open = |invite: &InviteId| open.iter().any(|mailbox| mailbox.invite == *invite);
        self.polls.retain(|invite, _| is_open(invite));
        self.seen.retain(is_open);
    }

    /// A reply goes to the mailbox of `maker`'s invite.
    pub(super) fn leave(&mut self, invite: InviteId, mailbox: Locator, maker: PeerId) {
        self.leaving.insert(invite, Leaving { mailbox, maker });
    }

    /// Whether a reply to this invite is on its way: an introducer that comes back is told it once more by itself.
    pub(super) fn is_leaving(&self, invite: &InviteId) -> bool {
        self.leaving.contains_key(invite)
    }

    /// An introducer keeps what was left there. To which invite and by whom, when it is a reply and the first to be confirmed.
    pub(super) fn kept(&mut self, mailbox: Locator) -> Option<(PeerId, InviteId)> {
        let mut leaving = self.leaving.iter();
        let (invite, found) = leaving.find(|(_, leaving)| leaving.mailbox == mailbox)?;
        let (invite, maker) = (*invite, found.maker);
        self.leaving.remove(&invite);
        Some((maker, invite))
    }
}
