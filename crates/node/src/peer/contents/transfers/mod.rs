//! Transfers as things of the node: begun by one command, seen, paused and resumed by others, and gone on with after a restart.
//!
//! - [`info`]: what is told of a transfer. [`handle`]: what an application holds: all transfers, or a hold on one.
//! - `order`: what was asked for, as it is compared and kept. `kept`: the row that keeps it.
//! - `registry`: the table. `run`: the task of a transfer under way. `staged`: what arrived for one that is over.
//!
//! Each wraps a [`Transfer`](super::Transfer), which ends when it is dropped and goes on where it ended when it is begun again: pausing is ending.

pub mod handle;
pub mod info;
// What reads it is fuzzed.
#[doc(hidden)]
pub mod kept;
mod order;
pub(in crate::peer) mod registry;
mod run;
mod staged;

pub use handle::{Attached, Transfers};
pub use info::{TransferFailure, TransferId, TransferInfo, TransferState};
pub(in crate::peer) use run::restore;
