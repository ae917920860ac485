//! The command line as a person uses it: real processes, each with a data directory of its own, on loopback only.
//!
//! - [`person`]: somebody with a data directory, and perhaps a running node.
//! - [`meeting`], [`streams`], [`services`], [`bad_input`], [`backup`], [`door`], [`snapshots`]: what is shown.

mod backup;
mod bad_input;
mod door;
mod meeting;
mod person;
mod services;
mod snapshots;
mod streams;
