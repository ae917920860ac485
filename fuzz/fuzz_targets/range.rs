//! A range of a blob as a provider sends it: inner nodes and groups, under whatever hash and size its owner has signed.
#![no_main]

use kith::data::Blob;
use kith_core::content::wire::GROUP_BYTES;
use kith_core::ids::BlobHash;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|sent: (u64, u64, u64, [u8; 32], &[u8])| {
    let (size, at, length, hash, encoded) = sent;
    let hash = BlobHash(hash);
    // What is asked for begins at a whole group, and ends at one or with the blob.
    let start = (at / GROUP_BYTES * GROUP_BYTES).min(size);
    let end = at
        .saturating_add(length)
        .checked_next_multiple_of(GROUP_BYTES);
    let range = start..end.map_or(size, |end| end.min(size));
    if let Ok(verified) = (Blob { hash, size }).verify(encoded, &range) {
        let bytes: usize = verified.groups(encoded).iter().map(|group| group.len()).sum();
        assert_eq!(bytes as u64, range.end - range.start, "another range");
    }
});
