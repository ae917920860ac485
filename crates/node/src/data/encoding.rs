//! The memory that encodings are written to, again and again.
//!
//! A vector clears its bytes before it lets anybody read into them. Where a file is read by the gigabyte into the same few buffers, clearing took a
//! tenth of the reader's time.

use std::io::IoSliceMut;
use std::ops::Range;

/// Bytes that grow at their end into memory that is kept: what lies behind the end was written once, and is not cleared before it is
/// written over.
#[derive(Debug, Default)]
pub struct Encoding {
    bytes: Vec<u8>,
    filled: usize,
}

impl Encoding {
    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.filled
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// How much memory it holds, in bytes.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Has all bytes from the `length`th on be none of its own any more.
    pub fn truncate(&mut self, length: usize) {
        self.filled = self.filled.min(length);
    }

    /// Holds memory for so many more bytes.
    pub fn reserve(&mut self, more: usize) {
        let short = (self.filled + more).saturating_sub(self.bytes.len());
        self.bytes.reserve_exact(short);
    }

    /// Adds bytes.
    pub fn extend(&mut self, more: &[u8]) {
        self.next(more.len()).copy_from_slice(more);
        self.filled += more.len();
    }

    /// Adds a gap of so many bytes: whatever lies there. It is to be filled, or the bytes from it on to be taken back.
    pub(super) fn leave(&mut self, count: usize) -> Range<usize> {
        self.next(count);
        let start = self.filled;
        self.filled += count;
        start..self.filled
    }

    /// The gaps, to be filled; in order, and none in another.
    pub(super) fn gaps(&mut self, gaps: &[Range<usize>]) -> Vec<IoSliceMut<'_>> {
        let (mut rest, mut reached) = (self.as_mut(), 0);
        let gaps = gaps.iter().map(|gap| {
            let (filled, behind) = std::mem::take(&mut rest).split_at_mut(gap.end - reached);
            let inside = &mut filled[gap.start - reached..];
            (rest, reached) = (behind, gap.end);
            IoSliceMut::new(inside)
        });
        gaps.collect()
    }

    fn next(&mut self, count: usize) -> &mut [u8] {
        let end = self.filled + count;
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        &mut self.bytes[self.filled..end]
    }
}

impl AsRef<[u8]> for Encoding {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl AsMut<[u8]> for Encoding {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.filled]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_filled_where_they_were_left() {
        let mut encoding = Encoding::default();
        encoding.extend(b"secret");
        encoding.truncate(0);
        assert_eq!((encoding.as_ref(), encoding.is_empty()), (&b""[..], true));
        encoding.extend(b"a");
        let first = encoding.leave(2);
        let second = encoding.leave(0);
        encoding.extend(b"d");
        let third = encoding.leave(1);
        let mut gaps = encoding.gaps(&[first, second, third]);
        assert_eq!(
            gaps.iter().map(|gap| gap.len()).collect::<Vec<_>>(),
            [2, 0, 1]
        );
        gaps[0].copy_from_slice(b"bc");
        gaps[2].copy_from_slice(b"e");
        assert_eq!((encoding.as_ref(), encoding.len()), (&b"abcde"[..], 5));
    }

    #[test]
    fn memory_is_kept() {
        let mut encoding = Encoding::default();
        encoding.reserve(1000);
        let before = encoding.capacity();
        for _ in 0..10 {
            encoding.extend(&[1; 1000]);
            encoding.truncate(0);
        }
        assert_eq!(encoding.capacity(), before);
    }
}
