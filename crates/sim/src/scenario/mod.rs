//! Stories to run, each by its name.
//!
//! - [`story`]: what a story is, and how one is run.
//! - [`meeting`]: two people meet, by every combination of NATs, on one network, and never online together.
//! - [`invites`]: invites that cross, repeat and race.
//! - [`days`]: days pass, with clocks that are off.
//! - [`random`]: random people, random faults.

pub mod days;
pub mod invites;
pub mod meeting;
pub mod random;
pub mod story;

pub use story::{Outcome, Report, Story, find, run};
