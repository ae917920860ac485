//! A request for an express lane.
#![no_main]

use kith_core::routing::express::Request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<Request>(bytes));
