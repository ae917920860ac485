//! A name that a person or another side suggests.
#![no_main]

use kith_core::identity::Petname;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_text::<Petname>(bytes));
