//! Every decision kith makes, and no IO.
//!
//! # Layout
//!
//! The ground floor, which every room may import: [`ids`], [`text`], [`codec`], [`crypto`], [`time`],
//! [`address`], [`introducer`], [`protocol`].
//!
//! The rooms, one per role of a peer-to-peer system; they never import each other:
//!
//! - [`identity`]: who is it? Bindings, invites, reach secrets, safety words, the address book.
//! - [`discovery`]: where is it? Sealed address records, locators, the registry, LAN tags.
//! - [`routing`]: a key becomes a session and a session carries negotiated streams.
//! - [`data`]: what survives unreliable peers. Manifests and signed heads.
//! - [`content`]: who may have what, and who gets it from whom. Shares, audiences, grants, swarms.
//!
//! And [`peer`], the one module that composes the rooms into a whole node.
//!
//! # One machine grammar
//!
//! Every state machine here is driven the same way, so this loop drives any of them:
//!
//! ```text
//! machine.handle_*(now, input);            // a message, a command, a timer
//! while let Some(output) = machine.poll_output() { perform(output) }
//! sleep_until(machine.poll_timeout());     // then machine.handle_timeout(now)
//! ```
//!
//! The same seed and the same inputs give the same output bytes.

pub mod address;
pub mod codec;
pub mod crypto;
#[cfg(test)]
mod decoding;
pub mod ids;
pub mod introducer;
pub mod protocol;
pub mod random;
pub mod row;
pub mod text;
pub mod time;

pub mod content;
pub mod data;
pub mod discovery;
pub mod identity;
pub mod peer;
pub mod routing;
