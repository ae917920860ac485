//! The machines' time: the wall clock's at the start, and from then on a clock that never jumps.

use std::time::{Duration, Instant};

use kith_core::time::Time;

/// The clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    begun: Instant,
    at: Time,
}

impl Clock {
    /// Begins now.
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            at: crate::clock::now(),
        }
    }

    /// What time it is.
    pub(super) fn now(&self) -> Time {
        self.at + self.begun.elapsed()
    }

    /// When it is that time. Rounded up, so that it has come by then.
    pub(super) fn instant(&self, time: Time) -> tokio::time::Instant {
        (self.begun + time.since(self.at) + Duration::from_millis(1)).into()
    }
}
