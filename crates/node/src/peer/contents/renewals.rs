//! How often a transfer begins anew because its files changed at their owner meanwhile.
//!
//! A folder that changes faster than it is fetched is told as such; one that is edited now and then while it is fetched, for weeks, comes.

use std::time::{Duration, Instant};

/// How often in a row it does, with ten seconds of pauses in all for its owner to look at the files again.
const RENEWALS_MAX: u32 = 5;

/// The first pause is none, and each is so much longer than the one before.
const PAUSE_STEP: Duration = Duration::from_secs(1);

/// What was fetched for so long without a change counts as at rest: several times longer than all the pauses together.
const AT_REST_AFTER: Duration = Duration::from_secs(60);

/// The renewals of a transfer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Renewals {
    in_a_row: u32,
    last: Option<Instant>,
}

impl Renewals {
    /// Its files have changed: the pause before it begins anew, or `None` where they do so again and again.
    pub(super) fn next(&mut self, now: Instant) -> Option<Duration> {
        let was_at_rest = |last| now.saturating_duration_since(last) >= AT_REST_AFTER;
        if self.last.replace(now).is_some_and(was_at_rest) {
            self.in_a_row = 0;
        }
        let pause = PAUSE_STEP * self.in_a_row;
        self.in_a_row += 1;
        (self.in_a_row <= RENEWALS_MAX).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_all_the_time_is_given_up_after_five_times_and_ten_seconds_of_pauses() {
        let (mut renewals, mut now) = (Renewals::default(), Instant::now());
        let mut pauses = Vec::new();
        while let Some(pause) = renewals.next(now) {
            pauses.push(pause);
            // It changes again when some of it has come.
            now += pause + AT_REST_AFTER / 3;
        }
        assert_eq!(pauses.len(), 5);
        assert_eq!(pauses.iter().sum::<Duration>(), Duration::from_secs(10));
    }

    #[test]
    fn what_is_edited_once_a_day_is_begun_anew_at_once_however_often() {
        let begun = Instant::now();
        let mut renewals = Renewals::default();
        for day in 1..=30 {
            let now = begun + Duration::from_secs(24 * 60 * 60) * day;
            assert_eq!(renewals.next(now), Some(Duration::ZERO), "day {day}");
        }
    }
}
