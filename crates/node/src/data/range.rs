//! A range of a blob to its verified encoding and back (bao, by `bao-tree`).
//!
//! The encoding is the inner nodes above the range and its groups, in pre-order. Nothing of a group is handed on before its hash was
//! compared with the one its parent names, up to the blob's own.

use std::fs::File;
use std::io;

use bao_tree::io::outboard::PreOrderOutboard;
use bao_tree::io::sync::{
    DecodeResponseIter, ReadAt, Size, WriteAt as _, encode_ranges, valid_ranges,
};
use bao_tree::io::{BaoContentItem, DecodeError, EncodeError, Leaf, Parent};
use bao_tree::{BaoTree, BlockSize, ChunkNum, ChunkRanges};
use kith_core::content::wire::GROUP_BYTES;
use kith_core::ids::BlobHash;
use thiserror::Error;

/// Groups of 2⁴ chunks of 1 KiB.
const GROUP: BlockSize = BlockSize::from_chunk_log(4);

/// A blob's name and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Its hash.
    pub hash: BlobHash,
    /// Its size, in bytes.
    pub size: u64,
}

/// Why a range was not taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RangeError {
    /// The bytes are not those of the blob: their sender's fault.
    #[error("the bytes do not match the hash")]
    Mismatch,
    /// The disk's fault.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Blob {
    fn tree(&self) -> BaoTree {
        BaoTree::new(self.size, GROUP)
    }

    fn root(&self) -> blake3::Hash {
        blake3::Hash::from_bytes(self.hash.0)
    }

    /// The chunks of the range, without those beyond the end.
    fn chunks(&self, offset: u64, length: u64) -> ChunkRanges {
        let end = offset.saturating_add(length).min(self.size);
        ChunkRanges::from(ChunkNum::full_chunks(offset)..ChunkNum::chunks(end))
    }

    /// Encodes a range that begins at a whole group and ends at one or with the blob.
    ///
    /// # Errors
    /// What reading says; [`io::ErrorKind::UnexpectedEof`] when the data is shorter than the blob.
    pub fn encode(
        &self,
        data: impl ReadAt + Size,
        outboard: impl ReadAt,
        offset: u64,
        length: u64,
    ) -> io::Result<Vec<u8>> {
        let mut encoded =
            Vec::with_capacity(usize::try_from(length + length / 128).unwrap_or_default());
        if self.size == 0 {
            return Ok(encoded);
        }
        let outboard = PreOrderOutboard {
            root: self.root(),
            tree: self.tree(),
            data: outboard,
        };
        match encode_ranges(data, outboard, &self.chunks(offset, length), &mut encoded) {
            Ok(()) => Ok(encoded),
            Err(EncodeError::Io(error)) => Err(error),
            Err(other) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, other)),
        }
    }

    /// Decodes a whole blob, or a range of one, into memory.
    ///
    /// # Errors
    /// [`RangeError::Mismatch`] for any byte that does not verify, is missing or too many.
    pub fn decode(&self, encoded: &[u8], offset: u64, length: u64) -> Result<Vec<u8>, RangeError> {
        let mut bytes = Vec::with_capacity(encoded.len());
        self.verify(encoded, offset, length, |item| {
            if let BaoContentItem::Leaf(Leaf { data, .. }) = item {
                bytes.extend_from_slice(&data);
            }
            Ok(())
        })?;
        Ok(bytes)
    }

    /// Decodes a range into its place in a file, and its inner nodes into the outboard beside it.
    ///
    /// # Errors
    /// [`RangeError`]; groups before the one that does not verify may have been written, and are right.
    pub fn decode_into(
        &self,
        encoded: &[u8],
        offset: u64,
        length: u64,
        data: &File,
        outboard: &File,
    ) -> Result<(), RangeError> {
        let (mut data, mut outboard) = (data.try_clone()?, outboard.try_clone()?);
        let tree = self.tree();
        self.verify(encoded, offset, length, |item| match item {
            BaoContentItem::Leaf(Leaf {
                offset,
                data: bytes,
            }) => data.write_all_at(offset, &bytes),
            BaoContentItem::Parent(Parent {
                node,
                pair: (left, right),
            }) => {
                let Some(index) = tree.pre_order_offset(node) else {
                    return Ok(());
                };
                let mut pair = [0; 64];
                pair[..32].copy_from_slice(left.as_bytes());
                pair[32..].copy_from_slice(right.as_bytes());
                outboard.write_all_at(index * 64, &pair)
            }
        })
    }

    /// Hands each verified item on, and demands that nothing is left over.
    fn verify(
        &self,
        mut encoded: &[u8],
        offset: u64,
        length: u64,
        mut take: impl FnMut(BaoContentItem) -> io::Result<()>,
    ) -> Result<(), RangeError> {
        if self.size == 0 {
            let is_empty = encoded.is_empty() && self.root() == blake3::hash(&[]);
            return if is_empty {
                Ok(())
            } else {
                Err(RangeError::Mismatch)
            };
        }
        let chunks = self.chunks(offset, length);
        for item in DecodeResponseIter::new(self.root(), self.tree(), &mut encoded, &chunks) {
            // Reading from memory fails only where bytes are missing.
            take(item.map_err(|_: DecodeError| RangeError::Mismatch)?)?;
        }
        if encoded.is_empty() {
            Ok(())
        } else {
            Err(RangeError::Mismatch)
        }
    }

    /// Which whole pieces of `piece_bytes` (a multiple of a group; the last may be short) of a partial file verify, by their
    /// index.
    ///
    /// # Errors
    /// What reading says.
    pub fn valid_pieces(
        &self,
        data: &File,
        outboard: &File,
        piece_bytes: u64,
    ) -> io::Result<Vec<u64>> {
        debug_assert!(
            piece_bytes.is_multiple_of(GROUP_BYTES),
            "pieces are whole groups"
        );
        let outboard = PreOrderOutboard {
            root: self.root(),
            tree: self.tree(),
            data: outboard,
        };
        let everything = ChunkRanges::all();
        let mut valid = ChunkRanges::empty();
        for range in valid_ranges(outboard, data, &everything) {
            valid |= ChunkRanges::from(range?);
        }
        let pieces = 0..self.size.div_ceil(piece_bytes);
        Ok(pieces
            .filter(|piece| valid.is_superset(&self.chunks(piece * piece_bytes, piece_bytes)))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::hash::hash_bytes;
    use kith_core::content::wire::{ENCODED_BYTES_MAX, RANGE_BYTES_MAX};

    fn sample(size: usize) -> (Vec<u8>, Blob, Vec<u8>) {
        let bytes: Vec<u8> = (0..size).map(|at| (at * 13 % 241) as u8).collect();
        let (hash, outboard) = hash_bytes(&bytes);
        let size = size as u64;
        (bytes, Blob { hash, size }, outboard)
    }

    #[test]
    fn every_range_comes_back_as_it_was() {
        for size in [
            0,
            1,
            1024,
            16_384,
            16_385,
            40_000,
            1 << 20,
            (1 << 20) + 5,
            3_000_000,
        ] {
            let (bytes, blob, outboard) = sample(size);
            let mut offset = 0;
            loop {
                let encoded = blob
                    .encode(
                        bytes.as_slice(),
                        outboard.as_slice(),
                        offset,
                        RANGE_BYTES_MAX,
                    )
                    .expect("encoded");
                assert!(encoded.len() as u64 <= ENCODED_BYTES_MAX);
                let decoded = blob
                    .decode(&encoded, offset, RANGE_BYTES_MAX)
                    .expect("verified");
                let start = usize::try_from(offset).expect("small");
                let end = (start + (1 << 20)).min(size);
                assert!(decoded == bytes[start..end], "{size} {offset}");
                offset += RANGE_BYTES_MAX;
                if offset >= blob.size {
                    break;
                }
            }
        }
    }

    #[test]
    fn a_changed_missing_or_surplus_byte_is_found() {
        let (bytes, blob, outboard) = sample(50_000);
        let encoded = blob
            .encode(bytes.as_slice(), outboard.as_slice(), 0, RANGE_BYTES_MAX)
            .expect("encoded");
        for at in (0..encoded.len()).step_by(997) {
            let mut forged = encoded.clone();
            forged[at] ^= 1;
            assert!(
                matches!(
                    blob.decode(&forged, 0, RANGE_BYTES_MAX),
                    Err(RangeError::Mismatch)
                ),
                "{at}"
            );
        }
        let surplus = [encoded.as_slice(), &[0]].concat();
        assert!(blob.decode(&surplus, 0, RANGE_BYTES_MAX).is_err());
        assert!(blob.decode(&encoded[1..], 0, RANGE_BYTES_MAX).is_err());
        assert!(blob.decode(&[], 0, RANGE_BYTES_MAX).is_err());
    }

    #[test]
    fn a_blob_said_to_have_another_size_does_not_verify() {
        for size in [0u64, 1, 49_999, 50_001, 1 << 40] {
            let (bytes, blob, outboard) = sample(50_000);
            let encoded = blob
                .encode(bytes.as_slice(), outboard.as_slice(), 0, RANGE_BYTES_MAX)
                .expect("encoded");
            let lie = Blob { size, ..blob };
            assert!(lie.decode(&encoded, 0, RANGE_BYTES_MAX).is_err(), "{size}");
        }
    }

    #[test]
    fn what_arrived_before_a_crash_is_found_again_by_its_hash() {
        let (bytes, blob, whole) = sample(3_500_000);
        let data = tempfile::tempfile().expect("temporary file");
        let outboard = tempfile::tempfile().expect("temporary file");
        for piece in [0, 3] {
            let offset = piece << 20;
            let encoded = blob
                .encode(bytes.as_slice(), whole.as_slice(), offset, 1 << 20)
                .expect("encoded");
            blob.decode_into(&encoded, offset, 1 << 20, &data, &outboard)
                .expect("verified");
        }
        assert_eq!(
            blob.valid_pieces(&data, &outboard, 1 << 20).expect("read"),
            [0, 3]
        );
        let mut writer = data.try_clone().expect("handle");
        writer.write_all_at(5, b"x").expect("damaged");
        assert_eq!(
            blob.valid_pieces(&data, &outboard, 1 << 20).expect("read"),
            [3]
        );
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

        #[test]
        fn whatever_is_sent_for_a_range_is_refused_or_is_the_range(
            anything in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..2_000),
            (size, claimed) in (1_usize..60_000, 0_u64..120_000),
            (offset, length) in (0_u64..80_000, 0_u64..80_000),
            (at, byte, cut) in (0_usize..70_000, 0_u8.., 0_usize..70_000),
        ) {
            let (bytes, blob, outboard) = sample(size);
            let lying = Blob { size: claimed, ..blob };
            // Beyond the end nothing is asked for, and nothing is right.
            if let Ok(read) = lying.decode(&anything, offset, length) {
                proptest::prop_assert!(read.is_empty());
            }
            let mut sent = blob.encode(bytes.as_slice(), outboard.as_slice(), 0, RANGE_BYTES_MAX).expect("encoded");
            let (at, cut) = (at % sent.len(), 1 + cut % sent.len());
            let is_same = sent[at] == byte && cut == sent.len();
            sent[at] = byte;
            match blob.decode(&sent[..cut], 0, RANGE_BYTES_MAX) {
                Ok(read) => proptest::prop_assert!(is_same && read == bytes),
                Err(_) => proptest::prop_assert!(!is_same),
            }
        }
    }
}
