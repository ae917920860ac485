//! What contacts take us for: those who want no session with us, and those who have shown that we are a contact of theirs.

use std::collections::{BTreeMap, BTreeSet};

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

/// What is known of each; at most one entry for each in the address book.
#[derive(Debug, Default)]
pub(super) struct Regards {
    /// Who is left alone, and until when.
    left_alone: BTreeMap<PeerId, (Regard, Time)>,
    /// Who has shown since we run that we are a contact there, and nothing else since.
    confirmed_by: BTreeSet<PeerId>,
}

impl Regards {
    /// What `peer` takes us for.
    pub(super) fn get(&self, peer: PeerId) -> Option<Regard> {
        self.left_alone.get(&peer).map(|(regard, _)| *regard)
    }

    /// Whether `peer` has shown that we are a contact there.
    pub(super) fn is_confirmed_by(&self, peer: PeerId) -> bool {
        self.confirmed_by.contains(&peer)
    }

    /// `peer` is left alone until then.
    pub(super) fn set(&mut self, peer: PeerId, regard: Regard, until: Time) {
        self.confirmed_by.remove(&peer);
        self.left_alone.insert(peer, (regard, until));
    }

    /// `peer` shows that we are a contact there; whether that is new.
    pub(super) fn confirmed(&mut self, peer: PeerId) -> bool {
        self.confirmed_by.insert(peer)
    }

    /// They may want a session with us, after all.
    pub(super) fn want(&mut self, peer: PeerId) {
        self.left_alone.remove(&peer);
    }

    /// Nothing is known of them any more.
    pub(super) fn forget(&mut self, peer: PeerId) {
        self.left_alone.remove(&peer);
        self.confirmed_by.remove(&peer);
    }

    /// When somebody is to be wanted again.
    pub(super) fn next_due(&self) -> Option<Time> {
        self.left_alone.values().map(|(_, until)| *until).min()
    }

    /// Those who were left alone for long enough.
    pub(super) fn due(&self, now: Time) -> Vec<PeerId> {
        let due = self
            .left_alone
            .iter()
            .filter(|(_, (_, until))| *until <= now);
        due.map(|(peer, _)| *peer).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: PeerId = PeerId([1; 32]);

    #[test]
    fn the_last_word_of_a_contact_counts() {
        let mut regards = Regards::default();
        assert!(!regards.is_confirmed_by(PEER));
        assert!(regards.confirmed(PEER) && !regards.confirmed(PEER));
        regards.want(PEER);
        assert!(regards.is_confirmed_by(PEER), "wanting says nothing of it");
        for regard in [Regard::Guest, Regard::Stranger] {
            regards.set(PEER, regard, Time(1));
            assert!(!regards.is_confirmed_by(PEER), "{regard:?}");
            assert!(regards.confirmed(PEER));
        }
        regards.forget(PEER);
        assert!(!regards.is_confirmed_by(PEER));
        assert_eq!(regards.get(PEER), None);
    }
}
