//! What an introduction carries as proof.
#![no_main]

use kith_core::peer::proof::Proof;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<Proof>(bytes));
