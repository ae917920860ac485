//! What the database hands back of a service that is offered for good.
#![no_main]

use kith::protocol::service::ServiceOffer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &[u8]| {
    if let Ok(offer) = ServiceOffer::read(value) {
        let again = offer.row().value.expect("kept");
        assert_eq!(
            ServiceOffer::read(&again),
            Ok(offer),
            "what is kept is not read"
        );
    }
});
