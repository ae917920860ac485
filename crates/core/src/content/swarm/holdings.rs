//! Which chunks somebody holds: one bit a chunk (BEP 3's bitfield), so that what two have in common is found a word at a time.

use std::ops::Range;

use thiserror::Error;

/// Bits in a word.
const WORD: u32 = 64;

/// A set of chunks of one snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holdings {
    words: Vec<u64>,
    chunks: u32,
    count: u32,
}

/// Why bytes are no holdings of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HoldingsError {
    /// More or fewer bits than chunks.
    #[error("holdings of {0} bytes do not fit the snapshot")]
    Length(usize),
    /// A bit beyond the last chunk.
    #[error("holdings name a chunk that does not exist")]
    Beyond,
}

impl Holdings {
    /// Nothing, of a snapshot of so many chunks.
    pub fn none(chunks: u32) -> Self {
        Self {
            words: vec![0; chunks.div_ceil(WORD) as usize],
            chunks,
            count: 0,
        }
    }

    /// Everything.
    pub fn all(chunks: u32) -> Self {
        let mut all = Self::none(chunks);
        all.insert_run(0..chunks);
        all
    }

    /// How many chunks the snapshot has.
    pub fn chunks(&self) -> u32 {
        self.chunks
    }

    /// How many of them are held.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Whether all are.
    pub fn is_all(&self) -> bool {
        self.count == self.chunks
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether this one is; those that do not exist are not.
    pub fn contains(&self, chunk: u32) -> bool {
        chunk < self.chunks && self.words[(chunk / WORD) as usize] & bit(chunk) != 0
    }

    /// Adds one, unless it does not exist. Says whether it is new.
    pub fn insert(&mut self, chunk: u32) -> bool {
        let is_new = chunk < self.chunks && !self.contains(chunk);
        if is_new {
            self.words[(chunk / WORD) as usize] |= bit(chunk);
            self.count += 1;
        }
        is_new
    }

    /// Adds a run of them.
    pub fn insert_run(&mut self, run: Range<u32>) {
        for chunk in run.start..run.end.min(self.chunks) {
            self.insert(chunk);
        }
    }

    /// Takes one out. Says whether it was in.
    pub fn remove(&mut self, chunk: u32) -> bool {
        let was_in = self.contains(chunk);
        if was_in {
            self.words[(chunk / WORD) as usize] &= !bit(chunk);
            self.count -= 1;
        }
        was_in
    }

    /// Those held, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.words.iter().zip(0u32..).flat_map(|(word, place)| {
            (0..WORD)
                .filter(move |shift| word & (1 << shift) != 0)
                .map(move |shift| place * WORD + shift)
        })
    }

    /// The first chunk that both hold, looked for from `from` on and around the end.
    pub fn first_common(&self, other: &Self, from: u32) -> Option<u32> {
        let words = self.words.len().min(other.words.len());
        let begin = (from / WORD) as usize;
        if begin >= words {
            return (0..words).find_map(|place| self.common(other, place, u64::MAX));
        }
        let ahead = u64::MAX << (from % WORD);
        self.common(other, begin, ahead)
            .or_else(|| (begin + 1..words).find_map(|place| self.common(other, place, u64::MAX)))
            .or_else(|| (0..begin).find_map(|place| self.common(other, place, u64::MAX)))
            .or_else(|| self.common(other, begin, !ahead))
    }

    /// The first chunk of one word that both hold and `mask` lets through.
    fn common(&self, other: &Self, place: usize, mask: u64) -> Option<u32> {
        let common = self.words[place] & other.words[place] & mask;
        let first = u32::try_from(place).expect("words of chunks") * WORD;
        (common != 0).then(|| first + common.trailing_zeros())
    }

    /// The bitfield of BEP 3: the first chunk is the highest bit of the first byte, and the bits beyond the last are zero.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self
            .words
            .iter()
            .flat_map(|word| word.reverse_bits().to_be_bytes())
            .collect();
        bytes.truncate(self.chunks.div_ceil(8) as usize);
        bytes
    }

    /// Reads a bitfield for a snapshot of so many chunks.
    ///
    /// # Errors
    /// [`HoldingsError`] where it is one of another snapshot, or of none.
    pub fn from_bytes(chunks: u32, bytes: &[u8]) -> Result<Self, HoldingsError> {
        if bytes.len() != chunks.div_ceil(8) as usize {
            return Err(HoldingsError::Length(bytes.len()));
        }
        let words: Vec<u64> = bytes
            .chunks(8)
            .map(|part| {
                let mut word = [0; 8];
                word[..part.len()].copy_from_slice(part);
                u64::from_be_bytes(word).reverse_bits()
            })
            .collect();
        let beyond = match chunks % WORD {
            0 => 0,
            used => words.last().map_or(0, |last| last >> used),
        };
        if beyond != 0 {
            return Err(HoldingsError::Beyond);
        }
        Ok(Self {
            count: words.iter().map(|word| word.count_ones()).sum(),
            words,
            chunks,
        })
    }
}

fn bit(chunk: u32) -> u64 {
    1 << (chunk % WORD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bits_are_those_of_bep_3() {
        let mut held = Holdings::none(10);
        for chunk in [0, 7, 8, 9, 10] {
            held.insert(chunk);
        }
        assert_eq!(held.to_bytes(), [0b1000_0001, 0b1100_0000]);
        assert_eq!(held.count(), 4);
        assert_eq!(Holdings::from_bytes(10, &held.to_bytes()), Ok(held));
    }

    #[test]
    fn bits_beyond_the_last_chunk_are_a_lie() {
        assert_eq!(
            Holdings::from_bytes(10, &[0, 0b0010_0000]),
            Err(HoldingsError::Beyond)
        );
        for bytes in [&[][..], &[0], &[0, 0, 0]] {
            let length = HoldingsError::Length(bytes.len());
            assert_eq!(Holdings::from_bytes(10, bytes), Err(length));
        }
    }

    #[test]
    fn common_chunks_are_found_around_the_end() {
        let (mut mine, mut theirs) = (Holdings::none(300), Holdings::none(300));
        mine.insert_run(0..10);
        theirs.insert(5);
        for from in [0, 5, 6, 290, 299, 1000] {
            assert_eq!(mine.first_common(&theirs, from), Some(5), "{from}");
        }
        theirs.remove(5);
        assert_eq!(mine.first_common(&theirs, 0), None);
        assert_eq!(Holdings::none(0).first_common(&theirs, 3), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(chunks in 0u32..300, held in proptest::collection::vec(0u32..300, 0..50)) {
            let mut holdings = Holdings::none(chunks);
            for chunk in held {
                holdings.insert(chunk);
            }
            prop_assert_eq!(holdings.iter().count(), holdings.count() as usize);
            prop_assert_eq!(Holdings::from_bytes(chunks, &holdings.to_bytes()), Ok(holdings));
        }
    }
}
