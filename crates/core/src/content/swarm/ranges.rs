//! A set of bytes of the line, kept as the spans that make it up.

use std::collections::BTreeMap;

use super::span::Span;

/// Spans that neither overlap nor touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges {
    /// The end of each by its start.
    ends: BTreeMap<u64, u64>,
}

impl Ranges {
    /// Adds `span`.
    pub fn insert(&mut self, span: Span) {
        if span.bytes() == 0 {
            return;
        }
        let Span { mut start, mut end } = span;
        while let Some((before, until)) = self.ends.range(..=end).next_back() {
            let (before, until) = (*before, *until);
            if until < start {
                break;
            }
            self.ends.remove(&before);
            start = start.min(before);
            end = end.max(until);
        }
        self.ends.insert(start, end);
    }

    /// Takes `span` out.
    pub fn remove(&mut self, span: Span) {
        if span.bytes() == 0 {
            return;
        }
        while let Some((before, until)) = self.ends.range(..span.end).next_back() {
            let (before, until) = (*before, *until);
            if until <= span.start {
                break;
            }
            self.ends.remove(&before);
            if before < span.start {
                self.ends.insert(before, span.start);
            }
            if until > span.end {
                self.ends.insert(span.end, until);
            }
        }
    }

    /// Whether all of `span` is in.
    pub fn covers(&self, span: Span) -> bool {
        span.bytes() == 0
            || self
                .ends
                .range(..=span.start)
                .next_back()
                .is_some_and(|(_, end)| *end >= span.end)
    }

    /// What of `span` is in, ascending.
    pub fn within(&self, span: Span) -> impl Iterator<Item = Span> {
        let before = self.ends.range(..span.start).next_back();
        before
            .into_iter()
            .chain(self.ends.range(span.start..span.end.max(span.start)))
            .map(move |(start, end)| {
                span.overlap(Span {
                    start: *start,
                    end: *end,
                })
            })
            .filter(|part| part.bytes() > 0)
    }

    /// Whether nothing is in.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All of them, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Span> {
        self.ends.iter().map(|(start, end)| Span {
            start: *start,
            end: *end,
        })
    }

    /// How many bytes are in.
    pub fn bytes(&self) -> u64 {
        self.iter().map(|span| span.bytes()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn neighbours_become_one() {
        let mut ranges = Ranges::default();
        for (start, end) in [(0, 5), (10, 15), (5, 10)] {
            ranges.insert(Span { start, end });
        }
        assert_eq!(ranges.iter().count(), 1);
        ranges.remove(Span { start: 3, end: 4 });
        assert!(ranges.covers(Span { start: 4, end: 15 }));
        assert!(!ranges.covers(Span { start: 3, end: 15 }));
        assert_eq!(ranges.bytes(), 14);
    }

    proptest! {
        #[test]
        fn it_is_the_set_that_it_says(
            steps in proptest::collection::vec((any::<bool>(), 0u64..40, 0u64..40), 0..40),
            start in 0u64..40,
            end in 0u64..40,
        ) {
            let (mut ranges, mut model) = (Ranges::default(), [false; 40]);
            for (is_insert, start, end) in steps {
                let span = Span { start, end };
                if is_insert { ranges.insert(span) } else { ranges.remove(span) }
                for place in start..end {
                    model[place as usize] = is_insert;
                }
            }
            let span = Span { start, end };
            let told: Vec<u64> = ranges.within(span).flat_map(|it| it.start..it.end).collect();
            let real: Vec<u64> = (start..end).filter(|place| model[*place as usize]).collect();
            prop_assert_eq!(ranges.covers(span), real.len() as u64 == span.bytes());
            prop_assert_eq!(told, real);
            prop_assert_eq!(ranges.bytes(), model.iter().filter(|it| **it).count() as u64);
        }
    }
}
