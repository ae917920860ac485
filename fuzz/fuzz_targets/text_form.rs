//! The checksummed text form: whatever bytes go in come out, and no text panics.
#![no_main]

use kith_core::text;
use libfuzzer_sys::fuzz_target;

/// Keeps the text under the bound of the form.
const BYTES_MAX: usize = 2048;

fuzz_target!(|bytes: &[u8]| {
    let bytes = &bytes[..bytes.len().min(BYTES_MAX)];
    let written = text::encode_uri("invite", bytes);
    assert_eq!(text::decode("invite", &written).as_deref(), Ok(bytes));
    if let Ok(typed) = std::str::from_utf8(bytes) {
        let _ = text::decode("invite", typed);
    }
});
