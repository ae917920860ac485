//! The header of a frame: no length over the limit is taken.
#![no_main]

use kith_core::codec::{FRAME_HEADER_BYTES, frame_length};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: ([u8; FRAME_HEADER_BYTES], u16)| {
    let (header, limit) = (input.0, usize::from(input.1));
    if let Ok(length) = frame_length(header, limit) {
        assert!(length <= limit);
    }
});
