//! The answer about an express lane.
#![no_main]

use kith_core::routing::express::Answer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<Answer>(bytes));
