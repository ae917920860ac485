//! Where the samples of a track lie: pieces of a film's pictures, sound or something else (ISO 14496-12, sections 8.7.3 to 8.7.5).

use std::ops::Range;

use super::part::{Part, number, only, parts};

/// The most pieces of all tracks: one for each picture of a film of four hours, and as much for its sound.
pub(super) const CHUNKS_MAX: usize = 1 << 20;

/// The lengths of the samples.
struct Sizes<'a> {
    /// That of each, where all are equal,
    all: u64,
    /// else those that are left.
    each: &'a [u8],
    /// How many are left.
    count: u64,
}

impl Sizes<'_> {
    /// The length of the next so many together.
    fn next(&mut self, count: u64) -> Option<u64> {
        self.count = self.count.checked_sub(count)?;
        if self.all != 0 {
            return self.all.checked_mul(count);
        }
        (0..count).try_fold(0, |sum: u64, _| sum.checked_add(number(&mut self.each, 4)?))
    }
}

/// Which samples are in which pieces: so many in each, from some piece on.
struct Runs<'a> {
    rest: &'a [u8],
    /// How many more there are.
    left: u64,
    /// How many samples a piece has now,
    now: u64,
    /// and from which piece on that is another number, and which.
    next: Option<(u64, u64)>,
}

impl<'a> Runs<'a> {
    fn new(mut rest: &'a [u8]) -> Option<Self> {
        number(&mut rest, 4)?;
        let left = number(&mut rest, 4)?;
        let mut runs = Self {
            rest,
            left,
            now: 0,
            next: None,
        };
        runs.read()?;
        Some(runs)
    }

    fn read(&mut self) -> Option<()> {
        self.next = None;
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            let first = number(&mut self.rest, 4)?;
            self.next = Some((first, number(&mut self.rest, 4)?));
            number(&mut self.rest, 4)?;
        }
        Some(())
    }

    /// How many samples there are in this piece, counted from 1; called for each.
    fn of(&mut self, chunk: u64) -> Option<u64> {
        if let Some((first, samples)) = self.next
            && first <= chunk
        {
            // They begin with the first piece, and go on in order.
            if first != chunk {
                return None;
            }
            self.now = samples;
            self.read()?;
        }
        Some(self.now)
    }
}

/// Where the samples of the track lie that has this table. `None` where the tables contradict each other, or say of sound how long it is in a way
/// that was meant otherwise by some (QuickTime counted samples of sound by one byte each, however long they were).
pub(super) fn ranges(bytes: &[u8], stbl: Part, is_sound: bool) -> Option<Vec<Range<u64>>> {
    let tables = parts(bytes, stbl.content())?;
    let content = |kind| only(&tables, kind).map(|part| &bytes[part.content()]);
    let mut each = content(b"stsz")?;
    number(&mut each, 4)?;
    let (all, count) = (number(&mut each, 4)?, number(&mut each, 4)?);
    if is_sound && all == 1 {
        return None;
    }
    let mut sizes = Sizes { all, each, count };
    let mut runs = Runs::new(content(b"stsc")?)?;
    let (mut offsets, offset_bytes) = match (content(b"stco"), content(b"co64")) {
        (Some(offsets), None) => (offsets, 4),
        (None, Some(offsets)) => (offsets, 8),
        _ => return None,
    };
    number(&mut offsets, 4)?;
    let chunks = number(&mut offsets, 4)?;
    if chunks > CHUNKS_MAX as u64 {
        return None;
    }
    let mut found = Vec::new();
    for chunk in 1..=chunks {
        let start = number(&mut offsets, offset_bytes)?;
        let length = sizes.next(runs.of(chunk)?)?;
        found.push(start..start.checked_add(length)?);
    }
    (sizes.count == 0).then_some(found)
}
