//! Which parts of a transfer's line came from whom, for people who look at it. Nothing is decided by it.
//!
//! The line is cut into [`PARTS`] parts of equal length, whatever its size: a picture of it costs as much for a film as for a letter.

use std::collections::BTreeMap;
use std::time::Duration;

use super::output::{PathKind, SourceId, Who};
use crate::content::swarm::config::SOURCES_MAX;
use crate::content::swarm::span::Span;
use crate::time::Time;

/// Into how many parts the line is cut: on a phone's screen each is some three pixels wide.
pub const PARTS: usize = 128;

/// How many who gave something are remembered of one transfer: as many as are asked at once. Further ones take the place of who gave
/// least and gives no more.
pub const GIVERS_MAX: usize = SOURCES_MAX;

/// Over how long a rate is taken: it does not jump, and tells what is.
const RATE_OVER: Duration = Duration::from_secs(1);

/// Somebody who gives, or gave, something of a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Giver {
    /// Who.
    pub who: Who,
    /// The stream that leads to them, and by which kind of path, while one does.
    pub stream: Option<(SourceId, PathKind)>,
    /// Bytes of files that they gave and that were not here.
    pub bytes: u64,
    /// Bytes a second, lately.
    pub rate: u64,
    /// How much of each part came from them, in per cent; 1 at least where anything did.
    pub gave: [u8; PARTS],
    /// How much of each part they are asked for now, in per cent, alike.
    pub asked: [u8; PARTS],
}

/// What came from whom, of one transfer.
#[derive(Clone, Debug)]
pub(super) struct Gives {
    pub(super) line: Line,
    pub(super) by: BTreeMap<Who, Tally>,
}

/// What came from one.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) bytes: u64,
    pub(super) parts: [u64; PARTS],
    rate: u64,
    /// Bytes since then.
    lately: u64,
    since: Time,
}

/// How a line of so many bytes is cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line(u64);

impl Gives {
    /// Nothing came yet of a line of so many bytes.
    pub(super) fn new(size: u64) -> Self {
        Self {
            line: Line(size),
            by: BTreeMap::new(),
        }
    }

    /// This came, and was not here. `serves` tells who still gives.
    pub(super) fn add(&mut self, now: Time, who: Who, span: Span, serves: impl Fn(Who) -> bool) {
        if !self.by.contains_key(&who) && self.by.len() >= GIVERS_MAX {
            let gone = self.by.iter().filter(|(who, _)| !serves(**who));
            let least = gone.min_by_key(|(_, tally)| tally.bytes);
            let Some(least) = least.map(|(who, _)| *who) else {
                return;
            };
            self.by.remove(&least);
        }
        let tally = self.by.entry(who).or_insert_with(|| Tally {
            bytes: 0,
            parts: [0; PARTS],
            rate: 0,
            lately: 0,
            since: now,
        });
        self.line.add(&mut tally.parts, span);
        tally.bytes = tally.bytes.saturating_add(span.bytes());
        tally.lately = tally.lately.saturating_add(span.bytes());
        if now.since(tally.since) >= RATE_OVER {
            tally.rate = tally.rate_at(now);
            (tally.lately, tally.since) = (0, now);
        }
    }
}

impl Tally {
    /// Bytes a second: as last taken, until that is too long ago.
    pub(super) fn rate_at(&self, now: Time) -> u64 {
        let elapsed = now.since(self.since);
        if elapsed < RATE_OVER {
            return self.rate;
        }
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        self.lately.saturating_mul(1000) / elapsed_ms.max(1)
    }
}

impl Line {
    /// Where a part begins.
    fn start(self, part: usize) -> u64 {
        let place = u128::from(self.0) * part as u128 / PARTS as u128;
        u64::try_from(place).unwrap_or(self.0)
    }

    /// The part in which a place lies: the last that begins at it or before.
    fn part(self, place: u64) -> usize {
        let part = (u128::from(place) + 1) * PARTS as u128;
        let part = part.div_ceil(u128::from(self.0.max(1))).saturating_sub(1);
        usize::try_from(part).unwrap_or(PARTS).min(PARTS - 1)
    }

    pub(super) fn add(self, parts: &mut [u64; PARTS], span: Span) {
        let span = span.overlap(Span {
            start: 0,
            end: self.0,
        });
        if span.bytes() == 0 {
            return;
        }
        for part in self.part(span.start)..=self.part(span.end - 1) {
            let own = Span {
                start: self.start(part),
                end: self.start(part + 1),
            };
            parts[part] = parts[part].saturating_add(own.overlap(span).bytes());
        }
    }

    /// The same in per cent of each part.
    pub(super) fn shares(self, parts: &[u64; PARTS]) -> [u8; PARTS] {
        let mut shares = [0; PARTS];
        for (part, share) in shares.iter_mut().enumerate() {
            let length = self.start(part + 1) - self.start(part);
            if length > 0 {
                let hundredths = (u128::from(parts[part]) * 100).div_ceil(u128::from(length));
                *share = u8::try_from(hundredths.min(100)).expect("at most 100");
            }
        }
        shares
    }
}

impl Giver {
    pub(super) fn nothing(who: Who) -> Self {
        Self {
            who,
            stream: None,
            bytes: 0,
            rate: 0,
            gave: [0; PARTS],
            asked: [0; PARTS],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::DeviceKey;
    use proptest::prelude::*;

    const NOW: Time = Time(1_000_000);

    fn who(number: u64) -> Who {
        let mut device = [0; 32];
        device[..8].copy_from_slice(&number.to_be_bytes());
        Who {
            device: DeviceKey(device),
            peer: None,
        }
    }

    fn span(start: u64, end: u64) -> Span {
        Span { start, end }
    }

    #[test]
    fn a_part_tells_how_much_of_it_came() {
        let line = Line(12_800);
        let mut parts = [0; PARTS];
        line.add(&mut parts, span(0, 150));
        line.add(&mut parts, span(12_799, u64::MAX));
        let shares = line.shares(&parts);
        assert_eq!(shares[..3], [100, 50, 0]);
        assert_eq!(shares[PARTS - 1], 1, "a byte shows");
    }

    #[test]
    fn a_line_shorter_than_its_parts_is_told_whole() {
        for size in [0, 1, 3, 127, 129] {
            let line = Line(size);
            let mut parts = [0; PARTS];
            line.add(&mut parts, span(0, size));
            assert_eq!(parts.iter().sum::<u64>(), size);
        }
    }

    #[test]
    fn the_rate_is_that_of_the_last_second_and_ends() {
        let mut gives = Gives::new(1 << 20);
        for step in 0..=10 {
            let now = NOW + Duration::from_millis(step * 200);
            gives.add(now, who(1), span(step * 100, step * 100 + 100), |_| true);
        }
        let tally = &gives.by[&who(1)];
        let at = NOW + Duration::from_secs(2);
        assert_eq!(tally.rate_at(at), 500);
        assert_eq!(tally.rate_at(at + Duration::from_secs(3)), 0);
    }

    #[test]
    fn as_many_are_remembered_as_there_is_room_for_and_nobody_who_gives_goes() {
        let mut gives = Gives::new(1 << 20);
        let most = GIVERS_MAX as u64;
        for number in 0..most {
            gives.add(NOW, who(number), span(0, 10 + number), |_| true);
        }
        gives.add(NOW, who(most), span(0, 1), |_| true);
        assert!(!gives.by.contains_key(&who(most)), "all others give");
        gives.add(NOW, who(most), span(0, 1), |it| it == who(0));
        assert!(gives.by.contains_key(&who(most)));
        assert!(gives.by.contains_key(&who(0)) && !gives.by.contains_key(&who(1)));
        assert_eq!(gives.by.len(), GIVERS_MAX);
    }

    proptest! {
        #[test]
        fn parts_hold_every_byte_once(size in 1_u64.., spans in proptest::collection::vec((0_u64.., 0_u64..), 1..8)) {
            let line = Line(size);
            for (start, length) in spans {
                let start = start % size;
                let end = start.saturating_add(length).min(size);
                let mut parts = [0; PARTS];
                line.add(&mut parts, span(start, end));
                prop_assert_eq!(parts.iter().sum::<u64>(), end - start);
                prop_assert!(line.shares(&parts).iter().all(|share| *share <= 100));
            }
        }
    }
}
