//! What is inside of an exported identity, and what stands behind its checksum, which no fuzzer guesses. `age` reads what is around it, which
//! takes a second for each passphrase.
#![no_main]

use kith::identity::export::{ExportError, read};
use kith::identity::keyfile::PREFIX;
use kith_core::text;
use libfuzzer_sys::fuzz_target;

/// Longer than what a line holds, so that what is too long is tried as well.
const INSIDE_BYTES_MAX: usize = 128;

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    let inside = &bytes[..bytes.len().min(INSIDE_BYTES_MAX)];
    check(text::encode(PREFIX, inside).as_bytes());
});

/// Keys come back from the line that would be exported of them; else it is said to be damaged or newer, and nothing else.
fn check(inside: &[u8]) {
    match read(inside) {
        Ok(keys) => {
            let again = read(keys.to_line().as_bytes()).ok();
            assert!(again == Some(keys), "what is exported is not read");
        }
        Err(ExportError::Damaged | ExportError::Newer) => {}
        Err(error) => panic!("what is inside is blamed for {error}"),
    }
}
