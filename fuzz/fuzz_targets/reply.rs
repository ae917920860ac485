//! What a reply to an invite says, once it is opened.
#![no_main]

use kith_core::identity::Reply;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<Reply>(bytes));
