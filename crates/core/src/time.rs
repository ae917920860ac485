//! Time as the machines see it: a number handed in, never a clock read.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use minicbor::{Decode, Encode};

/// A point in time: milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct Time(#[n(0)] pub u64);

/// A day of the Unix calendar, counted from 1970-01-01 UTC; locators change with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Day(#[n(0)] pub u32);

/// How far a peer's clock may be off before what it signed is refused. Two hours cover a
/// device that mistook its time zone's summer time, and little more.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_secs(2 * 60 * 60);

/// One day.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Time {
    /// The day this instant belongs to.
    pub fn day(self) -> Day {
        Day(u32::try_from(self.0 / 86_400_000).unwrap_or(u32::MAX))
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Whether `other` lies within `margin` before or after this instant.
    pub fn is_within(self, other: Time, margin: Duration) -> bool {
        self.since(other).max(other.since(self)) <= margin
    }
}

impl Day {
    /// The first instant of this day.
    pub fn start(self) -> Time {
        Time(u64::from(self.0) * 86_400_000)
    }
}

impl Add<Duration> for Time {
    type Output = Time;
    fn add(self, span: Duration) -> Time {
        Time(
            self.0
                .saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
        )
    }
}

impl Sub<Duration> for Time {
    type Output = Time;
    fn sub(self, span: Duration) -> Time {
        Time(
            self.0
                .saturating_sub(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
        )
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight_utc() {
        let noon = Time(86_400_000 * 20_000 + 43_200_000);
        assert_eq!(noon.day(), Day(20_000));
        assert_eq!(noon.day().start() + Duration::from_secs(43_200), noon);
        assert_eq!(
            (Day(20_000).start() - Duration::from_millis(1)).day(),
            Day(19_999)
        );
    }

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(Time(5) - Duration::from_secs(1), Time(0));
        assert_eq!(Time(u64::MAX) + Duration::from_secs(1), Time(u64::MAX));
        assert_eq!(Time(5).since(Time(9)), Duration::ZERO);
    }
}
