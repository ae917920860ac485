//! What a grant says, before its signature is looked at.
#![no_main]

use kith_core::content::Grant;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<Grant>(bytes));
