//! An encoded route.
#![no_main]

use kith_core::address::Route;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<Route>(bytes));
