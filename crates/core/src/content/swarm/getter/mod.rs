//! The side that wants. See [`Getter`] and [the room](super).
//!
//! - `state.rs`: what it is told. `answers.rs`: what sources say. `schedule.rs`: who is asked for what. `settle.rs`: what is over.
//! - `endgame.rs`: what is asked of a second source. `transfer.rs`: what is missing. `picker.rs`: which chunk is next.
//! - `gives.rs`: which parts came from whom. `givers.rs`: the same, to be looked at.
//! - `streams.rs`: several streams of one device: when one more is worth it, and which of them counts.
//! - `source.rs`, `pace.rs`: who gives, and how fast. `edges.rs`: who holds some files for good. `stall.rs`: who does not. `liars.rs`: who must not.

mod answers;
mod edges;
mod endgame;
mod givers;
mod gives;
mod liars;
mod output;
mod pace;
mod picker;
mod schedule;
mod settle;
mod source;
mod stall;
mod state;
mod streams;
mod transfer;

#[cfg(test)]
mod tests;

pub use answers::Due;
pub use givers::Giver;
pub use gives::{GIVERS_MAX, PARTS};
pub use output::{
    EndReason, Output, Path, PathKind, Priority, ReaderId, SourceId, TransferId, Who,
};
pub use state::{Getter, Progress};
