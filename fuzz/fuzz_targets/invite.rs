//! An invite, as a person pastes it.
#![no_main]

use kith_core::identity::Invite;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_form::<Invite>(Invite::PREFIX, bytes));
