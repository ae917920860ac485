//! An encoded introducer, as an invite carries it.
#![no_main]

use kith_core::introducer::Introducer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<Introducer>(bytes));
