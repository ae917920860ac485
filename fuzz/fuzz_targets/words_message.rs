//! A step of the safety words.
#![no_main]

use kith_core::identity::words::WordsMessage;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<WordsMessage>(bytes));
