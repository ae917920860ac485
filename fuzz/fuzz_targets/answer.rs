//! The other side's answer to an offer.
#![no_main]

use kith_core::routing::Answer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<Answer>(bytes));
