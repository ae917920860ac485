//! Stories to run, each by its name.
//!
//! - [`story`]: what a story is, and how one is run.
//! - [`meeting`]: two people meet, by every combination of NATs, on one network, and never online together.
//! - [`invites`]: invites that cross, repeat and race.
//! - [`forged`]: invites in the name of another that lead to whoever wrote them.
//! - [`crowd`]: many people.
//! - [`days`]: days pass, with clocks that are off.
//! - [`guests`]: a guest becomes a contact, or never does.
//! - [`random`]: random people, random faults.
//! - [`strangers`]: strangers repeat what they recorded.

pub mod crowd;
pub mod days;
pub mod forged;
pub mod guests;
pub mod invites;
pub mod meeting;
pub mod random;
pub mod story;
pub mod strangers;

pub use story::{Outcome, Report, Story, find, run};
