//! A frame of the control stream.
#![no_main]

use kith_core::codec;
use kith_core::routing::wire::Frame;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(frame) = Frame::read(bytes) {
        assert!(codec::encode(&frame) == bytes, "a second encoding");
    }
});
