//! The wall clock, read in this one place: everything else is handed a [`Time`].

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kith_core::time::Time;

/// What the system's clock says now. It may be wrong, and may jump in either direction; a clock set to before 1970
/// counts as 1970.
pub fn now() -> Time {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Time::default() + since_epoch
}

/// A node's clock: the system's, or one that is wrong or jumps, in tests of what a node does then. Clones are one clock.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// How far it is ahead of the system's, in milliseconds; behind it where negative.
    ahead_ms: Arc<AtomicI64>,
}

impl Clock {
    /// What it says now.
    pub fn now(&self) -> Time {
        let ahead_ms = self.ahead_ms.load(Ordering::Relaxed);
        let off = Duration::from_millis(ahead_ms.unsigned_abs());
        if ahead_ms < 0 {
            now() - off
        } else {
            now() + off
        }
    }

    /// Sets it ahead of the system's clock by so many milliseconds, or behind it where negative.
    pub fn set_ahead(&self, ms: i64) {
        self.ahead_ms.store(ms, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_as_far_off_as_it_was_set_and_its_clones_with_it() {
        const HOUR: Duration = Duration::from_secs(3600);
        let clock = Clock::default();
        let clone = clock.clone();
        for (ms, expected) in [
            (0, now()),
            (3_600_000, now() + HOUR),
            (-3_600_000, now() - HOUR),
        ] {
            clock.set_ahead(ms);
            assert!(clone.now().is_within(expected, HOUR / 60), "{ms}");
        }
    }

    #[test]
    fn the_clock_agrees_with_a_file_system() {
        let file = tempfile::NamedTempFile::new().expect("a place for files");
        let written = file.as_file().metadata().expect("there").modified();
        let written = written.expect("file systems tell the time");
        let written = written.duration_since(UNIX_EPOCH).expect("after 1970");
        let difference = std::time::Duration::from_secs(60);
        assert!(now().is_within(Time::default() + written, difference));
    }
}
