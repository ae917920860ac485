//! Several streams of one device for one snapshot, as express lanes are.
//!
//! Who writes to two streams gives to their device twice what another has who shares the line, or the processor, with it. So several have places only
//! while no other device wants anything; while one does, each device has one place for each snapshot, whatever number of streams it opens.
//! A stream that was given nothing yet goes before the others of its device: it may be all that is left of them. Later they take turns.

use super::output::AskerId;
use super::state::Provider;
use crate::content::swarm::config::{PLACE_FOR, PLACE_IDLE_FOR};
use crate::time::Time;

impl Provider {
    /// Whether each device may have one place for a snapshot, because several want something and some by several streams.
    pub(super) fn is_one_each(&self) -> bool {
        if self.streams.len() == self.askers.len() {
            return false;
        }
        let wanting = self.askers.values().filter(|asker| asker.is_interested);
        let mut devices = wanting.map(|asker| asker.device);
        let first = devices.next();
        devices.any(|device| Some(device) != first)
    }

    /// Leaves each device the place of one stream: the one that was given least.
    pub(super) fn leave_one_each(&mut self) {
        let several = self.streams.values().filter(|streams| streams.len() > 1);
        let mut surplus = Vec::new();
        for streams in several {
            let mut placed: Vec<_> = (streams.intersection(&self.placed))
                .filter_map(|id| Some((self.askers.get(id)?.given, *id)))
                .collect();
            placed.sort_unstable();
            surplus.extend(placed.into_iter().skip(1).map(|(_, id)| id));
        }
        for id in surplus {
            self.take_place(id);
        }
    }

    /// Another stream of the same device for the same snapshot that has a place.
    pub(super) fn placed_beside(&self, id: AskerId) -> Option<AskerId> {
        let asker = self.askers.get(&id)?;
        let streams = self.streams.get(&(asker.device, asker.snapshot))?;
        (streams.iter().copied()).find(|other| *other != id && self.placed.contains(other))
    }

    /// Gives a stream that waits the place of another of its device, when that had it long enough or does not use it.
    pub(super) fn change_streams(&mut self) {
        let waiting = self.askers.iter().filter(|(_, asker)| asker.waits());
        let waiting: Vec<AskerId> = waiting.map(|(id, _)| *id).collect();
        for id in waiting {
            let Some(other) = self.placed_beside(id) else {
                continue;
            };
            let Some(until) = self.kept_until(other, id) else {
                continue;
            };
            if until <= self.now {
                self.take_place(other);
                self.give_place(id);
            } else {
                self.places_at = Some(self.places_at.map_or(until, |at| at.min(until)));
            }
        }
    }

    /// Until when a stream keeps its place before another of its device.
    fn kept_until(&self, placed: AskerId, waiting: AskerId) -> Option<Time> {
        let (placed, waiting) = (self.askers.get(&placed)?, self.askers.get(&waiting)?);
        let place = placed.place?;
        if waiting.given == 0 && placed.given > 0 {
            return Some(self.now);
        }
        let until = place.since + PLACE_FOR;
        let unused = placed.is_idle().then(|| place.used + PLACE_IDLE_FOR);
        Some(unused.map_or(until, |unused| unused.min(until)))
    }
}
