//! When what is published: how long a record lives, how often it is renewed, and under which day it stands.
//!
//! Clocks may differ by [`CLOCK_SKEW_MAX`]. A reader looks under its own day only, so a writer near midnight publishes
//! under the neighbouring day as well, from before the fastest reader turns to it until after the slowest left it.
//! The two are renewed at times of their own: publishing both together would show an observer which belong together.

use std::time::Duration;

use crate::random::Random;
use crate::time::{CLOCK_SKEW_MAX, DAY, Day, Time};

/// The longest time between two publications of the same address.
pub const REFRESH_MAX: Duration = Duration::from_secs(30 * 60);

/// By how much of [`REFRESH_MAX`] a renewal may come earlier, at random, so that renewals neither come all at once nor
/// tell by their rhythm whose they are.
pub const REFRESH_JITTER: Duration = Duration::from_secs(5 * 60);

/// How long a record lives: one renewal may be missed even where the clocks of writer and registry differ the most.
pub const RECORD_LIFE: Duration =
    Duration::from_secs(CLOCK_SKEW_MAX.as_secs() + 2 * REFRESH_MAX.as_secs());

/// How long before midnight tomorrow's locator is first used: in time for the fastest reader, wherever in its first
/// half hour the publication falls.
pub const NEIGHBOUR_BEFORE: Duration =
    Duration::from_secs(CLOCK_SKEW_MAX.as_secs() + REFRESH_MAX.as_secs());

/// How long after midnight yesterday's locator is still used: until the slowest reader has turned.
pub const NEIGHBOUR_AFTER: Duration = CLOCK_SKEW_MAX;

/// How long a route must stand still before it is published: a network change touches several addresses within less.
pub const DEBOUNCE: Duration = Duration::from_secs(1);

/// How long a route that never stands still is left unpublished.
pub const DEBOUNCE_MAX: Duration = Duration::from_secs(5);

/// The most publications in one go, of [`PUBLISH_PACE`]. Nearly everybody has fewer contacts; who has 10,000 tells the
/// last of them within seven minutes instead of running into every registry's limits.
pub const PUBLISH_BURST: usize = 256;

/// The time between two bursts.
pub const PUBLISH_PACE: Duration = Duration::from_secs(10);

/// The time to the second lookup of a contact that is wanted; it doubles with each.
pub const LOOKUP_AFTER: Duration = Duration::from_secs(5);

/// The longest time between two lookups of somebody who is away. Who comes back dials the others; this finds those who
/// are back and cannot, and for twenty contacts who are away it is one small question in half a minute.
pub const LOOKUP_AFTER_MAX: Duration = Duration::from_secs(10 * 60);

/// Over how long the lookups are spread that a change of our network brings.
pub const NETWORK_CHANGE_SPREAD: Duration = Duration::from_secs(2);

/// The neighbouring day under which an address is also published at `now`, if it is near enough.
pub fn neighbour(now: Time) -> Option<Day> {
    let today = now.day();
    let since_midnight = now.since(today.start());
    if since_midnight < NEIGHBOUR_AFTER {
        today.0.checked_sub(1).map(Day)
    } else if since_midnight >= DAY - NEIGHBOUR_BEFORE {
        today.0.checked_add(1).map(Day)
    } else {
        None
    }
}

/// When a neighbouring day next comes near enough, outside of such a time.
pub(super) fn neighbour_opens(now: Time) -> Time {
    now.day().start() + (DAY - NEIGHBOUR_BEFORE)
}

/// How long until the next renewal.
pub(super) fn refresh_after(random: &mut Random) -> Duration {
    REFRESH_MAX - jitter(random, REFRESH_JITTER)
}

/// A time under `span`.
pub(super) fn jitter(random: &mut Random, span: Duration) -> Duration {
    let milliseconds = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(random.below(milliseconds))
}

/// How long after lookup number `attempt` (from 0) the next one follows: doubled each time, spread by a quarter.
pub(super) fn lookup_after(random: &mut Random, attempt: u8) -> Duration {
    let doubled = LOOKUP_AFTER.saturating_mul(1 << attempt.min(16));
    let span = doubled.min(LOOKUP_AFTER_MAX);
    span - jitter(random, span / 4)
}

/// The sequence that follows `last`: the time, with a random part below a second, because two records of the very same
/// millisecond under two locators would betray one writer.
pub(super) fn next_sequence(random: &mut Random, now: Time, last: u64) -> u64 {
    let second = now.0 - now.0 % 1000;
    let fresh = second.saturating_add(random.below(1000));
    fresh.max(last.saturating_add(1))
}

/// When a record of now ends: on a full minute, so that all written within one end together.
pub(super) fn expires(now: Time) -> Time {
    let end = (now + RECORD_LIFE + Duration::from_secs(60)).0;
    Time(end - end % 60_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: u64 = 60 * 60 * 1000;

    fn at(hours: f64) -> Time {
        let milliseconds = Duration::from_secs_f64(hours * 3600.0);
        Day(20_000).start() + milliseconds
    }

    #[test]
    fn neighbouring_days_are_near_around_midnight_only() {
        assert_eq!(neighbour(at(0.0)), Some(Day(19_999)));
        assert_eq!(neighbour(at(1.99)), Some(Day(19_999)));
        assert_eq!(neighbour(at(2.0)), None);
        assert_eq!(neighbour(at(21.49)), None);
        assert_eq!(neighbour(at(21.5)), Some(Day(20_001)));
        assert_eq!(neighbour(at(23.99)), Some(Day(20_001)));
        assert_eq!(neighbour_opens(at(12.0)), at(21.5));
    }

    #[test]
    fn the_first_and_the_last_day_have_no_neighbour_beyond() {
        assert_eq!(neighbour(Time(0)), None);
        assert_eq!(neighbour(Time(u64::MAX)), None);
        assert!(expires(Time(u64::MAX - 120_000)).0 > 0);
    }

    #[test]
    fn lookups_slow_down_to_a_limit() {
        let mut random = Random::new([1; 32]);
        let mut after = |attempt| lookup_after(&mut random, attempt);
        assert!(after(0) <= LOOKUP_AFTER && after(0) >= LOOKUP_AFTER * 3 / 4);
        assert!(after(3) > LOOKUP_AFTER * 5);
        assert!(after(u8::MAX) <= LOOKUP_AFTER_MAX);
    }

    proptest! {
        #[test]
        fn every_reader_within_the_skew_finds_its_day_published(now in 0..400 * 24 * HOUR, skew in 0..2 * HOUR, ahead: bool) {
            let now = Time(10_000 * 24 * HOUR + now);
            let reader = if ahead { now + Duration::from_millis(skew) } else { now - Duration::from_millis(skew) };
            prop_assert!(reader.day() == now.day() || Some(reader.day()) == neighbour(now));
        }

        #[test]
        fn sequences_rise(now: u64, last in 0..u64::MAX - 1) {
            let mut random = Random::new([1; 32]);
            prop_assert!(next_sequence(&mut random, Time(now), last) > last);
        }
    }
}
