//! The linear space of a snapshot, and how it is cut into chunks.
//!
//! A snapshot is a tree under one root hash. Its files, laid end to end in the order of its manifest, are one line of bytes; the totals in
//! the manifest say where each file begins without a walk over those before it. All who know the root agree on the line, so that a place on
//! it needs no hash, and many small files lie in one stretch that is asked for at once (as the pieces of BEP 3 span files).
//!
//! Files are verified in groups of 16 KiB that begin with the file. A group belongs to the chunk *in which it begins*: chunks share no
//! group, miss none, and differ from their nominal size by less than one.

use std::ops::Range;

use minicbor::{Decode, Encode};

use crate::content::wire::GROUP_BYTES;

/// The smallest chunk, in bytes: 50 of them a second fill a line of 100 Mbit/s, 64 files of 4 KiB lie in one, and what is lost with a
/// source that fails in the middle of one is little.
pub const CHUNK_BYTES_MIN: u64 = 256 * 1024;

/// The most chunks of a snapshot. What somebody holds is told in 16 KiB, and a picture of it for a hundred sources takes 1.6 MiB. From 32
/// GiB on, chunks are larger instead.
pub const CHUNKS_MAX: u32 = 1 << 17;

/// A stretch of the line, in bytes: the groups that begin in `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Span {
    /// The first byte.
    #[n(0)]
    pub start: u64,
    /// The byte after the last.
    #[n(1)]
    pub end: u64,
}

impl Span {
    /// How long it is, in bytes; 0 when it is turned around.
    pub fn bytes(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// What both have in common; empty (and perhaps turned around) when nothing.
    #[must_use]
    pub fn overlap(&self, other: Self) -> Self {
        Self {
            start: self.start.max(other.start),
            end: self.end.min(other.end),
        }
    }
}

/// How a line of so many bytes is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiling {
    size: u64,
    chunk_bytes: u64,
}

impl Tiling {
    /// Cuts `size` bytes into at most [`CHUNKS_MAX`] chunks: the smallest power of two from [`CHUNK_BYTES_MIN`] on that does it.
    pub fn new(size: u64) -> Self {
        let mut chunk_bytes = CHUNK_BYTES_MIN;
        while size.div_ceil(chunk_bytes) > u64::from(CHUNKS_MAX) {
            chunk_bytes *= 2;
        }
        Self { size, chunk_bytes }
    }

    /// The length of the line, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The nominal size of a chunk, in bytes.
    pub fn chunk_bytes(&self) -> u64 {
        self.chunk_bytes
    }

    /// How many chunks there are.
    pub fn count(&self) -> u32 {
        u32::try_from(self.size.div_ceil(self.chunk_bytes)).expect("at most CHUNKS_MAX")
    }

    /// Where a chunk lies. Beyond the last one, an empty span at the end.
    pub fn span(&self, chunk: u32) -> Span {
        let start = u64::from(chunk).saturating_mul(self.chunk_bytes);
        let end = start.saturating_add(self.chunk_bytes);
        Span {
            start: start.min(self.size),
            end: end.min(self.size),
        }
    }

    /// All of the line.
    pub fn all(&self) -> Span {
        Span {
            start: 0,
            end: self.size,
        }
    }

    /// The chunks that `span` touches.
    pub fn touched(&self, span: Span) -> Range<u32> {
        let span = span.overlap(Span {
            start: 0,
            end: self.size,
        });
        if span.bytes() == 0 {
            return 0..0;
        }
        let chunk =
            |place: u64| u32::try_from(place / self.chunk_bytes).expect("at most CHUNKS_MAX");
        chunk(span.start)..chunk(span.end - 1) + 1
    }

    /// Whether a request may name this span: not empty, on the line, within one chunk.
    pub fn is_request(&self, span: Span) -> bool {
        span.start < span.end
            && span.end <= self.size
            && span.start / self.chunk_bytes == (span.end - 1) / self.chunk_bytes
    }
}

/// The part of a file that belongs to `span`, in bytes of the file: whole groups, or up to its end. The file begins at `position` on the
/// line and is `size` bytes long.
pub fn groups_within(position: u64, size: u64, span: Span) -> Range<u64> {
    let first_group = |place: u64| {
        let inside = place.saturating_sub(position).min(size);
        inside
            .checked_next_multiple_of(GROUP_BYTES)
            .unwrap_or(size)
            .min(size)
    };
    let start = first_group(span.start);
    start..first_group(span.end).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_has_as_few_chunks_as_allowed() {
        for (size, chunk_bytes, count) in [
            (0, 256 << 10, 0),
            (1, 256 << 10, 1),
            (20 << 30, 256 << 10, 81_920),
            (32 << 30, 256 << 10, CHUNKS_MAX),
            ((32 << 30) + 1, 512 << 10, 65_537),
            (u64::MAX, 1 << 47, CHUNKS_MAX),
        ] {
            let tiling = Tiling::new(size);
            assert_eq!((tiling.chunk_bytes(), tiling.count()), (chunk_bytes, count));
        }
    }

    #[test]
    fn requests_stay_within_one_chunk() {
        let tiling = Tiling::new(3 * CHUNK_BYTES_MIN - 5);
        let last = tiling.span(2);
        assert_eq!(last.end, tiling.size());
        assert!(tiling.is_request(last));
        for (start, end) in [
            (0, CHUNK_BYTES_MIN + 1),
            (5, 5),
            (9, 5),
            (last.start, last.end + 1),
            (u64::MAX, 0),
        ] {
            assert!(!tiling.is_request(Span { start, end }), "{start} {end}");
        }
        assert_eq!(
            tiling.touched(Span {
                start: 7,
                end: u64::MAX
            }),
            0..3
        );
        assert_eq!(tiling.touched(Span { start: 9, end: 9 }), 0..0);
        assert_eq!(tiling.span(3).bytes(), 0);
    }

    #[test]
    fn many_small_files_lie_in_one_chunk_and_a_group_where_it_begins() {
        let chunk = Span {
            start: 0,
            end: CHUNK_BYTES_MIN,
        };
        let next = Span {
            start: CHUNK_BYTES_MIN,
            end: 2 * CHUNK_BYTES_MIN,
        };
        assert_eq!(groups_within(4096 * 63, 4096, chunk), 0..4096);
        assert_eq!(groups_within(4096 * 64, 4096, chunk), 0..0);
        assert_eq!(groups_within(CHUNK_BYTES_MIN - 1, 4096, chunk), 0..4096);
        assert_eq!(groups_within(CHUNK_BYTES_MIN - 1, 4096, next), 4096..4096);
        assert_eq!(
            groups_within(CHUNK_BYTES_MIN - 1, 20_000, next),
            16_384..20_000
        );
    }

    proptest! {
        #[test]
        fn every_group_of_a_file_belongs_to_exactly_one_chunk(
            position in 0u64..3 * CHUNK_BYTES_MIN,
            size in 0u64..5 * CHUNK_BYTES_MIN,
        ) {
            let tiling = Tiling::new(position + size);
            let mut reached = 0;
            for chunk in 0..tiling.count() {
                let part = groups_within(position, size, tiling.span(chunk));
                if !part.is_empty() {
                    prop_assert_eq!(part.start, reached);
                    reached = part.end;
                }
            }
            prop_assert_eq!(reached, size);
        }
    }
}
