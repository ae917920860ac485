//! What somebody holds for good of a snapshot who fetched some of its files.
//!
//! Files begin and end where they do, and chunks elsewhere: of the chunks at both ends of a file that was fetched alone a part is here. Without
//! these no picture that was chosen among others could be passed on whole.

use super::holdings::Holdings;
use super::ranges::Ranges;
use super::span::Tiling;

/// A part of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The chunks that are whole.
    pub chunks: Holdings,
    /// What is here of the others.
    pub edges: Ranges,
}

impl Part {
    /// These bytes of a snapshot of `size` bytes.
    pub fn of(size: u64, held: &Ranges) -> Self {
        let tiling = Tiling::new(size);
        let (mut chunks, mut edges) = (Holdings::none(tiling.count()), Ranges::default());
        for span in held.iter().map(|span| span.overlap(tiling.all())) {
            let touched = tiling.touched(span);
            let ends = [touched.start, touched.end.saturating_sub(1)];
            for chunk in ends.into_iter().filter(|chunk| touched.contains(chunk)) {
                let whole = tiling.span(chunk);
                if whole.overlap(span) == whole {
                    chunks.insert(chunk);
                } else {
                    edges.insert(whole.overlap(span));
                }
            }
            // All between its ends are whole.
            chunks.insert_run(touched.start.saturating_add(1)..ends[1]);
        }
        Self { chunks, edges }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::swarm::span::{CHUNK_BYTES_MIN as CHUNK, Span};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_part_is_what_is_held_and_no_more(
            size in 0..6 * CHUNK,
            spans in proptest::collection::vec((0..6 * CHUNK, 0..3 * CHUNK), 0..5),
        ) {
            let mut held = Ranges::default();
            for (start, length) in spans {
                let end = (start + length).min(size);
                held.insert(Span { start: start.min(end), end });
            }
            let part = Part::of(size, &held);
            let tiling = Tiling::new(size);
            let whole = part.chunks.iter().map(|chunk| tiling.span(chunk).bytes());
            prop_assert_eq!(whole.sum::<u64>() + part.edges.bytes(), held.bytes());
            for chunk in 0..tiling.count() {
                let whole = tiling.span(chunk);
                prop_assert_eq!(part.chunks.contains(chunk), held.covers(whole));
            }
            for edge in part.edges.iter() {
                prop_assert!(held.covers(edge));
            }
        }
    }

    #[test]
    fn a_file_in_the_middle_has_an_edge_at_each_end() {
        let mut held = Ranges::default();
        held.insert(Span {
            start: CHUNK - 10,
            end: 3 * CHUNK + 10,
        });
        let part = Part::of(5 * CHUNK, &held);
        assert_eq!(part.chunks.iter().collect::<Vec<_>>(), [1, 2]);
        let edges: Vec<(u64, u64)> = part.edges.iter().map(|it| (it.start, it.end)).collect();
        assert_eq!(edges, [(CHUNK - 10, CHUNK), (3 * CHUNK, 3 * CHUNK + 10)]);
    }
}
