//! What this node shares, and what others share with it, as applications see it.
//!
//! - `handle`: what an application holds. [`source`]: what a text names.
//! - `making`: sharing, and the links to what is shared. `serving`: answering whoever asks.
//! - `looking`: what others share. `reach`: a stream to whoever has it. `sources`: streams to everybody who may have it.
//!   `attempts`: who of them is tried when. `announcing`: telling contacts that something changed. `remembering`: what they shared, for when they are
//!   away; `answers`: which of their answers counts.
//! - [`albums`]: shares whose folder is the node's own. [`storage`]: what all this takes of the disk.
//! - [`copies`]: what was fetched, and is provided. `keeping`: hearing what became of it. `further`: who has a share beside its owner.
//! - [`transfer`]: fetching it, however long that takes. [`options`]: what is wanted. [`fetched`], `rate`, `failure`: how far, how fast, and why not.
//!   `turns`: how many are looked for at once. `release`: how long an ended run may still hold what it wrote to.
//! - `opening`: reading any file, whether it was fetched or not. `reads`: what is fetched for that.
//! - [`previews`]: small pictures of pictures, own and others'.
//! - [`limits`]: how fast content moves, and to whom.
//! - `traces`: what pictures say beside their pixels.
//! - [`transfers`]: all that is being fetched, as things of the node.

pub mod albums;
mod announcing;
mod answers;
mod attempts;
pub mod copies;
mod failure;
pub mod fetched;
mod further;
mod handle;
mod keeping;
pub mod limits;
mod looking;
pub mod making;
mod opening;
pub mod options;
mod placing;
pub mod previews;
mod rate;
mod reach;
pub(in crate::peer) mod reads;
mod release;
mod remembering;
mod serving;
pub mod source;
mod sources;
pub mod storage;
mod traces;
pub mod transfer;
pub mod transfers;
mod turns;

pub use albums::{AlbumError, AlbumFile, Upload};
pub use fetched::{Fetched, SourceBytes, TransferProgress};
pub use handle::Contents;
pub use limits::UploadInfo;
pub(super) use limits::{follow as follow_hours, now as week_minute};
pub use making::{MyShare, Published};
pub use options::GetOptions;
pub(super) use serving::{follow, serve};
pub use source::{ShareName, ShareSource};
pub use storage::Storage;
pub use transfer::Transfer;
pub(super) use transfers::restore;
pub use transfers::{
    Attached, TransferFailure, TransferId, TransferInfo, TransferState, Transfers,
};
