//! When each share is to be looked at again: after a pause that grows with what a look costs, so that asking often costs little.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use kith_core::ids::ShareId;

/// Between two looks at one share, at least: a transfer opens a few streams at once, and each asks for the head.
const PAUSE_MIN: Duration = Duration::from_secs(2);

/// How many times as long as a look took the pause is, so that looking takes a twentieth of the time at most.
const PAUSE_FACTOR: u32 = 20;

/// When each share is to be looked at again.
#[derive(Debug, Default)]
pub(super) struct Looks(Mutex<BTreeMap<ShareId, Instant>>);

impl Looks {
    /// Whether a look is due; if so, nobody else looks before the pause is over.
    pub(super) fn begin(&self, share: &ShareId) -> bool {
        let mut due = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if due.get(share).is_some_and(|due| *due > now) {
            return false;
        }
        due.insert(*share, now + PAUSE_MIN);
        true
    }

    /// A look is over.
    pub(super) fn ended(&self, share: &ShareId, took: Duration) {
        let pause = PAUSE_MIN.max(took.saturating_mul(PAUSE_FACTOR));
        let mut due = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        due.insert(*share, Instant::now() + pause);
    }

    /// A file of the share is not what it was.
    pub(super) fn hasten(&self, share: &ShareId) {
        let mut due = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        due.remove(share);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_not_repeated_before_its_pause_unless_something_was_seen() {
        let looks = Looks::default();
        let share = ShareId([1; 32]);
        assert!(looks.begin(&share));
        assert!(!looks.begin(&share));
        assert!(looks.begin(&ShareId([2; 32])));
        looks.hasten(&share);
        assert!(looks.begin(&share));
        looks.ended(&share, Duration::from_secs(1));
        assert!(!looks.begin(&share));
    }
}
