//! The flow number in front of a datagram.
#![no_main]

use kith_core::routing::datagram::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok((flow, header)) = read(bytes) {
        assert_eq!(flow.datagram(&bytes[header..]), bytes, "a second encoding");
    }
});
