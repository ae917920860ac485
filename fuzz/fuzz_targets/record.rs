//! A record of a registry.
#![no_main]

use kith_core::discovery::Record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<Record>(bytes));
