//! Which chunk to ask for next: the rarest of the most wanted.
//!
//! *Rarest first* keeps every chunk about equally common, so that everybody has something to give and the last chunk does not leave with
//! its only holder (BEP 3; Legout, Urvoy-Keller, Michiardi, *Rarest First and Choke Algorithms Are Enough*, IMC 2006). Among equally rare
//! ones the choice is random, or all would ask for the same. The first few are random altogether.
//!
//! Open chunks (wanted, not asked for) stand in a bucket for each priority and number of copies, as bits. A pick is an intersection of bits
//! with what the source holds, so it costs a word for each 64 chunks at worst, and a new copy moves one bit. Sources that hold everything
//! make no chunk rarer than another and are not counted chunk by chunk.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::output::Priority;
use crate::content::swarm::holdings::Holdings;
use crate::random::Random;

/// In which order buckets are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    priority: Reverse<Priority>,
    copies: u16,
}

/// The open chunks of one transfer.
#[derive(Clone, Debug)]
pub(super) struct Picker {
    ranks: Vec<Rank>,
    buckets: BTreeMap<Rank, Holdings>,
    /// How many sources hold everything.
    complete: u32,
}

impl Picker {
    /// Of so many chunks, none of them open.
    pub(super) fn new(chunks: u32) -> Self {
        let rank = Rank {
            priority: Reverse(Priority::default()),
            copies: 0,
        };
        Self {
            ranks: vec![rank; chunks as usize],
            buckets: BTreeMap::new(),
            complete: 0,
        }
    }

    /// Whether this chunk waits to be asked for.
    pub(super) fn is_open(&self, chunk: u32) -> bool {
        self.ranks
            .get(chunk as usize)
            .and_then(|rank| self.buckets.get(rank))
            .is_some_and(|bucket| bucket.contains(chunk))
    }

    /// Whether none does that some source holds.
    pub(super) fn is_exhausted(&self) -> bool {
        match self.complete {
            0 => self.buckets.keys().all(|rank| rank.copies == 0),
            _ => self.buckets.is_empty(),
        }
    }

    /// One source more holds everything.
    pub(super) fn add_complete(&mut self) {
        self.complete += 1;
    }

    /// One fewer does.
    pub(super) fn remove_complete(&mut self) {
        self.complete = self.complete.saturating_sub(1);
    }

    /// It waits to be asked for.
    pub(super) fn open(&mut self, chunk: u32) {
        let chunks = u32::try_from(self.ranks.len()).expect("made of a u32");
        if let Some(rank) = self.ranks.get(chunk as usize) {
            self.buckets
                .entry(*rank)
                .or_insert_with(|| Holdings::none(chunks))
                .insert(chunk);
        }
    }

    /// It does not, because it was asked for or is not wanted.
    pub(super) fn close(&mut self, chunk: u32) {
        let Some(rank) = self.ranks.get(chunk as usize) else {
            return;
        };
        if let Some(bucket) = self.buckets.get_mut(rank) {
            bucket.remove(chunk);
            if bucket.is_empty() {
                self.buckets.remove(rank);
            }
        }
    }

    /// One source more holds it.
    pub(super) fn add_copy(&mut self, chunk: u32) {
        self.change(chunk, |rank| rank.copies = rank.copies.saturating_add(1));
    }

    /// One fewer does.
    pub(super) fn remove_copy(&mut self, chunk: u32) {
        self.change(chunk, |rank| rank.copies = rank.copies.saturating_sub(1));
    }

    /// It is wanted more or less than others.
    pub(super) fn set_priority(&mut self, chunk: u32, priority: Priority) {
        self.change(chunk, |rank| rank.priority = Reverse(priority));
    }

    fn change(&mut self, chunk: u32, to: impl FnOnce(&mut Rank)) {
        let was_open = self.is_open(chunk);
        if was_open {
            self.close(chunk);
        }
        if let Some(rank) = self.ranks.get_mut(chunk as usize) {
            to(rank);
        }
        if was_open {
            self.open(chunk);
        }
    }

    /// How much the most wanted of the open chunks that `held` has are wanted.
    pub(super) fn most_wanted(&self, held: &Holdings) -> Option<Priority> {
        let mut buckets = self.buckets.iter();
        let most = buckets.find(|(_, bucket)| bucket.first_common(held, 0).is_some());
        most.map(|(rank, _)| rank.priority.0)
    }

    /// How much this chunk is wanted, if it waits to be asked for.
    pub(super) fn priority(&self, chunk: u32) -> Option<Priority> {
        let rank = self.ranks.get(chunk as usize)?;
        self.is_open(chunk).then_some(rank.priority.0)
    }

    /// The rarest of the most wanted open chunks that `held` has.
    pub(super) fn rarest(&self, held: &Holdings, random: &mut Random) -> Option<u32> {
        let from = random_chunk(held, random);
        self.buckets
            .values()
            .find_map(|bucket| bucket.first_common(held, from))
    }

    /// Any of the most wanted open chunks that `held` has.
    pub(super) fn any(&self, held: &Holdings, random: &mut Random) -> Option<u32> {
        let from = random_chunk(held, random);
        let mut found: Option<(Rank, u32, u32)> = None;
        for (rank, bucket) in &self.buckets {
            if found.is_some_and(|(best, ..)| best.priority != rank.priority) {
                break;
            }
            if let Some(chunk) = bucket.first_common(held, from) {
                let distance = chunk.wrapping_sub(from);
                if found.is_none_or(|(_, _, nearest)| distance < nearest) {
                    found = Some((*rank, chunk, distance));
                }
            }
        }
        found.map(|(_, chunk, _)| chunk)
    }
}

fn random_chunk(held: &Holdings, random: &mut Random) -> u32 {
    u32::try_from(random.below(u64::from(held.chunks()))).expect("below a u32")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn open(chunks: u32) -> Picker {
        let mut picker = Picker::new(chunks);
        (0..chunks).for_each(|chunk| picker.open(chunk));
        picker
    }

    #[test]
    fn the_rarest_held_chunk_is_picked() {
        let mut picker = open(100);
        let mut random = Random::new([1; 32]);
        for chunk in 0..100 {
            picker.add_copy(chunk);
            if chunk != 70 && chunk != 30 {
                picker.add_copy(chunk);
            }
        }
        let mut held = Holdings::all(100);
        held.remove(30);
        assert_eq!(picker.rarest(&held, &mut random), Some(70));
        picker.remove_copy(12);
        picker.remove_copy(12);
        assert_eq!(picker.rarest(&held, &mut random), Some(12));
        picker.close(12);
        assert_eq!(picker.rarest(&held, &mut random), Some(70));
    }

    #[test]
    fn what_is_wanted_most_goes_before_what_is_rarest() {
        let mut picker = open(10);
        picker.add_copy(4);
        picker.set_priority(4, Priority::High);
        picker.set_priority(5, Priority::Low);
        let mut random = Random::new([1; 32]);
        let held = Holdings::all(10);
        assert_eq!(picker.rarest(&held, &mut random), Some(4));
        assert_eq!(picker.any(&held, &mut random), Some(4));
        for chunk in (0..10).filter(|chunk| *chunk != 5) {
            assert_ne!(picker.rarest(&held, &mut random), Some(5));
            picker.close(chunk);
        }
        assert_eq!(picker.rarest(&held, &mut random), Some(5));
    }

    #[test]
    fn equally_rare_chunks_are_picked_at_random() {
        let picker = open(100);
        let mut random = Random::new([2; 32]);
        let picked: BTreeSet<_> = (0..50)
            .filter_map(|_| picker.rarest(&Holdings::all(100), &mut random))
            .collect();
        assert!(picked.len() > 30, "{picked:?}");
    }

    #[test]
    fn nothing_is_picked_that_is_closed_or_not_held() {
        let mut picker = open(3);
        let mut random = Random::new([1; 32]);
        assert_eq!(picker.rarest(&Holdings::none(3), &mut random), None);
        assert_eq!(picker.any(&Holdings::none(3), &mut random), None);
        assert!(picker.is_exhausted(), "nobody holds any");
        picker.add_complete();
        assert!(!picker.is_exhausted());
        (0..5).for_each(|chunk| picker.close(chunk));
        assert!(picker.is_exhausted());
        picker.open(7);
        assert_eq!(picker.rarest(&Holdings::all(3), &mut random), None);
    }
}
