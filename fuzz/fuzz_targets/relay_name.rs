//! The host name of a relay, which says pin and addresses: what is accepted is written so that it reads back the same.
#![no_main]

use kith_core::introducer::RelayName;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|host: &str| {
    if let Some(name) = RelayName::parse(host) {
        assert_eq!(RelayName::parse(&name.host()), Some(name));
    }
});
