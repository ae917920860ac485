//! A world of nodes under one clock.
//!
//! - [`state`]: the loop, and what a run begins with.
//! - [`perform`]: what a machine asks for is done.
//! - [`wires`]: dials, connections and cuts.
//! - [`registries`]: errands to introducers, and their answers.
//! - [`life`]: starts, crashes, rotation and routes.
//! - [`command`]: what people do. [`hostile`]: what strangers do. [`forgers`]: what those do who write invites in
//!   the name of another.

pub mod command;
pub mod forgers;
pub mod hostile;
pub mod life;
pub mod perform;
pub mod registries;
pub mod state;
pub mod wires;

pub use state::{Setup, Violation, World};
