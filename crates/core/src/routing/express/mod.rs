//! The express lane: bulk data of a session over TLS 1.3 on TCP, where the path is direct anyway.
//!
//! A TLS stream over TCP moves more than twice the bytes of a QUIC stream for the same work, because the kernel cuts and joins
//! the packets. So a getter whose session runs over a direct path asks, on a stream in `/kith/express/1`, for a *lane*: a
//! second way for one stream of that session. It is given a port and a *ticket*, dials the port at the very address the session
//! has, and shows the ticket in two ways: its name in front, where it is all that makes the other side say anything at all;
//! and inside, as a proof bound to the session and to the TLS connection both. Whoever lacks either has nothing.
//!
//! Both sides hold the device keys of the session in TLS (raw public keys, RFC 7250). The stream on which the lane was
//! asked for stays open beside it, and when that ends (the session does, the peer is blocked) so does the lane.
//!
//! - [`config`]: how many, how long.
//! - [`wire`]: what is said on the stream.
//! - [`ticket`]: names and proofs.
//! - [`state`]: the machine that issues tickets and takes them back.

pub mod config;
pub mod state;
pub mod ticket;
pub mod wire;

pub use state::{Admission, Asker, LaneId, SessionNumber, Tickets};
pub use ticket::{Ticket, TicketName};
pub use wire::{Answer, PROTOCOL, Refusal, Request};
