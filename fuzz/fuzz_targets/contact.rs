//! A contact, as it is stored.
#![no_main]

use kith_core::identity::Contact;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<Contact>(bytes));
