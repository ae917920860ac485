//! A request to a registry.
#![no_main]

use kith_core::discovery::Request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(request) = Request::from_bytes(bytes) {
        assert!(request.to_bytes() == bytes, "a second encoding");
    }
});
