//! What a node's shell has to do at one introducer's registry: as kith-node does it, without tasks.

use std::collections::BTreeMap;

use kith_core::discovery::{Record, Slot};
use kith_core::ids::{Locator, PeerId};
use kith_core::routing::ConnId;

/// Requests sent ahead of their answers.
pub const AHEAD_MAX: usize = 32;

/// How long to leave an introducer alone that did not answer, first and at most, in milliseconds.
pub const RETRY_AFTER_MS: (u64, u64) = (2_000, 60_000);

/// What was asked.
#[derive(Clone, Debug)]
pub enum Errand {
    /// Keep this, for that contact.
    Publish(Record, Option<PeerId>),
    /// What is there?
    Lookup(Locator),
}

/// Errands at one introducer.
#[derive(Debug, Default)]
pub struct Errands {
    /// What to look up, once.
    pub lookups: Vec<Locator>,
    /// What to leave there until it is taken: the newest of each place.
    pub unpublished: BTreeMap<(Locator, Slot), (Record, Option<PeerId>)>,
    /// What is asked and not answered yet, and where.
    pub asked: BTreeMap<u64, Errand>,
    /// The connection the requests go over.
    pub conn: Option<ConnId>,
    /// Whether a session is being opened.
    pub opening: bool,
    /// Whether a pause after a failure is under way.
    pub paused: bool,
    /// The next pause, in milliseconds.
    pub pause_ms: u64,
    /// How many streams the machine was last told of.
    pub streams: u32,
}

impl Errands {
    /// Adds an errand; of two records for one place the newer stays.
    pub fn add(&mut self, errand: Errand) {
        match errand {
            Errand::Publish(record, peer) => {
                let place = (record.locator(), record.slot());
                let newest = self.unpublished.get(&place).map(|(it, _)| it.sequence());
                if newest.is_none_or(|newest| newest <= record.sequence()) {
                    self.unpublished.insert(place, (record, peer));
                }
            }
            Errand::Lookup(locator) if !self.lookups.contains(&locator) => {
                self.lookups.push(locator);
            }
            Errand::Lookup(_) => {}
        }
    }

    /// Whether nothing is to be done.
    pub fn is_idle(&self) -> bool {
        self.lookups.is_empty() && self.unpublished.is_empty() && self.asked.is_empty()
    }

    /// The next thing to ask.
    pub fn take_next(&mut self) -> Option<Errand> {
        if self.asked.len() >= AHEAD_MAX {
            return None;
        }
        if !self.lookups.is_empty() {
            return Some(Errand::Lookup(self.lookups.remove(0)));
        }
        let (_, (record, peer)) = self.unpublished.pop_first()?;
        Some(Errand::Publish(record, peer))
    }

    /// The introducer did not answer: what was to be left stays to be left; gives the look-ups that failed.
    pub fn fail(&mut self) -> Vec<Locator> {
        self.conn = None;
        self.opening = false;
        self.streams = 0;
        self.pause_ms = (self.pause_ms * 2).clamp(RETRY_AFTER_MS.0, RETRY_AFTER_MS.1);
        let mut failed = std::mem::take(&mut self.lookups);
        for errand in std::mem::take(&mut self.asked).into_values() {
            match errand {
                Errand::Lookup(locator) => failed.push(locator),
                publish => self.add(publish),
            }
        }
        failed
    }
}
