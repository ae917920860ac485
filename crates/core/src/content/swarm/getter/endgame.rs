//! What is asked of a second source: chunks that come late where they were asked for.
//!
//! When all that is missing was asked for somewhere, whoever has nothing left to bring takes over what waits at a slower source (BEP 3 calls it
//! the *end game*, and has the same asked of everybody). Of a small snapshot that is nearly all of it: a crowd of sources is asked for everything at
//! once. So a chunk that its source has not begun to send is *moved*: cancelled there, and sent once. What is on its way cannot be taken
//! back; it is *doubled* only where that saves a wait worth the copy.

use std::collections::BTreeMap;
use std::time::Duration;

use super::output::SourceId;
use super::source::{Pending, Source};
use super::state::Getter;
use super::transfer::Transfer;
use crate::content::swarm::config::{END_GAME_COPIES, SERVING_EACH_MAX};

/// A second source is asked for a chunk where it should be so many times sooner.
const SOONER_TIMES: u32 = 3;

/// And, where the chunk is on its way, so much sooner. In the simulator's crowds who waits longest waits no longer by it than with none, and
/// one chunk in a hundred comes twice; with half of it, three.
const DOUBLED_SAVES_MIN: Duration = Duration::from_secs(2);

/// How a chunk is to come from a source that was asked for it.
#[derive(Clone, Copy, Debug)]
struct Coming {
    /// How soon all of it should be here.
    within: Duration,
    /// Whether the source has begun to send it, or may have.
    is_begun: bool,
}

impl Getter {
    /// When all that is missing was asked for: the chunk that comes last where it was asked for, and much sooner from this source.
    pub(super) fn end_game(&self, id: SourceId) -> Option<u32> {
        let source = self.sources.get(&id)?;
        let transfer = self.transfers.get(&source.transfer)?;
        if !transfer.picker.is_exhausted() {
            return None;
        }
        let mine = self.brings_in(id, transfer)?;
        let mut coming = BTreeMap::new();
        for other in transfer.sources.iter().filter(|other| **other != id) {
            for (chunk, by) in self.coming(*other) {
                let soonest = coming.entry(chunk).or_insert(by);
                *soonest = soonest.or_sooner(by);
            }
        }
        (coming.into_iter())
            .filter(|(chunk, by)| {
                source.holdings.contains(*chunk)
                    && may_be_asked(id, *chunk, transfer)
                    && by.is_beaten(mine)
                    && self.stands_in(id, *chunk, transfer)
            })
            .max_by_key(|(_, by)| by.within)
            .map(|(chunk, _)| chunk)
    }

    /// Whether this source would bring a chunk much sooner than those who were asked for it, who are not too many.
    pub(super) fn is_sooner(&self, id: SourceId, chunk: u32, transfer: &Transfer) -> bool {
        let asked = transfer.asked.get(&chunk).into_iter().flatten();
        let coming = (asked)
            .filter_map(|other| self.coming(*other).remove(&chunk))
            .reduce(Coming::or_sooner);
        may_be_asked(id, chunk, transfer)
            && (coming.zip(self.brings_in(id, transfer)))
                .is_some_and(|(coming, mine)| coming.is_beaten(mine))
            && self.stands_in(id, chunk, transfer)
    }

    /// Those who were asked for a chunk and have not begun to send it: whoever is asked now brings it in their place.
    pub(super) fn relieved(&self, chunk: u32, transfer: &Transfer) -> Vec<SourceId> {
        let asked = transfer.asked.get(&chunk).into_iter().flatten();
        let waits = |other: &&SourceId| {
            let coming = self.coming(**other).remove(&chunk);
            coming.is_some_and(|coming| !coming.is_begun)
        };
        asked.filter(waits).copied().collect()
    }

    /// How soon a source brings a whole chunk more than it owes; `None` while it is not known how fast it is: nobody is asked on a guess.
    fn brings_in(&self, id: SourceId, transfer: &Transfer) -> Option<Duration> {
        let link = self.links.get(&self.sources.get(&id)?.who.device)?;
        let bytes = link
            .outstanding
            .saturating_add(transfer.tiling.chunk_bytes());
        link.pace.is_measured().then(|| link.pace.time_for(bytes))
    }

    /// The chunks that a source owes, and how each is to come.
    fn coming(&self, id: SourceId) -> BTreeMap<u32, Coming> {
        let link_and_source = (self.sources.get(&id))
            .and_then(|source| Some((self.links.get(&source.who.device)?, source)));
        let Some((link, source)) = link_and_source else {
            return BTreeMap::new();
        };
        // What the device owes by other streams shares its line.
        let elsewhere = link.outstanding.saturating_sub(source.owed_bytes());
        let mut coming = BTreeMap::new();
        for (pending, before, is_begun) in in_turn(source) {
            if let (Some(chunk), false) = (pending.chunk, pending.is_cancelled) {
                let within = link.pace.time_for(elsewhere.saturating_add(before));
                // The last part of a chunk counts, and the first.
                let all = coming.entry(chunk).or_insert(Coming { within, is_begun });
                all.within = within;
            }
        }
        coming
    }
}

impl Coming {
    /// The sooner of two copies; it is on its way if either is.
    fn or_sooner(self, other: Self) -> Self {
        Self {
            within: self.within.min(other.within),
            is_begun: self.is_begun || other.is_begun,
        }
    }

    /// Whether another source, that would bring the chunk in so long, is to be asked for it.
    fn is_beaten(&self, mine: Duration) -> bool {
        let saves_min = match self.is_begun {
            true => DOUBLED_SAVES_MIN,
            false => Duration::ZERO,
        };
        mine * SOONER_TIMES < self.within && mine + saves_min <= self.within
    }
}

/// Whether a source may be asked for a chunk that others were asked for.
fn may_be_asked(id: SourceId, chunk: u32, transfer: &Transfer) -> bool {
    (transfer.asked.get(&chunk))
        .is_some_and(|asked| asked.len() < END_GAME_COPIES && !asked.contains(&id))
}

/// What a source is to send, in the order in which it was asked: with each, the bytes until it is here, and whether it may be on its way.
fn in_turn(source: &Source) -> impl Iterator<Item = (&Pending, u64, bool)> {
    let (mut place, mut bytes) = (0, 0u64);
    source.requests.values().filter_map(move |pending| {
        let is_begun = place < SERVING_EACH_MAX || pending.has_begun();
        // What was cancelled in time does not come.
        if pending.is_cancelled && !is_begun {
            return None;
        }
        place += 1;
        bytes = bytes.saturating_add(pending.bytes_left());
        Some((pending, bytes, is_begun))
    })
}
