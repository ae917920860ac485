//! What somebody who looks at previews says.
#![no_main]

use kith_core::content::preview::AskerMessage;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<AskerMessage>(bytes));
