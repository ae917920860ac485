//! What this node shares, and what others share with it, as applications see it.
//!
//! - `handle`: what an application holds. [`source`]: what a text names.
//! - `making`: sharing, and the links to what is shared. `serving`: answering whoever asks.
//! - `looking`: what others share. `reach`: a stream to its owner. `sources`: streams to everybody who may have it.
//! - [`transfer`]: fetching it, however long that takes. `fetched`: how far, and what came of it. `rate`, `failure`: how fast, and why not.

mod failure;
mod fetched;
mod handle;
mod looking;
pub mod making;
mod rate;
mod reach;
mod serving;
pub mod source;
mod sources;
pub mod transfer;

pub use fetched::{Fetched, SourceBytes, TransferProgress};
pub use handle::Contents;
pub use making::{MyShare, Published};
pub(super) use serving::{follow, serve};
pub use source::{ShareName, ShareSource};
pub use transfer::{GetOptions, Transfer};
