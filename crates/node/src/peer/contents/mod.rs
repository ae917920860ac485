//! What this node shares, and what others share with it, as applications see it.
//!
//! - `handle`: what an application holds. [`source`]: what a text names.
//! - `making`: sharing, and the links to what is shared. `serving`: answering whoever asks.
//! - `looking`: what others share. `reach`: a stream to whoever has it.
//! - [`copies`]: what was fetched, and is provided. `keeping`: hearing what became of it. `further`: who has a share beside its owner.
//! - [`transfer`]: fetching it, however long that takes. `rate`, `failure`: how fast, and why not.

pub mod copies;
mod failure;
mod further;
mod handle;
mod keeping;
mod looking;
pub mod making;
mod rate;
mod reach;
mod serving;
pub mod source;
pub mod transfer;

pub use handle::Contents;
pub use making::{MyShare, Published};
pub(super) use serving::serve;
pub use source::{ShareName, ShareSource};
pub use transfer::{Fetched, GetOptions, SourceBytes, Transfer, TransferProgress};
