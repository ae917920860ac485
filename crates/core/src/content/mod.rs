//! Content: who may have what.
//!
//! - [`grant`]: a peer may have a share, signed by its owner: what friends of a friend demand and honour.
//! - [`access`]: the one decision whether an asker gets a share.
//! - [`swarm`]: the protocol `/kith/swarm/1`: everybody gets a snapshot from everybody who holds some of it.
//! - [`wire`]: the protocol `/kith/share/1`, by which heads are asked for and given.

pub mod access;
pub mod grant;
pub mod swarm;
pub mod wire;

pub use access::{Asker, Guard, LinkProof, Relation, Shown, may};
pub use grant::{Grant, GrantError, SignedGrant};
pub use wire::{Answer, Proof, Request};
