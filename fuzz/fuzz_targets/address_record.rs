//! An address record, once it is opened.
#![no_main]

use kith_core::discovery::AddressRecord;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<AddressRecord>(bytes));
