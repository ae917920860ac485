//! The side that gives. See [`Provider`] and [the room](super).
//!
//! - `state.rs`: what it is told. `places.rs`: who is served, and whose turn it is. `streams.rs`: who asks by several streams.
//! - `snapshot.rs`, `asker.rs`: what is given to whom.

mod asker;
mod output;
mod places;
mod snapshot;
mod state;
mod streams;

#[cfg(test)]
mod tests;

pub use output::{AskerId, CloseReason, Output, SnapshotId};
pub use state::Provider;
