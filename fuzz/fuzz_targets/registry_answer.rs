//! What a registry answers.
#![no_main]

use kith_core::discovery::Answer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(answer) = Answer::from_bytes(bytes) {
        assert!(answer.to_bytes() == bytes, "a second encoding");
    }
});
