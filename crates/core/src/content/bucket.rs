//! A token bucket: so many bytes a second, with room for a burst.
//!
//! What is taken may exceed what is left: the bucket is then in debt, and gives again when the debt is earned. So a chunk larger than a
//! burst passes, and the rate holds over any longer time.

use std::time::Duration;

use crate::time::Time;

/// Tokens are counted in thousandths of a byte, so that a rate of one byte a second earns in each millisecond.
const PARTS: u64 = 1000;

/// How much of its rate a bucket saves up: a second evens out a burst and is not felt.
const BURST: Duration = Duration::from_secs(1);

/// A bucket, or none where there is no limit.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// Bytes a second; `None` is no limit.
    rate: Option<u64>,
    /// Parts of bytes left; negative is a debt.
    left: i64,
    at: Time,
}

impl Bucket {
    /// A full one of `rate` bytes a second; `None` never runs out.
    pub fn new(rate: Option<u64>, now: Time) -> Self {
        let mut bucket = Self {
            rate: None,
            left: 0,
            at: now,
        };
        bucket.set_rate(rate, now);
        bucket.left = bucket.left_max();
        bucket
    }

    /// Changes the rate; what was saved up, or is owed, stays within the new bounds.
    pub fn set_rate(&mut self, rate: Option<u64>, now: Time) {
        self.earn(now);
        // A rate of nothing would owe for ever; whoever wants no traffic pauses.
        self.rate = rate.map(|rate| rate.max(1));
        self.left = self.left.min(self.left_max());
    }

    /// Whether something may pass now.
    pub fn is_open(&mut self, now: Time) -> bool {
        self.earn(now);
        self.rate.is_none() || self.left > 0
    }

    /// Lets `bytes` pass.
    pub fn take(&mut self, bytes: u64) {
        if self.rate.is_some() {
            self.left = self.left.saturating_sub(parts(bytes));
        }
    }

    /// When it is open next; `None` when it is.
    pub fn opens_at(&self) -> Option<Time> {
        let rate = self.rate?;
        if self.left > 0 {
            return None;
        }
        // One part more than the debt; a rate of so many bytes a second earns as many parts a millisecond.
        let wait = (self.left.unsigned_abs() + 1).div_ceil(rate);
        Some(self.at + Duration::from_millis(wait))
    }

    fn earn(&mut self, now: Time) {
        let elapsed = u64::try_from(now.since(self.at).as_millis()).unwrap_or(u64::MAX);
        let earned = elapsed.saturating_mul(self.rate.unwrap_or(0));
        self.left = self
            .left
            .saturating_add(i64::try_from(earned).unwrap_or(i64::MAX))
            .min(self.left_max());
        self.at = self.at.max(now);
    }

    fn left_max(&self) -> i64 {
        parts(self.rate.unwrap_or(0).saturating_mul(BURST.as_secs()))
    }
}

fn parts(bytes: u64) -> i64 {
    i64::try_from(bytes.saturating_mul(PARTS)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_holds_over_time() {
        let mut bucket = Bucket::new(Some(1000), Time(0));
        let mut passed = 0;
        let mut now = Time(0);
        while now < Time(60_000) {
            if bucket.is_open(now) {
                bucket.take(7_000);
                passed += 7_000;
            }
            now = bucket.opens_at().unwrap_or(now + Duration::from_millis(1));
        }
        assert!((60_000..=68_000).contains(&passed), "{passed}");
    }

    #[test]
    fn it_opens_when_it_says_and_not_before() {
        let mut bucket = Bucket::new(Some(500), Time(0));
        bucket.take(1500);
        let opens = bucket.opens_at().expect("in debt");
        assert!(!bucket.is_open(opens - Duration::from_millis(1)));
        assert!(bucket.is_open(opens));
        assert_eq!(bucket.opens_at(), None);
    }

    #[test]
    fn no_limit_never_closes_and_no_rate_overflows() {
        let mut open = Bucket::new(None, Time(0));
        open.take(u64::MAX);
        assert!(open.is_open(Time(0)));
        let mut fast = Bucket::new(Some(u64::MAX), Time(0));
        fast.take(u64::MAX);
        assert!(fast.is_open(Time(u64::MAX)));
        fast.set_rate(Some(0), Time(u64::MAX));
        fast.take(u64::MAX);
        assert!(fast.opens_at().is_some());
    }
}
