//! What contacts take us for who want no session with us.

use std::collections::BTreeMap;

use crate::ids::PeerId;
use crate::time::Time;

/// What a contact of ours takes us for, as far as its answers tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regard {
    /// For a stranger: it never took our invite, or has removed or blocked us since.
    Stranger,
    /// For a guest, who is let in and not confirmed.
    Guest,
}

/// Contacts that are left alone, and until when; at most one entry for each in the address book.
#[derive(Debug, Default)]
pub(super) struct Regards(BTreeMap<PeerId, (Regard, Time)>);

impl Regards {
    /// What `peer` takes us for.
    pub(super) fn get(&self, peer: PeerId) -> Option<Regard> {
        self.0.get(&peer).map(|(regard, _)| *regard)
    }

    /// `peer` is left alone until then.
    pub(super) fn set(&mut self, peer: PeerId, regard: Regard, until: Time) {
        self.0.insert(peer, (regard, until));
    }

    /// They may want a session with us, after all.
    pub(super) fn forget(&mut self, peer: PeerId) {
        self.0.remove(&peer);
    }

    /// When somebody is to be wanted again.
    pub(super) fn next_due(&self) -> Option<Time> {
        self.0.values().map(|(_, until)| *until).min()
    }

    /// Those who were left alone for long enough.
    pub(super) fn due(&self, now: Time) -> Vec<PeerId> {
        let due = self.0.iter().filter(|(_, (_, until))| *until <= now);
        due.map(|(peer, _)| *peer).collect()
    }
}
