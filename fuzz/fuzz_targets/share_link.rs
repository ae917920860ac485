//! A link to a share, as a person pastes it.
#![no_main]

use kith_core::data::Link;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_form::<Link>(Link::PREFIX, bytes));
