//! How fast a transfer is, over the last few seconds.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Over how long the rate is taken: long enough that it does not jump, short enough to tell what is.
const WINDOW: Duration = Duration::from_secs(5);

/// Between two samples.
const STEP: Duration = Duration::from_millis(250);

/// The rate of something that grows.
#[derive(Debug, Default)]
pub(super) struct Rate(VecDeque<(Instant, u64)>);

impl Rate {
    /// Takes in what there is now, and gives the rate in bytes a second.
    pub(super) fn update(&mut self, now: Instant, bytes: u64) -> u64 {
        let due = |(last, _): &(Instant, u64)| now.saturating_duration_since(*last) >= STEP;
        if self.0.back().is_none_or(due) {
            self.0.push_back((now, bytes));
        }
        while self.0.len() > 1 && now.saturating_duration_since(self.0[0].0) > WINDOW {
            self.0.pop_front();
        }
        let Some((since, before)) = self.0.front() else {
            return 0;
        };
        let time = now.saturating_duration_since(*since).max(STEP);
        let grown = u128::from(bytes.saturating_sub(*before)) * 1_000;
        u64::try_from(grown / time.as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let begun = Instant::now();
        let mut rate = Rate::default();
        assert_eq!(rate.update(begun, 0), 0);
        for second in 1..=10 {
            let told = rate.update(begun + Duration::from_secs(second), second * 1_000);
            assert_eq!(told, 1_000);
        }
        for second in 11..=20 {
            rate.update(begun + Duration::from_secs(second), 10_000);
        }
        assert_eq!(rate.update(begun + Duration::from_secs(21), 10_000), 0);
    }
}
