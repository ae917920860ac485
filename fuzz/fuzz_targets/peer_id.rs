//! The text form of a key.
#![no_main]

use kith_core::ids::PeerId;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_form::<PeerId>(PeerId::PREFIX, bytes));
