//! An invite of ours, as it is stored.
#![no_main]

use kith_core::identity::MadeInvite;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<MadeInvite>(bytes));
