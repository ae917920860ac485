//! What a head says, before its signature is looked at.
#![no_main]

use kith_core::data::Head;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<Head>(bytes));
