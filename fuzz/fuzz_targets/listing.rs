//! Where a findable peer says its public face is.
#![no_main]

use kith_core::discovery::Listing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<Listing>(bytes));
