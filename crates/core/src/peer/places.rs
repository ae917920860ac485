//! What is known of where contacts are, and what is being asked.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::config::LOOKUP_LIFE;
use super::note::Card;
use crate::address::Route;
use crate::codec;
use crate::discovery::Advertisement;
use crate::ids::{DeviceKey, InviteId, Locator, PeerId};
use crate::routing::Candidate;
use crate::row::Row;
use crate::time::Time;

/// The kind of the rows in which the last known routes of contacts are kept.
pub(super) const ROUTE_KIND: &str = "route";

/// What is known of where contacts are.
#[derive(Debug, Default)]
pub(super) struct Finding {
    pub(super) cards: BTreeMap<PeerId, Card>,
    pub(super) sightings: BTreeMap<DeviceKey, Sighting>,
    pub(super) lookups: BTreeMap<Locator, Lookup>,
    /// Introducers that could not be reached when last tried.
    pub(super) away: BTreeSet<DeviceKey>,
    /// Where devices are that only a link names, and which face of their node they are; the latest last.
    pub(super) linked: VecDeque<Candidate>,
}

/// A device seen on the local network.
#[derive(Debug)]
pub(super) struct Sighting {
    /// Of which contact, as far as it was recognised.
    pub(super) peer: Option<PeerId>,
    /// When it last said anything new.
    pub(super) at: Time,
    pub(super) advertisement: Advertisement,
    pub(super) route: Route,
}

/// A look-up under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lookup {
    pub(super) purpose: Purpose,
    /// How many introducers have not answered yet.
    pub(super) open: usize,
    since: Time,
}

/// What is looked for under a locator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Where a contact is.
    Address(PeerId),
    /// Replies to an invite.
    Replies(InviteId),
    /// Where somebody is who wants to be found.
    Listing(PeerId),
    /// What an introducer says of its line.
    Notice(DeviceKey),
}

impl Lookup {
    /// Whether answers that did not come by now were lost.
    fn is_over(&self, now: Time) -> bool {
        now >= self.since + LOOKUP_LIFE
    }
}

impl Finding {
    /// What was known before the last stop. A row that cannot be read is forgotten: it is only a hint.
    pub(super) fn restore(rows: Vec<Row>) -> Self {
        let read = |row: Row| {
            let peer = PeerId(row.key.try_into().ok()?);
            let card: Card = codec::decode(&row.value?).ok()?;
            card.is_bounded().then_some((peer, card))
        };
        Self {
            cards: rows.into_iter().filter_map(read).collect(),
            ..Self::default()
        }
    }

    /// So many introducers are asked what stands under a locator, in addition to those who have not answered yet.
    pub(super) fn begin_look_up(
        &mut self,
        now: Time,
        locator: Locator,
        purpose: Purpose,
        asked: usize,
    ) {
        let begun = self.lookups.remove(&locator).filter(|it| !it.is_over(now));
        let (open, since) = begun.map_or((0, now), |it| (it.open, it.since));
        let open = open + asked;
        let lookup = Lookup {
            purpose,
            open,
            since,
        };
        self.lookups.insert(locator, lookup);
    }

    /// Whether answers to a look-up for this are waited for.
    pub(super) fn is_looking(&self, now: Time, purpose: Purpose) -> bool {
        let mut lookups = self.lookups.values();
        lookups.any(|it| it.purpose == purpose && !it.is_over(now))
    }

    /// Whose contact face this is, as far as we know.
    pub(super) fn contact_device(&self, device: DeviceKey) -> Option<PeerId> {
        let mut cards = self.cards.iter();
        cards
            .find(|(_, card)| card.contact.device == device)
            .map(|(peer, _)| *peer)
    }
}

#[cfg(test)]
mod tests {
    use super::super::people::{NOW, introducer, node};
    use super::*;

    #[test]
    fn of_two_look_ups_that_overlap_every_answer_counts() {
        let mut bob = node(2);
        let (locator, purpose) = (Locator([5; 32]), Purpose::Address(PeerId([6; 32])));
        for asked in [vec![introducer(8), introducer(9)], vec![introducer(9)]] {
            bob.look_up(locator, purpose, asked);
        }
        for _ in 0..3 {
            assert!(bob.finding.is_looking(NOW, purpose));
            bob.handle_records(NOW, locator, &[]);
        }
        assert!(!bob.finding.is_looking(NOW, purpose));
    }

    #[test]
    fn an_answer_that_was_lost_is_not_waited_for_for_ever() {
        let mut bob = node(2);
        let (locator, purpose) = (Locator([5; 32]), Purpose::Address(PeerId([6; 32])));
        bob.look_up(locator, purpose, vec![introducer(8)]);
        let later = NOW + LOOKUP_LIFE;
        assert!(!bob.finding.is_looking(later, purpose));
        bob.now = later;
        bob.look_up(locator, purpose, vec![introducer(8)]);
        assert!(bob.finding.is_looking(later, purpose));
        bob.handle_records(later, locator, &[]);
        assert!(!bob.finding.is_looking(later, purpose));
    }
}
