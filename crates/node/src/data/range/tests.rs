//! Ranges that are sound, cut short, swapped, and of files that changed.

use std::io::Write as _;

use bao_tree::io::sync::encode_ranges;
use bao_tree::{ChunkNum, ChunkRanges};
use kith_core::content::wire::{ENCODED_BYTES_MAX, RANGE_BYTES_MAX};

use super::*;
use crate::data::hash::hash_bytes;

fn sample(size: usize) -> (Vec<u8>, Blob, Vec<u8>) {
    let bytes: Vec<u8> = (0..size).map(|at| (at * 13 % 241) as u8).collect();
    let (hash, outboard) = hash_bytes(&bytes);
    let size = size as u64;
    (bytes, Blob { hash, size }, outboard)
}

fn encode(blob: &Blob, bytes: &[u8], outboard: &[u8], range: &Range<u64>) -> Vec<u8> {
    let mut encoded = Encoding::default();
    blob.encode(bytes, outboard, range, &mut encoded)
        .expect("encoded");
    encoded.as_ref().to_vec()
}

/// The same by bao-tree.
fn reference(blob: &Blob, bytes: &[u8], outboard: &[u8], range: &Range<u64>) -> Vec<u8> {
    let outboard = PreOrderOutboard {
        root: blake3::Hash::from_bytes(blob.hash.0),
        tree: BaoTree::new(blob.size, GROUP),
        data: outboard,
    };
    let chunks = ChunkRanges::from(ChunkNum::full_chunks(range.start)..ChunkNum::chunks(range.end));
    let mut encoded = Vec::new();
    encode_ranges(bytes, outboard, &chunks, &mut encoded).expect("encoded");
    encoded
}

#[test]
fn every_range_is_encoded_as_bao_tree_does_and_comes_back_as_it_was() {
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
        for (start, length) in [
            (0, RANGE_BYTES_MAX),
            (0, 16_384),
            (16_384, 49_152),
            (1 << 20, 1 << 18),
        ] {
            let range = start..(start + length).min(blob.size);
            if range.is_empty() && start > 0 {
                continue;
            }
            let encoded = encode(&blob, &bytes, &outboard, &range);
            assert!(encoded.len() as u64 <= ENCODED_BYTES_MAX);
            assert_eq!(
                encoded.len() as u64,
                blob.encoded_bytes(&range),
                "{size} {range:?}"
            );
            if size > 0 {
                assert!(
                    encoded == reference(&blob, &bytes, &outboard, &range),
                    "{size} {range:?}"
                );
            }
            let verified = blob.verify(&encoded, &range).expect("verified");
            assert!(
                verified.groups(&encoded).concat() == bytes[index(range.start)..index(range.end)]
            );
            for (place, parent) in verified.parents(&encoded) {
                assert!(parent == &outboard[index(place)..index(place) + 64]);
            }
        }
    }
}

#[test]
fn a_changed_missing_or_surplus_byte_is_found() {
    let (bytes, blob, outboard) = sample(50_000);
    let encoded = encode(&blob, &bytes, &outboard, &(0..blob.size));
    for at in (0..encoded.len()).step_by(997) {
        let mut forged = encoded.clone();
        forged[at] ^= 1;
        assert_eq!(blob.decode(&forged), Err(Mismatch), "{at}");
    }
    let surplus = [encoded.as_slice(), &[0]].concat();
    assert!(blob.decode(&surplus).is_err());
    assert!(blob.decode(&encoded[1..]).is_err());
    assert!(blob.decode(&[]).is_err());
}

#[test]
fn a_blob_said_to_have_another_size_does_not_verify() {
    for size in [0u64, 1, 49_999, 50_001, 1 << 40] {
        let (bytes, blob, outboard) = sample(50_000);
        let encoded = encode(&blob, &bytes, &outboard, &(0..blob.size));
        let lie = Blob { size, ..blob };
        assert!(lie.decode(&encoded).is_err(), "{size}");
    }
}

#[test]
fn what_arrived_before_a_crash_is_found_again_by_its_hash() {
    let (bytes, blob, whole) = sample(3_500_000);
    let mut data = tempfile::tempfile().expect("temporary file");
    let mut outboard = tempfile::tempfile().expect("temporary file");
    let ranges = [0..1 << 20, 3 << 20..blob.size];
    let mut come = (vec![0; bytes.len()], vec![0; whole.len()]);
    for range in &ranges {
        let encoded = encode(&blob, &bytes, &whole, range);
        let verified = blob.verify(&encoded, range).expect("verified");
        come.0[index(range.start)..index(range.end)]
            .copy_from_slice(&verified.groups(&encoded).concat());
        for (place, parent) in verified.parents(&encoded) {
            come.1[index(place)..index(place) + 64].copy_from_slice(parent);
        }
    }
    outboard.write_all(&come.1).expect("written");
    come.0[5] ^= 1;
    data.write_all(&come.0).expect("written");
    let expected = [GROUP_BYTES..1 << 20, 3 << 20..blob.size];
    assert_eq!(blob.valid(&data, &outboard).expect("read"), expected);
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
        if let Ok(verified) = lying.verify(&anything, &(offset..offset + length)) {
            proptest::prop_assert!(verified.groups(&anything).is_empty());
        }
        let mut sent = encode(&blob, &bytes, &outboard, &(0..blob.size));
        let (at, cut) = (at % sent.len(), 1 + cut % sent.len());
        let is_same = sent[at] == byte && cut == sent.len();
        sent[at] = byte;
        match blob.decode(&sent[..cut]) {
            Ok(read) => proptest::prop_assert!(is_same && read == bytes),
            Err(_) => proptest::prop_assert!(!is_same),
        }
    }
}
