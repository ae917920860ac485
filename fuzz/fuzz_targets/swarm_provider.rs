//! What a provider of a swarm says.
#![no_main]

use kith_core::content::swarm::wire::ProviderMessage;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_fuzz::check_wire::<ProviderMessage>(bytes));
