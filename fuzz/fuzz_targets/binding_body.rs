//! What a binding says, before its signatures are looked at.
#![no_main]

use kith_core::identity::Binding;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<Binding>(bytes));
