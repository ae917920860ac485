//! An invite we accepted, as it is stored.
#![no_main]

use kith_core::identity::AcceptedRow;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<AcceptedRow>(bytes));
