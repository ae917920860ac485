//! What lies among the pictures and the sound of a file, and is no part of them.

use std::ops::Range;

/// Where the parts of a file lie, by its tables.
#[derive(Debug, Default)]
pub(super) struct Lying {
    /// Those of pictures and sound, which stay,
    pub(super) kept: Vec<Range<u64>>,
    /// and others.
    pub(super) removed: Vec<Range<u64>>,
}

impl Lying {
    /// What of `media`, which is in order, is in nothing that stays. `None` where a part lies elsewhere, or one that does not stay lies in another:
    /// then it is not known what it is.
    pub(super) fn gaps(self, media: &[Range<u64>]) -> Option<Vec<Range<u64>>> {
        let Self {
            mut kept,
            mut removed,
        } = self;
        kept.retain(|range| !range.is_empty());
        removed.retain(|range| !range.is_empty());
        let is_in_one = |range: &Range<u64>| {
            let next = media.partition_point(|one| one.end < range.end);
            media.get(next).is_some_and(|one| one.start <= range.start)
        };
        if !kept.iter().chain(&removed).all(is_in_one) {
            return None;
        }
        kept.sort_unstable_by_key(|range| range.start);
        kept.dedup_by(|next, before| {
            let is_one = next.start <= before.end;
            if is_one {
                before.end = before.end.max(next.end);
            }
            is_one
        });
        let is_in_kept = |range: &Range<u64>| {
            let next = kept.partition_point(|one| one.end <= range.start);
            kept.get(next).is_some_and(|one| one.start < range.end)
        };
        removed.sort_unstable_by_key(|range| range.start);
        let mut pairs = removed.windows(2);
        if removed.iter().any(is_in_kept) || pairs.any(|pair| pair[1].start < pair[0].end) {
            return None;
        }
        let (mut gaps, mut kept) = (Vec::new(), kept.into_iter().peekable());
        for one in media {
            let mut at = one.start;
            while let Some(range) = kept.next_if(|range| range.end <= one.end) {
                gaps.push(at..range.start);
                at = range.end;
            }
            gaps.push(at..one.end);
        }
        gaps.retain(|gap| !gap.is_empty());
        Some(gaps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where each begins and ends.
    type Ends = (u64, u64);

    fn gaps(kept: &[Ends], removed: &[Ends]) -> Option<Vec<Ends>> {
        let ranges = |all: &[Ends]| all.iter().map(|(start, end)| *start..*end).collect();
        let (kept, removed) = (ranges(kept), ranges(removed));
        let gaps = Lying { kept, removed }.gaps(&[10..20, 30..40])?;
        Some(gaps.into_iter().map(|gap| (gap.start, gap.end)).collect())
    }

    #[test]
    fn what_is_in_none_that_stays_is_between_them() {
        let all = gaps(
            &[(35, 36), (12, 14), (13, 15), (15, 16), (30, 31)],
            &[(16, 18), (10, 12)],
        );
        assert_eq!(all, Some(vec![(10, 12), (16, 20), (31, 35), (36, 40)]));
        assert_eq!(gaps(&[], &[]), Some(vec![(10, 20), (30, 40)]));
        assert_eq!(gaps(&[(10, 20), (30, 40)], &[]), Some(vec![]));
    }

    #[test]
    fn what_lies_elsewhere_or_in_another_is_not_known() {
        assert_eq!(gaps(&[(9, 11)], &[]), None);
        assert_eq!(gaps(&[(15, 35)], &[]), None);
        assert_eq!(gaps(&[], &[(39, 41)]), None);
        assert_eq!(gaps(&[(12, 14)], &[(13, 14)]), None);
        assert_eq!(gaps(&[(12, 14)], &[(11, 13)]), None);
        assert_eq!(gaps(&[], &[(11, 13), (12, 14)]), None);
        assert!(gaps(&[(12, 14)], &[(14, 15)]).is_some());
        assert!(gaps(&[(0, 0)], &[(50, 50)]).is_some());
    }
}
