//! What a provider sends as a preview.
#![no_main]

use kith_core::content::preview::Size;
use kith_core::content::preview::jpeg::examine;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for size in [Size::Small, Size::Large] {
        if let Some(extent) = examine(bytes, size) {
            assert!(extent.width.max(extent.height) <= size.side_max());
        }
    }
});
