//! What an introducer says of its line.
#![no_main]

use kith_core::discovery::Notice;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<Notice>(bytes));
