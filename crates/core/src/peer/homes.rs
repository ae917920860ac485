//! At which introducers our faces keep their places: at those that answer.
//!
//! One that falls silent keeps our places for a moment, and one that is back has them again once it has stayed. A place that
//! moves is an address that every contact is told, and may show both faces to one introducer.

use std::collections::{BTreeMap, BTreeSet};

use super::config::{HOME_BACK_AFTER, HOME_LEFT_AFTER, HOME_TRIED_WITHIN};
use crate::ids::DeviceKey;
use crate::introducer::Introducer;
use crate::time::Time;

/// Which of our introducers have no place of ours.
#[derive(Debug, Default)]
pub(super) struct Homes {
    /// Without a place of ours, because they did not answer.
    left: BTreeSet<DeviceKey>,
    /// When those are left that do not answer, and when those have places again that were left and answer.
    due: BTreeMap<DeviceKey, Time>,
}

/// The introducers in use, and which of all that were asked do not answer.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) own: &'a [Introducer],
    pub(super) away: &'a BTreeSet<DeviceKey>,
}

impl Known<'_> {
    fn keys(self) -> impl Iterator<Item = DeviceKey> {
        self.own.iter().map(|it| it.key)
    }

    fn answers(self, key: DeviceKey) -> bool {
        !self.away.contains(&key)
    }
}

impl Homes {
    /// The introducers of the public face, and those of the contact face: different ones where several have places, so that
    /// no introducer sees both faces of a node side by side.
    pub(super) fn split(&self, own: &[Introducer]) -> (Vec<Introducer>, Vec<Introducer>) {
        let there = own.iter().filter(|it| !self.left.contains(&it.key));
        let there: Vec<Introducer> = there.cloned().collect();
        match there.as_slice() {
            [first, rest @ ..] if !rest.is_empty() => (vec![first.clone()], rest.to_vec()),
            _ => (there.clone(), there),
        }
    }

    /// Others are in use than before.
    pub(super) fn handle_introducers(&mut self, now: Time, known: Known<'_>) {
        self.left.retain(|key| known.keys().any(|it| it == *key));
        self.due.retain(|key, _| known.keys().any(|it| it == *key));
        self.expect_end(now + HOME_LEFT_AFTER, known);
        self.take_back(known);
    }

    /// One of those in use does not answer. Whether any has places again or no more.
    pub(super) fn handle_down(
        &mut self,
        now: Time,
        introducer: DeviceKey,
        known: Known<'_>,
    ) -> bool {
        self.change(|homes| {
            if homes.left.contains(&introducer) {
                homes.due.remove(&introducer);
            }
            homes.expect_end(now + HOME_LEFT_AFTER, known);
            homes.take_back(known);
        })
    }

    /// One of those in use answers again.
    pub(super) fn handle_up(&mut self, now: Time, introducer: DeviceKey, known: Known<'_>) -> bool {
        self.change(|homes| {
            homes.due.remove(&introducer);
            if homes.left.contains(&introducer) {
                homes.due.insert(introducer, now + HOME_BACK_AFTER);
            }
            // Where none had answered it may have been our own network, and the others are tried again soon.
            homes.expect_end(now + HOME_TRIED_WITHIN, known);
            homes.take_back(known);
        })
    }

    /// Does what is due.
    pub(super) fn handle_timeout(&mut self, now: Time, known: Known<'_>) -> bool {
        self.change(|homes| {
            let due = homes.due.extract_if(.., |_, at| *at <= now);
            let due = due.map(|(key, _)| key);
            let (back, silent): (Vec<_>, Vec<_>) = due.partition(|key| homes.left.contains(key));
            homes.left.retain(|key| !back.contains(key));
            // Where nobody could stand in for them, they are kept: nothing is better.
            if known.keys().any(|key| known.answers(key)) {
                homes.left.extend(silent);
            }
            homes.take_back(known);
        })
    }

    /// When something is due.
    pub(super) fn next_due(&self) -> Option<Time> {
        self.due.values().min().copied()
    }

    /// Whoever has places and does not answer loses them then, unless it is to be sooner.
    fn expect_end(&mut self, at: Time, known: Known<'_>) {
        for key in known.keys() {
            if !known.answers(key) && !self.left.contains(&key) {
                self.due.entry(key).or_insert(at);
            }
        }
    }

    /// Gives places to all that answer, where none that has any does; and to all, where none is in use that has any.
    fn take_back(&mut self, known: Known<'_>) {
        let mut with_places = known.keys().filter(|key| !self.left.contains(key));
        if with_places.any(|key| known.answers(key)) {
            return;
        }
        let answering: BTreeSet<DeviceKey> =
            known.keys().filter(|key| known.answers(*key)).collect();
        self.left.retain(|key| !answering.contains(key));
        self.due.retain(|key, _| !answering.contains(key));
        if known.keys().all(|key| self.left.contains(&key)) {
            self.left.clear();
        }
    }

    /// Whether this changes who has places.
    fn change(&mut self, by: impl FnOnce(&mut Self)) -> bool {
        let before = self.left.clone();
        by(self);
        self.left != before
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ids::TlsPin;
    use crate::introducer::{Ports, Trust};

    const NOW: Time = Time(1_700_000_000_000);

    fn introducer(number: u8) -> Introducer {
        let ports = Ports {
            tcp: 7118,
            udp: 7119,
            discovery: 7120,
        };
        let (key, trust) = (DeviceKey([number; 32]), Trust::Pin(TlsPin([number; 32])));
        Introducer::new(key, vec![[203, 0, 113, number].into()], ports, trust)
    }

    /// A node's homes, and what it knows of its introducers.
    #[derive(Default)]
    struct Node {
        homes: Homes,
        own: Vec<Introducer>,
        away: BTreeSet<DeviceKey>,
        now: Time,
    }

    impl Node {
        fn with(introducers: u8) -> Self {
            Self {
                own: (1..=introducers).map(introducer).collect(),
                now: NOW,
                ..Self::default()
            }
        }

        fn tell(&mut self, number: u8, is_up: bool) {
            let key = DeviceKey([number; 32]);
            let known = |away| Known {
                own: &self.own,
                away,
            };
            if is_up {
                self.away.remove(&key);
                self.homes.handle_up(self.now, key, known(&self.away));
            } else {
                self.away.insert(key);
                self.homes.handle_down(self.now, key, known(&self.away));
            }
        }

        fn pass(&mut self, time: Duration) {
            let end = self.now + time;
            while let Some(due) = self.homes.next_due().filter(|due| *due <= end) {
                let (own, away) = (&self.own, &self.away);
                self.homes.handle_timeout(due, Known { own, away });
            }
            self.now = end;
        }

        /// The introducers of the public and of the contact face, by their numbers.
        fn places(&self) -> (Vec<u8>, Vec<u8>) {
            let numbers = |all: Vec<Introducer>| all.iter().map(|it| it.key.0[0]).collect();
            let (public, contact) = self.homes.split(&self.own);
            (numbers(public), numbers(contact))
        }
    }

    #[test]
    fn the_faces_are_at_different_introducers_of_those_that_answer() {
        let mut node = Node::with(3);
        assert_eq!(node.places(), (vec![1], vec![2, 3]));
        node.tell(1, false);
        node.pass(HOME_LEFT_AFTER);
        assert_eq!(node.places(), (vec![2], vec![3]));
        node.tell(3, false);
        node.pass(HOME_LEFT_AFTER);
        assert_eq!(node.places(), (vec![2], vec![2]));
    }

    #[test]
    fn either_of_two_is_shared_when_the_other_is_dead() {
        for (dead, other) in [(1, 2), (2, 1)] {
            let mut node = Node::with(2);
            node.tell(dead, false);
            node.pass(HOME_LEFT_AFTER);
            assert_eq!(node.places(), (vec![other], vec![other]));
        }
    }

    #[test]
    fn a_blip_moves_nothing_and_who_is_back_has_to_stay() {
        let mut node = Node::with(2);
        let both = node.places();
        node.tell(1, false);
        node.pass(HOME_LEFT_AFTER / 2);
        node.tell(1, true);
        node.pass(HOME_LEFT_AFTER);
        assert_eq!(node.places(), both);

        node.tell(1, false);
        node.pass(HOME_LEFT_AFTER);
        for _ in 0..3 {
            node.tell(1, true);
            node.pass(HOME_BACK_AFTER / 2);
            node.tell(1, false);
            node.pass(HOME_LEFT_AFTER);
            assert_eq!(node.places(), (vec![2], vec![2]));
        }
        node.tell(1, true);
        node.pass(HOME_BACK_AFTER);
        assert_eq!(node.places(), both);
    }

    #[test]
    fn without_a_network_of_our_own_everything_stays_where_it_is() {
        let mut node = Node::with(2);
        let both = node.places();
        node.tell(1, false);
        node.tell(2, false);
        node.pass(HOME_TRIED_WITHIN * 2);
        assert_eq!(node.places(), both);
        node.tell(2, true);
        node.pass(HOME_TRIED_WITHIN / 2);
        assert_eq!(node.places(), both);
        node.tell(1, true);
        node.pass(HOME_TRIED_WITHIN);
        assert_eq!(node.places(), both);

        // One of them had gone for good.
        node.tell(1, false);
        node.tell(2, false);
        node.pass(HOME_TRIED_WITHIN);
        node.tell(2, true);
        node.pass(HOME_TRIED_WITHIN);
        assert_eq!(node.places(), (vec![2], vec![2]));
    }

    #[test]
    fn the_only_one_that_answers_has_places_at_once() {
        let mut node = Node::with(2);
        node.tell(1, false);
        node.pass(HOME_LEFT_AFTER);
        node.tell(1, true);
        node.tell(2, false);
        assert_eq!(node.places(), (vec![1], vec![2]));
        node.pass(HOME_LEFT_AFTER);
        assert_eq!(node.places(), (vec![1], vec![1]));
    }

    #[test]
    fn the_last_one_in_use_has_places_whatever_it_does() {
        let mut node = Node::with(2);
        node.tell(1, false);
        node.pass(HOME_LEFT_AFTER);
        node.own = vec![introducer(1)];
        let (own, away) = (&node.own, &node.away);
        let known = Known { own, away };
        node.homes.handle_introducers(node.now, known);
        assert_eq!(node.places(), (vec![1], vec![1]));
        node.pass(HOME_TRIED_WITHIN);
        assert_eq!(node.homes.next_due(), None);
    }
}
