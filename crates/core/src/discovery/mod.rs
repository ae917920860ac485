//! Discovery: given a contact, where is it now; and where am I, told to contacts and to nobody else.
//!
//! - [`record`]: a signed, sequenced, expiring statement under a key; all that a registry holds.
//! - [`locator`]: the daily keys two contacts derive from their reach secret.
//! - [`address`]: what a device says of itself, sealed for one contact to a size that never varies.
//! - [`listing`]: where the public face of somebody is who wants to be found by PeerId.
//! - [`notice`]: what an introducer says of its own line, so that its TLS key can change.
//! - `plain`: what these two have in common.
//! - [`schedule`]: when what is published, and under which day.
//! - [`state`]: the [`Presence`] machine: publishes my address for each contact, looks up theirs.
//! - [`wire`]: the requests and answers between a node and an introducer's registry.
//! - [`quota`]: what one client of a registry may take, so that others find room.
//! - [`registry`]: the [`Registry`] machine: the introducer's side.
//! - [`lan`]: the same on the local network: a name that changes with the key, tags that contacts recognise.

pub mod address;
pub mod config;
mod contact;
pub mod lan;
pub mod listing;
pub mod locator;
pub mod notice;
mod own;
mod plain;
pub mod quota;
pub mod record;
pub mod registry;
pub mod schedule;
pub mod state;
pub mod wire;

pub use address::{AddressError, AddressRecord};
pub use config::{PresenceConfig, RegistryConfig};
pub use contact::{FindError, Told};
pub use lan::Advertisement;
pub use listing::Listing;
pub use notice::{NextPin, Notice};
pub use own::{OwnAddress, OwnFace};
pub use plain::PlainError;
pub use record::{Record, RecordError, Slot, Terms};
pub use registry::{Client, Registry, RegistryCounts, RegistryOutput};
pub use state::{Alternative, Presence, PresenceOutput, PublishTarget};
pub use wire::{Answer, REGISTRY_PROTOCOL, Refusal, Request};
