//! A card: where a contact is.
#![no_main]

use kith_core::peer::note::Card;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<Card>(bytes));
