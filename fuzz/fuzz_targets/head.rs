//! The signed head of a share.
#![no_main]

use kith_core::data::SignedHead;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<SignedHead>(bytes));
