//! What somebody says of itself on the local network: entries of a TXT record, each one string as DNS has them.
#![no_main]

use kith_core::discovery::Advertisement;
use kith_core::discovery::lan::TAGS_MAX;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|entries: Vec<(&str, &[u8])>| {
    if let Some(read) = Advertisement::from_txt(entries) {
        assert!(read.tags.len() <= TAGS_MAX, "over its bound");
        let told = read.to_txt();
        let pairs = told.iter().map(|(key, value)| (&**key, &**value));
        assert_eq!(Advertisement::from_txt(pairs), Some(read));
    }
});
