//! A protocol name, from a person or from an offer.
#![no_main]

use kith_core::protocol::ProtocolName;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_text::<ProtocolName>(bytes));
