//! Express lanes: a stream of a session carried by TLS 1.3 on TCP. What is decided is in [`kith_core::routing::express`].
//!
//! - [`giver`]: the side that is dialled: tickets, and the port while one is out. `listener`: the port, and who is let through.
//! - [`dial`]: the side that dials.
//! - `tls`: raw public keys, the session's own. `socket`: TCP beneath them.
//! - [`lane`]: what becomes of it, the two halves of a stream: `writer` and `reader`, and their `leash`.

pub mod dial;
pub mod giver;
pub mod lane;

mod leash;
mod listener;
pub(in crate::routing) mod reader;
mod socket;
mod tls;
pub(in crate::routing) mod writer;

pub use dial::DialError;
pub use giver::{GiveError, Given, Giver};
pub use lane::Lane;
