//! A deterministic world that runs whole kith nodes: the machines of `kith-core` under a seeded clock, on wires that
//! delay, lose and break, behind NATs, through crashes, with strangers who replay what they recorded.
//!
//! # Layout
//!
//! - [`world`]: the loop, and the shell of every node. [`event`] is what can be on its way in it.
//! - [`node`], [`errand`]: one node: its machines, its disk, its shell's memory.
//! - [`forger`]: somebody who writes invites in the name of another.
//! - [`network`], [`nat`]: the wires.
//! - [`model`]: the reference: what people did, and what follows from it.
//! - [`checker`]: what must hold after each step, and at rest.
//! - [`scenario`]: stories to run. Each runs twice in the tests, and its [`trace`]s must be equal.
//! - [`swarm`]: swarms, with a world of their own: lines, disks, and the machines that exchange a snapshot.
//! - [`scheme`]: signatures, counted and cheap.
//!
//! A run follows from its scenario's name and a seed. A failure prints both, as the command that repeats it.

pub mod checker;
pub mod errand;
pub mod event;
pub mod forger;
pub mod model;
pub mod nat;
pub mod network;
pub mod node;
pub mod scenario;
pub mod scheme;
pub mod swarm;
pub mod trace;
pub mod world;
