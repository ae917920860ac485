//! Who is served, and whose turn it is.
//!
//! As many askers as there are places are served at once; the others wait (BEP 3's choking, without its tit for tat: people who know each
//! other need not bargain). A place that comes free goes to whoever was given least, so that a newcomer soon has something to pass on; it
//! is kept for a while, and lost early when it is not used. A device that asks by several streams has a place for each while nobody else wants
//! anything, and one in all while somebody does (`streams.rs`). Among those with a place the next turn is that of whoever had fewest bytes.

use super::output::{AskerId, Output};
use super::state::Provider;
use crate::content::swarm::config::{PLACE_FOR, PLACE_IDLE_FOR, SERVING_EACH_MAX};
use crate::content::swarm::wire::{DropReason, ProviderMessage, What};
use crate::content::wire::GROUP_BYTES;
use crate::time::Time;

/// What a node of the manifest counts before it is read: four groups.
const NODE_BYTES: u64 = 4 * GROUP_BYTES;

impl Provider {
    /// Gives places and turns.
    pub(super) fn go_on(&mut self) {
        self.give_places();
        while self.serve_one() {}
    }

    /// Lets those who had theirs long enough, or do not use it, make room for those who wait.
    fn give_places(&mut self) {
        self.places_at = None;
        let is_one_each = self.is_one_each();
        if is_one_each {
            self.leave_one_each();
        }
        self.give_free_places(is_one_each);
        if is_one_each {
            self.change_streams();
        }
    }

    fn give_free_places(&mut self, is_one_each: bool) {
        loop {
            let waiting = (self.askers.iter())
                .filter(|(id, asker)| {
                    asker.waits() && !(is_one_each && self.placed_beside(**id).is_some())
                })
                .min_by_key(|(id, asker)| (asker.given, **id))
                .map(|(id, _)| *id);
            let Some(next) = waiting else {
                return;
            };
            if self.placed.len() >= self.config.places {
                let Some((until, id)) = self.first_to_leave() else {
                    return;
                };
                if until > self.now {
                    self.places_at = Some(until);
                    return;
                }
                if self.askers.get(&id).is_some_and(|asker| !asker.is_idle()) {
                    self.rotated_at = self.now;
                }
                self.take_place(id);
            }
            self.give_place(next);
        }
    }

    /// Who is to give its place to somebody who waits, and when.
    fn first_to_leave(&self) -> Option<(Time, AskerId)> {
        // One after the other, so that those who came together do not all go together.
        let places = u32::try_from(self.config.places).unwrap_or(u32::MAX).max(1);
        let next_rotation = self.rotated_at + PLACE_FOR / places;
        (self.placed.iter())
            .filter_map(|id| {
                let asker = self.askers.get(id)?;
                let place = asker.place?;
                let until = (place.since + PLACE_FOR).max(next_rotation);
                let unused = asker.is_idle().then(|| place.used + PLACE_IDLE_FOR);
                Some((unused.map_or(until, |unused| unused.min(until)), *id))
            })
            .min()
    }

    pub(super) fn give_place(&mut self, id: AskerId) {
        let turns = self.placed.iter().filter_map(|id| self.askers.get(id));
        let turn = turns.map(|asker| asker.turn).min().unwrap_or(0);
        let now = self.now;
        if let Some(asker) = self.askers.get_mut(&id) {
            asker.place = Some(super::asker::Place {
                since: now,
                used: now,
            });
            asker.turn = asker.turn.max(turn);
            self.placed.insert(id);
            self.send(id, ProviderMessage::Free);
            self.suggest(id);
        }
    }

    /// Takes an asker's place; what it asked for is dropped, what is being sent is finished.
    pub(super) fn take_place(&mut self, id: AskerId) {
        self.placed.remove(&id);
        if let Some(asker) = self.askers.get_mut(&id) {
            asker.place = None;
            let dropped = asker.queue.drain(..).map(|ask| ask.id).collect();
            self.send(id, ProviderMessage::Busy);
            self.drop_requests(id, dropped, DropReason::Busy);
        }
    }

    /// Serves the request whose turn it is. Says whether there was one.
    fn serve_one(&mut self) -> bool {
        let next = (self.placed.iter())
            .filter_map(|id| {
                let asker = self.askers.get(id)?;
                let may = !asker.queue.is_empty() && asker.serving.len() < SERVING_EACH_MAX;
                may.then_some((asker.turn, *id))
            })
            .min();
        let Some((_, id)) = next else {
            return false;
        };
        self.serve(id);
        true
    }

    fn serve(&mut self, id: AskerId) {
        let Some(asker) = self.askers.get_mut(&id) else {
            return;
        };
        let Some(ask) = asker.queue.pop_front() else {
            return;
        };
        let bytes = match ask.what {
            What::Span(span) => span.bytes(),
            What::Node(_) => NODE_BYTES,
        };
        asker.serving.insert(ask.id);
        asker.given = asker.given.saturating_add(bytes);
        asker.turn = asker.turn.saturating_add(bytes);
        let snapshot = asker.snapshot;
        self.outputs.push_back(Output::Serve {
            asker: id,
            snapshot,
            ask,
        });
    }
}
