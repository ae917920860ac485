//! Content: who may have what, who has it, and how fast it moves.
//!
//! - [`grant`]: a peer may have a share, signed by its owner: what friends of a friend demand and honour.
//! - [`access`]: the one decision whether an asker gets a share.
//! - [`referral`]: where a provider is reached. [`providers`]: who provides a share, and who is told of them.
//! - [`news`]: who is told that a share has a new head, or is lost to them; how fast such word is heard.
//! - [`limits`]: which rates hold now, and for whom. [`bucket`]: what sees to a rate.
//! - [`preview`]: the protocol `/kith/preview/1`: small pictures of the pictures in a share.
//! - [`firsts`]: whom a transfer asks first what there is. [`retries`]: whether one that ended too early is tried again, and when.
//! - [`swarm`]: the protocol `/kith/swarm/1`: everybody gets a snapshot from everybody who holds some of it.
//! - [`wire`]: the protocol `/kith/share/1`, by which heads are asked for and given.

pub mod access;
pub mod bucket;
pub mod firsts;
pub mod grant;
pub mod limits;
pub mod news;
pub mod preview;
pub mod providers;
pub mod referral;
pub mod retries;
pub mod swarm;
pub mod wire;

pub use access::{Asker, Guard, LinkProof, Relation, Shown, may, may_know_end};
pub use bucket::Bucket;
pub use grant::{Grant, GrantError, GrantProof, SignedGrant};
pub use providers::{ProviderName, Providers};
pub use referral::Referral;
pub use retries::Retries;
pub use wire::{Answer, Proof, Request};
