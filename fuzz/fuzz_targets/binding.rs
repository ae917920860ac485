//! A binding of a device to a peer, as the other side shows it.
#![no_main]

use kith_core::identity::SignedBinding;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<SignedBinding>(bytes));
