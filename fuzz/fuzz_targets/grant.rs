//! A grant of a share, and one that is shown.
#![no_main]

use kith_core::content::{GrantProof, SignedGrant};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    kith_fuzz::check_wire::<SignedGrant>(bytes);
    kith_fuzz::check_wire::<GrantProof>(bytes);
});
