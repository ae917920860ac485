//! Content: who may have what, and how fast.
//!
//! - [`grant`]: a peer may have a share, signed by its owner: what friends of a friend demand and honour.
//! - [`access`]: the one decision whether an asker gets a share.
//! - [`limits`]: which rates hold now, and for whom. [`bucket`]: what sees to a rate.
//! - [`swarm`]: the protocol `/kith/swarm/1`: everybody gets a snapshot from everybody who holds some of it.
//! - [`wire`]: the protocol `/kith/share/1`, by which heads are asked for and given.

pub mod access;
pub mod bucket;
pub mod grant;
pub mod limits;
pub mod swarm;
pub mod wire;

pub use access::{Asker, Guard, LinkProof, Relation, Shown, may};
pub use bucket::Bucket;
pub use grant::{Grant, GrantError, SignedGrant};
pub use wire::{Answer, Proof, Request};
