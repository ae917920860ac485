//! What somebody who gives previews says, and a preview.
#![no_main]

use kith_core::content::preview::{ProviderMessage, Size, jpeg};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    kith_fuzz::check_wire::<ProviderMessage>(bytes);
    jpeg::examine(bytes, Size::Large);
});
