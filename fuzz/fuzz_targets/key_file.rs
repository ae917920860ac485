//! The line of `identity.key`, and what stands behind its checksum, which no fuzzer guesses. An export holds the same line.
#![no_main]

use kith::identity::Keys;
use kith::identity::keyfile::PREFIX;
use kith_core::text;
use libfuzzer_sys::fuzz_target;

/// Longer than what a line holds, so that what is too long is tried as well.
const INSIDE_BYTES_MAX: usize = 128;

fuzz_target!(|bytes: &[u8]| {
    let _ = Keys::from_line(bytes);
    let inside = &bytes[..bytes.len().min(INSIDE_BYTES_MAX)];
    let line = text::encode(PREFIX, inside);
    if let Ok(keys) = Keys::from_line(line.as_bytes()) {
        assert!(keys.to_line().trim_end() == line, "a second line");
    }
});
