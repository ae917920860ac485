//! A reply to an invite, opened and not yet believed.
#![no_main]

use kith_core::identity::reply::SignedReply;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<SignedReply>(bytes));
