//! The name of a ticket, from a TLS server name.
#![no_main]

use kith_core::routing::express::TicketName;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(name) = std::str::from_utf8(bytes)
        && let Some(ticket) = TicketName::from_server_name(name)
    {
        let written = ticket.server_name();
        assert!(written.eq_ignore_ascii_case(name), "a second name");
    }
});
