//! What is written over in a file, so that it says nothing beside its pictures and its sound.

use std::ops::Range;

use super::super::exif::Traces;

/// What a file says, and what is written over so that it says it no more. Its length stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What it says.
    pub traces: Traces,
    /// Where zeros go: in order, and apart.
    pub(super) zeros: Vec<Range<u64>>,
    /// What else goes where; it lies over the zeros.
    pub(super) written: Vec<(u64, Vec<u8>)>,
}

impl Plan {
    /// Writes over these bytes of the file, which stand `at` this place of it.
    pub fn apply(&self, at: u64, bytes: &mut [u8]) {
        let end = at.saturating_add(bytes.len() as u64);
        let first = self.zeros.partition_point(|zeros| zeros.end <= at);
        let here = self.zeros[first..].iter();
        for zeros in here.take_while(|zeros| zeros.start < end) {
            bytes[within(at, zeros.start.max(at)..zeros.end.min(end))].fill(0);
        }
        for (start, content) in &self.written {
            let both = at.max(*start)..end.min(start + content.len() as u64);
            if both.start < both.end {
                let from = &content[within(*start, both.clone())];
                bytes[within(at, both)].copy_from_slice(from);
            }
        }
    }
}

/// A range of a file, within what of it stands in memory and begins at `start`.
fn within(start: u64, range: Range<u64>) -> Range<usize> {
    let place = |at: u64| usize::try_from(at - start).expect("no longer than what is in memory");
    place(range.start)..place(range.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_however_a_file_is_cut_into_pieces() {
        let plan = Plan {
            zeros: vec![1..3, 5..9],
            written: vec![(6, b"ab".to_vec()), (10, b"c".to_vec())],
            ..Plan::default()
        };
        for piece in 1..=12 {
            let mut file = *b"............";
            for (number, bytes) in file.chunks_mut(piece).enumerate() {
                plan.apply((number * piece) as u64, bytes);
            }
            assert_eq!(&file, b".\0\0..\0ab\0.c.", "{piece}");
        }
    }
}
