//! A range of a blob to its verified encoding and back: bao, at groups of 16 KiB (as `bao-tree` writes it).
//!
//! The encoding is the inner nodes above the range and its groups, in pre-order. Nothing of a group is handed on before its hash was
//! compared with the one its parent names, up to the blob's own. What was verified is named by where it lies in what came, and so is
//! written without having been copied.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::ops::Range;

use bao_tree::io::outboard::PreOrderOutboard;
use bao_tree::io::sync::valid_ranges;
use bao_tree::{BaoTree, BlockSize, ChunkRanges};
use blake3::hazmat::{self, HasherExt as _, Mode};
use kith_core::content::wire::GROUP_BYTES;
use kith_core::ids::BlobHash;
use thiserror::Error;

use crate::data::encoding::Encoding;
use crate::data::hash::{PARENT_BYTES, index, outboard_bytes};
use crate::data::pieces::Source;

/// Groups of 2⁴ chunks of 1 KiB.
const GROUP: BlockSize = BlockSize::from_chunk_log(4);

/// The bytes of a chunk.
const CHUNK_BYTES: u64 = 1024;

/// A blob's name and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Its hash.
    pub hash: BlobHash,
    /// Its size, in bytes.
    pub size: u64,
}

/// The bytes are not those of the blob: their sender's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the bytes do not match the hash")]
pub struct Mismatch;

/// Where things lie in an encoding that is right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    groups: Vec<Range<usize>>,
    parents: Vec<(u64, Range<usize>)>,
}

impl Verified {
    /// The groups of the range, in order, out of the encoding that was verified.
    pub fn groups<'a>(&self, encoded: &'a [u8]) -> Vec<&'a [u8]> {
        self.groups.iter().map(|at| &encoded[at.clone()]).collect()
    }

    /// The inner nodes above them, each with its place in the outboard, in bytes.
    pub fn parents<'a>(&self, encoded: &'a [u8]) -> Vec<(u64, &'a [u8])> {
        let parents = self.parents.iter();
        parents
            .map(|(place, at)| (*place, &encoded[at.clone()]))
            .collect()
    }
}

/// A part of a blob's tree.
#[derive(Clone, Copy)]
struct Subtree {
    /// Where it begins, in bytes of the blob.
    offset: u64,
    /// How much of the blob it is, in bytes.
    length: u64,
    /// Where its nodes begin in the outboard, in bytes.
    place: u64,
}

impl Subtree {
    fn is_group(self) -> bool {
        self.length <= GROUP_BYTES
    }

    fn is_within(self, range: &Range<u64>) -> bool {
        range.start <= self.offset && self.offset + self.length <= range.end
    }

    fn overlaps(self, range: &Range<u64>) -> bool {
        self.offset < range.end && range.start < self.offset + self.length
    }

    /// Its two halves.
    fn halves(self) -> (Self, Self) {
        // The largest power of two that leaves something to the right.
        let left_length = self.length.div_ceil(2).next_power_of_two();
        let left = Self {
            offset: self.offset,
            length: left_length,
            place: self.place + PARENT_BYTES,
        };
        let right = Self {
            offset: self.offset + left_length,
            length: self.length - left_length,
            place: left.place + outboard_bytes(left_length),
        };
        (left, right)
    }

    /// How many bytes the encoding of what `range` has of it takes.
    fn encoded_bytes(self, range: &Range<u64>) -> u64 {
        if !self.overlaps(range) {
            return 0;
        }
        if self.is_within(range) {
            return self.length + outboard_bytes(self.length);
        }
        if self.is_group() {
            return self.length;
        }
        let (left, right) = self.halves();
        PARENT_BYTES + left.encoded_bytes(range) + right.encoded_bytes(range)
    }
}

impl Blob {
    fn root(&self) -> Subtree {
        Subtree {
            offset: 0,
            length: self.size,
            place: 0,
        }
    }

    /// How many bytes the encoding of a range takes, which begins at a whole group and ends at one or with the blob.
    pub fn encoded_bytes(&self, range: &Range<u64>) -> u64 {
        match self.size {
            0 => 0,
            _ => self.root().encoded_bytes(range),
        }
    }

    /// Encodes such a range, behind what `encoded` has.
    ///
    /// # Errors
    /// What reading says; [`io::ErrorKind::UnexpectedEof`] when the data is shorter than the blob. Nothing is added then.
    pub fn encode(
        &self,
        data: impl Source,
        outboard: impl Source,
        range: &Range<u64>,
        encoded: &mut Encoding,
    ) -> io::Result<()> {
        if self.size == 0 || range.is_empty() {
            return Ok(());
        }
        let before = encoded.len();
        let mut encoder = Encoder {
            outboard,
            range,
            encoded,
            groups: Vec::new(),
        };
        let read = encoder.subtree(self.root());
        let groups = encoder.groups;
        let read = read.and_then(|()| data.read(range.start, &mut encoded.gaps(&groups)));
        read.inspect_err(|_| encoded.truncate(before))
    }

    /// Takes the encoding of such a range apart.
    ///
    /// # Errors
    /// [`Mismatch`] for any byte that does not verify, is missing or too many.
    pub fn verify(&self, encoded: &[u8], range: &Range<u64>) -> Result<Verified, Mismatch> {
        let mut decoder = Decoder {
            encoded,
            taken: 0,
            range,
            verified: Verified::default(),
        };
        if self.size == 0 {
            is_right(blake3::hash(&[]).as_bytes(), &self.hash.0)?;
        } else if !range.is_empty() {
            decoder.subtree(self.root(), &self.hash.0, true)?;
        }
        if decoder.taken == encoded.len() {
            Ok(decoder.verified)
        } else {
            Err(Mismatch)
        }
    }

    /// Takes the encoding of a whole blob apart, and gives the blob.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn decode(&self, encoded: &[u8]) -> Result<Vec<u8>, Mismatch> {
        let verified = self.verify(encoded, &(0..self.size))?;
        Ok(verified.groups(encoded).concat())
    }

    /// Which parts of a partial file verify, by the inner nodes that came with them: whole groups, in order.
    ///
    /// # Errors
    /// What reading says.
    pub fn valid(&self, data: &File, outboard: &File) -> io::Result<Vec<Range<u64>>> {
        let outboard = PreOrderOutboard {
            root: blake3::Hash::from_bytes(self.hash.0),
            tree: BaoTree::new(self.size, GROUP),
            data: outboard,
        };
        let everything = ChunkRanges::all();
        let mut valid: Vec<Range<u64>> = Vec::new();
        for range in valid_ranges(outboard, data, &everything) {
            let range = range?;
            let bytes = |chunk: u64| chunk.saturating_mul(CHUNK_BYTES).min(self.size);
            let (start, end) = (bytes(range.start.0), bytes(range.end.0));
            match valid.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => valid.push(start..end),
            }
        }
        Ok(valid)
    }
}

/// An encoding being made: first its inner nodes, with gaps for its groups, and then those by one read, for they lie in one piece.
struct Encoder<'a, O> {
    outboard: O,
    range: &'a Range<u64>,
    encoded: &'a mut Encoding,
    groups: Vec<Range<usize>>,
}

impl<O: Source> Encoder<'_, O> {
    fn subtree(&mut self, tree: Subtree) -> io::Result<()> {
        if !tree.overlaps(self.range) {
            return Ok(());
        }
        if tree.is_group() {
            self.group(tree);
            return Ok(());
        }
        if tree.is_within(self.range) {
            // Its inner nodes lie in one piece.
            let mut parents = vec![0; index(outboard_bytes(tree.length))];
            let pieces = &mut [IoSliceMut::new(&mut parents)];
            self.outboard.read(tree.place, pieces)?;
            self.whole(tree, &parents);
            return Ok(());
        }
        let mut parent = [0; PARENT_BYTES as usize];
        let pieces = &mut [IoSliceMut::new(&mut parent)];
        self.outboard.read(tree.place, pieces)?;
        self.encoded.extend(&parent);
        let (left, right) = tree.halves();
        self.subtree(left)?;
        self.subtree(right)
    }

    /// All of a subtree with these inner nodes.
    fn whole(&mut self, tree: Subtree, parents: &[u8]) {
        if tree.is_group() {
            return self.group(tree);
        }
        let (own, below) = parents.split_at(index(PARENT_BYTES));
        self.encoded.extend(own);
        let (left, right) = tree.halves();
        let (left_below, right_below) = below.split_at(index(outboard_bytes(left.length)));
        self.whole(left, left_below);
        self.whole(right, right_below);
    }

    fn group(&mut self, tree: Subtree) {
        let gap = self.encoded.leave(index(tree.length));
        self.groups.push(gap);
    }
}

/// An encoding being taken apart.
struct Decoder<'a> {
    encoded: &'a [u8],
    /// How much of it was looked at.
    taken: usize,
    range: &'a Range<u64>,
    verified: Verified,
}

impl<'a> Decoder<'a> {
    /// Where the next so many bytes lie, and they.
    fn take(&mut self, bytes: u64) -> Result<(Range<usize>, &'a [u8]), Mismatch> {
        let end = self.taken.checked_add(index(bytes)).ok_or(Mismatch)?;
        let at = self.taken..end;
        let taken = self.encoded.get(at.clone()).ok_or(Mismatch)?;
        self.taken = end;
        Ok((at, taken))
    }

    fn subtree(
        &mut self,
        tree: Subtree,
        expected: &[u8; 32],
        is_root: bool,
    ) -> Result<(), Mismatch> {
        if !tree.overlaps(self.range) {
            return Ok(());
        }
        if tree.is_group() {
            let (at, group) = self.take(tree.length)?;
            let actual = match is_root {
                true => *blake3::hash(group).as_bytes(),
                false => {
                    let mut hasher = blake3::Hasher::new();
                    hasher.set_input_offset(tree.offset);
                    hasher.update(group).finalize_non_root()
                }
            };
            is_right(&actual, expected)?;
            self.verified.groups.push(at);
            return Ok(());
        }
        let (at, parent) = self.take(PARENT_BYTES)?;
        let (left_hash, right_hash) = hashes(parent)?;
        let actual = match is_root {
            true => *hazmat::merge_subtrees_root(left_hash, right_hash, Mode::Hash).as_bytes(),
            false => hazmat::merge_subtrees_non_root(left_hash, right_hash, Mode::Hash),
        };
        is_right(&actual, expected)?;
        self.verified.parents.push((tree.place, at));
        let (left, right) = tree.halves();
        self.subtree(left, left_hash, false)?;
        self.subtree(right, right_hash, false)
    }
}

fn hashes(parent: &[u8]) -> Result<(&[u8; 32], &[u8; 32]), Mismatch> {
    let (left, rest) = parent.split_first_chunk().ok_or(Mismatch)?;
    let right = rest.first_chunk().ok_or(Mismatch)?;
    Ok((left, right))
}

fn is_right(actual: &[u8; 32], expected: &[u8; 32]) -> Result<(), Mismatch> {
    if actual == expected {
        Ok(())
    } else {
        Err(Mismatch)
    }
}

#[cfg(test)]
mod tests;
