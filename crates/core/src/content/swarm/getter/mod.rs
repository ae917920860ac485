//! The side that wants. See [`Getter`] and [the room](super).
//!
//! - [`state`]: what it is told. [`answers`]: what sources say. [`schedule`]: who is asked for what. [`settle`]: what is over.
//! - [`transfer`]: what is missing. [`picker`]: which chunk is next.
//! - [`source`], [`pace`]: who gives, and how fast. [`stall`]: who does not. [`liars`]: who must not.

mod answers;
mod liars;
mod output;
mod pace;
mod picker;
mod schedule;
mod settle;
mod source;
mod stall;
mod state;
mod transfer;

#[cfg(test)]
mod tests;

pub use answers::Due;
pub use output::{
    EndReason, Output, Path, PathKind, Priority, ReaderId, SourceId, TransferId, Who,
};
pub use state::{Getter, Progress};
