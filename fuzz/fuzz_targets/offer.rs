//! The header of a stream, from its first byte.
#![no_main]

use kith_core::codec;
use kith_core::routing::Offer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(offer) = Offer::read(bytes) {
        assert!(!offer.names().is_empty());
        assert!(codec::encode(&offer) == bytes, "a second encoding");
    }
});
