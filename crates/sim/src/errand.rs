//! The visits a node's shell has to pay to one introducer: as kith-node pays them, without tasks.

use std::collections::{BTreeMap, VecDeque};

use kith_core::discovery::{Request, Slot};
use kith_core::ids::Locator;
use kith_core::peer::Visit;

/// Visits at one time.
pub const AT_ONCE_MAX: usize = 8;

/// How long to leave an introducer alone that did not answer, first and at most, in milliseconds.
pub const RETRY_AFTER_MS: (u64, u64) = (2_000, 60_000);

/// Visits to one introducer.
#[derive(Debug, Default)]
pub struct Errands {
    /// Look-ups to be made, once.
    pub lookups: VecDeque<Visit>,
    /// Records to be left there until they are taken: the newest of each place.
    pub unpublished: BTreeMap<(Locator, Slot), Visit>,
    /// Visits under way.
    pub asked: BTreeMap<u64, Visit>,
    /// Whether a pause after a failure is under way.
    pub paused: bool,
    /// The next pause, in milliseconds.
    pub pause_ms: u64,
}

impl Errands {
    /// Adds a visit; of two records for one place the newer stays.
    pub fn add(&mut self, visit: Visit) {
        let record = match &visit.request {
            Request::Publish(record) => record,
            Request::Lookup(_) => return self.lookups.push_back(visit),
        };
        let (place, sequence) = ((record.locator(), record.slot()), record.sequence());
        let newest = self.unpublished.get(&place).map(|it| match &it.request {
            Request::Publish(record) => record.sequence(),
            Request::Lookup(_) => 0,
        });
        if newest.is_none_or(|newest| newest <= sequence) {
            self.unpublished.insert(place, visit);
        }
    }

    /// The next visit to pay.
    pub fn take_next(&mut self) -> Option<Visit> {
        if self.paused || self.asked.len() >= AT_ONCE_MAX {
            return None;
        }
        let lookup = self.lookups.pop_front();
        lookup.or_else(|| Some(self.unpublished.pop_first()?.1))
    }

    /// The introducer did not answer: what was to be left stays to be left; gives the look-ups that failed.
    pub fn fail(&mut self) -> Vec<Locator> {
        self.paused = true;
        self.pause_ms = (self.pause_ms * 2).clamp(RETRY_AFTER_MS.0, RETRY_AFTER_MS.1);
        let mut failed = Vec::new();
        let asked = std::mem::take(&mut self.asked).into_values();
        for visit in asked.chain(std::mem::take(&mut self.lookups)) {
            match visit.request {
                Request::Lookup(locator) => failed.push(locator),
                Request::Publish(_) => self.add(visit),
            }
        }
        failed
    }
}
