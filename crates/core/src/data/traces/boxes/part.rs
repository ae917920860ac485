//! Boxes that lie in memory (ISO 14496-12, section 4.2).

use std::ops::Range;

use super::super::cursor::take;

/// The most boxes of one box: a picture of 100 megapixels has some hundred tiles, and a box for each.
const PARTS_MAX: usize = 65_536;

/// How long the beginning of a box is at most that says its kind and its length.
pub(super) const HEAD_BYTES_MAX: u64 = 16;

/// The beginning of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: [u8; 4],
    /// How long it is itself.
    pub(super) head_bytes: u64,
    /// How long the box is with it.
    pub(super) bytes: u64,
}

impl Head {
    /// Reads it, where so many bytes are left for the whole box.
    pub(super) fn read(mut start: &[u8], left: u64) -> Option<Self> {
        let short = number(&mut start, 4)?;
        let kind = *take(&mut start, 4)?.first_chunk()?;
        let (head_bytes, bytes) = match short {
            0 => (8, left),
            1 => (16, number(&mut start, 8)?),
            bytes => (8, bytes),
        };
        let is_possible = head_bytes <= bytes && bytes <= left;
        is_possible.then_some(Self {
            kind,
            head_bytes,
            bytes,
        })
    }
}

/// Where a box lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) kind: [u8; 4],
    pub(super) start: usize,
    /// Where its content begins.
    pub(super) content: usize,
    pub(super) end: usize,
}

impl Part {
    pub(super) fn content(&self) -> Range<usize> {
        self.content..self.end
    }
}

/// The boxes that lie in `inside` of `bytes`, which hold nothing else. Zeros that are too few for a box may end them, as QuickTime writes.
pub(super) fn parts(bytes: &[u8], inside: Range<usize>) -> Option<Vec<Part>> {
    let (mut found, mut at) = (Vec::new(), inside.start);
    while at < inside.end {
        let rest = bytes.get(at..inside.end)?;
        if rest.len() < 8 && rest.iter().all(|byte| *byte == 0) {
            break;
        }
        let head = Head::read(rest, rest.len() as u64)?;
        // One that goes on to the end is at the end of a file only.
        if rest.starts_with(&[0; 4]) || found.len() == PARTS_MAX {
            return None;
        }
        let end = at + usize::try_from(head.bytes).ok()?;
        found.push(Part {
            kind: head.kind,
            start: at,
            content: at + usize::try_from(head.head_bytes).ok()?,
            end,
        });
        at = end;
    }
    Some(found)
}

/// The one box of this kind among these; `None` where there is none, or another.
pub(super) fn only(parts: &[Part], kind: &[u8; 4]) -> Option<Part> {
    let mut of_kind = parts.iter().filter(|part| part.kind == *kind);
    let first = of_kind.next()?;
    of_kind.next().is_none().then_some(*first)
}

/// A number of so many bytes, eight at most, which is taken off.
pub(super) fn number(rest: &mut &[u8], bytes: usize) -> Option<u64> {
    let taken = take(rest, bytes)?;
    Some(
        taken
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_that_lie_are_refused_at_their_edges() {
        let head = |start: &[u8], left| Head::read(start, left).map(|it| (it.head_bytes, it.bytes));
        assert_eq!(head(b"\0\0\0\x08free", 8), Some((8, 8)));
        assert_eq!(head(b"\0\0\0\x07free", 8), None);
        assert_eq!(head(b"\0\0\0\x09free", 8), None);
        assert_eq!(head(b"\0\0\0\0free", 8), Some((8, 8)));
        assert_eq!(
            head(b"\0\0\0\x01free\0\0\0\0\0\0\0\x10", 16),
            Some((16, 16))
        );
        assert_eq!(head(b"\0\0\0\x01free\0\0\0\0\0\0\0\x0f", 16), None);
        assert_eq!(
            head(b"\0\0\0\x01free\xff\xff\xff\xff\xff\xff\xff\xff", 16),
            None
        );
        assert_eq!(head(b"\0\0\0\x01free\0\0\0", 16), None);
        assert_eq!(head(b"\0\0\0\x08fre", 8), None);
    }

    #[test]
    fn boxes_of_a_box_fill_it_but_for_a_few_zeros() {
        let all = |bytes: &[u8]| parts(bytes, 0..bytes.len()).map(|parts| parts.len());
        assert_eq!(all(b"\0\0\0\x08free\0\0\0\x09skip!"), Some(2));
        assert_eq!(all(b"\0\0\0\x08free\0\0\0\0"), Some(1));
        assert_eq!(all(b"\0\0\0\x08free\0\0\0\x01"), None);
        assert_eq!(all(b"\0\0\0\0free"), None);
        assert_eq!(all(b""), Some(0));
    }
}
