//! The line that names an introducer, as a person types it.
#![no_main]

use kith_core::introducer::Introducer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_form::<Introducer>(Introducer::PREFIX, bytes));
