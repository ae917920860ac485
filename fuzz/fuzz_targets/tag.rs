//! A tag of a contact.
#![no_main]

use kith_core::identity::Tag;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_text::<Tag>(bytes));
