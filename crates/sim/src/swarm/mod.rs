//! Swarms: nodes with lines of bounded speed get one snapshot from each other.
//!
//! It runs the getter and the provider of `kith-core`, and what reads a tree, and nothing else of a node: who may have what is settled before.
//! Data is not made of bytes here; whether it is true depends on who sends it.
//!
//! - [`plan`]: who takes part, and with what line. [`bound`]: how soon they could be done at best.
//! - [`tree`]: what they read first, where the snapshot is a tree. [`reading`]: how.
//! - [`node`]: one of them. [`world`]: the loop. [`perform`]: what machines ask for is done. [`traffic`]: what travels.
//! - [`checker`]: what must hold after each step.
//! - [`story`]: swarms to run, by name.

pub mod bound;
pub mod checker;
pub mod node;
pub mod perform;
pub mod plan;
pub mod reading;
pub mod story;
pub mod traffic;
pub mod tree;
pub mod world;

pub use plan::{Conduct, Member, Plan};
pub use story::{Report, STORIES, Story, command, find, run};
pub use world::World;
