//! How fast a device gives, and how far ahead to ask it.

use std::time::Duration;

use super::output::{Path, PathKind};
use crate::content::swarm::config::{AHEAD, DEPTH_BYTES_MAX, STALL_AFTER_MAX, STALL_AFTER_MIN};
use crate::time::Time;

/// Bytes are counted for so long before they say something of a rate.
const SAMPLE_FOR: Duration = Duration::from_millis(250);

/// A sample weighs one part in so many.
const WEIGHT: u64 = 4;

/// Bytes a second that are assumed of a path until measured: what is common, and too little rather than too much.
const fn assumed(kind: PathKind) -> u64 {
    match kind {
        PathKind::Lan => 20_000_000,
        PathKind::Direct => 2_000_000,
        PathKind::Relay => 500_000,
    }
}

/// The speed of one device.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    path: Path,
    /// Bytes a second; `None` until measured.
    measured: Option<u64>,
    /// What came since.
    bytes: u64,
    since: Time,
}

impl Pace {
    /// Of a path on which nothing has come yet.
    pub(super) fn new(path: Path, now: Time) -> Self {
        Self {
            path,
            measured: None,
            bytes: 0,
            since: now,
        }
    }

    /// The path is another.
    pub(super) fn set_path(&mut self, path: Path) {
        if path.kind != self.path.kind {
            self.measured = None;
        }
        self.path = path;
    }

    /// The kind of path.
    pub(super) fn kind(&self) -> PathKind {
        self.path.kind
    }

    /// Something is asked for after a time when nothing was.
    pub(super) fn begin(&mut self, now: Time) {
        self.since = now;
        self.bytes = 0;
    }

    /// Bytes came.
    pub(super) fn handle_bytes(&mut self, now: Time, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
        let elapsed = now.since(self.since);
        if elapsed < SAMPLE_FOR {
            return;
        }
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let sample = self.bytes.saturating_mul(1000) / elapsed_ms;
        self.measured = Some(match self.measured {
            None => sample,
            Some(before) => before - before / WEIGHT + sample / WEIGHT,
        });
        self.begin(now);
    }

    /// Whether something has come by it.
    pub(super) fn is_measured(&self) -> bool {
        self.measured.is_some()
    }

    /// Bytes a second, measured or assumed.
    pub(super) fn rate(&self) -> u64 {
        self.measured
            .unwrap_or_else(|| assumed(self.path.kind))
            .max(1)
    }

    /// How long so many bytes will take.
    pub(super) fn time_for(&self, bytes: u64) -> Duration {
        self.path.rtt + Duration::from_millis(bytes.saturating_mul(1000) / self.rate())
    }

    /// How many bytes to have asked for: twice the product of bandwidth and delay, so that the measured rate can grow, but
    /// at least two chunks, so that one is always on its way.
    pub(super) fn depth(&self, chunk_bytes: u64) -> u64 {
        let ahead_ms = u64::try_from((self.path.rtt + AHEAD).as_millis()).unwrap_or(u64::MAX);
        let product = self.rate().saturating_mul(ahead_ms) / 1000;
        (product.saturating_mul(2))
            .min(DEPTH_BYTES_MAX)
            .max(2 * chunk_bytes)
    }

    /// How long to wait for any progress.
    pub(super) fn patience(&self, chunk_bytes: u64) -> Duration {
        (self.time_for(chunk_bytes) * 4).clamp(STALL_AFTER_MIN, STALL_AFTER_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn direct(rtt: u32) -> Path {
        Path {
            kind: PathKind::Direct,
            rtt: MS * rtt,
        }
    }

    #[test]
    fn depth_follows_the_measured_rate_and_is_bounded() {
        let mut pace = Pace::new(direct(100), Time(0));
        for second in 1..20 {
            pace.handle_bytes(Time(second * 1000), 10_000_000);
        }
        assert_eq!(pace.rate(), 10_000_000);
        assert_eq!(pace.depth(1 << 18), 4_000_000);
        for second in 20..60 {
            pace.handle_bytes(Time(second * 1000), u64::MAX / 1000);
        }
        assert_eq!(pace.depth(1 << 18), DEPTH_BYTES_MAX);
        for second in 60..200 {
            pace.handle_bytes(Time(second * 1000), 10);
        }
        assert_eq!(pace.depth(1 << 18), 2 << 18);
    }

    #[test]
    fn time_without_requests_is_not_slowness() {
        let mut pace = Pace::new(direct(10), Time(0));
        pace.handle_bytes(Time(1000), 5_000_000);
        pace.begin(Time(900_000));
        pace.handle_bytes(Time(901_000), 5_000_000);
        assert_eq!(pace.rate(), 5_000_000);
    }

    #[test]
    fn patience_is_by_the_own_rate() {
        let mut pace = Pace::new(direct(10), Time(0));
        assert_eq!(pace.patience(1 << 18), STALL_AFTER_MIN);
        pace.handle_bytes(Time(1000), 100_000);
        let patience = pace.patience(1 << 18);
        assert!(patience > STALL_AFTER_MIN && patience < STALL_AFTER_MAX);
        pace.handle_bytes(Time(500_000), 1);
        assert_eq!(
            Pace::new(direct(60_000), Time(0)).patience(1),
            STALL_AFTER_MAX
        );
    }
}
