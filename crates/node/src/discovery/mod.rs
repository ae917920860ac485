//! Where a contact is now, asked of every place that may know: one file for each *source*, all behind one trait.
//!
//! What is told to whom, and which answer to believe, [`kith_core::discovery`] decides; here are the sockets. Sources run
//! side by side, and whatever they find is a claim until a signature or a handshake proves it.
//!
//! - [`source`]: the trait, what a source is told and what it finds.
//! - [`invites`]: the addresses that invites carry.
//! - [`lan`]: the local network, by DNS-SD.
//! - [`neighbours`]: what the local network says, bounded.
//! - [`registries`]: the registries of all introducers in use, side by side.
//! - [`visit`]: one request to one of them, as nobody.

pub mod invites;
pub mod lan;
pub mod neighbours;
pub mod registries;
pub mod source;
pub mod visit;

pub use invites::Invites;
pub use lan::{Interfaces, Lan};
pub use registries::Registries;
pub use source::{Announcement, Finding, Neighbour, Order, Running, Source, start};
pub use visit::{Pay, VisitError, Visits};
