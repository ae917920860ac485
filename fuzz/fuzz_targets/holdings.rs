//! Which chunks somebody holds, a bit each.
#![no_main]

use kith_core::content::swarm::holdings::Holdings;
use libfuzzer_sys::fuzz_target;

/// Keeps what is allocated small; the length is compared before anything else.
const CHUNKS_MAX: u32 = 1 << 16;

fuzz_target!(|input: (u32, &[u8])| {
    let (chunks, bytes) = (input.0 % CHUNKS_MAX, input.1);
    if let Ok(held) = Holdings::from_bytes(chunks, bytes) {
        assert_eq!(held.to_bytes(), bytes, "a second encoding");
    }
});
