//! How fast content moves, and to whom.
//!
//! What holds is decided in [`kith_core::content::limits`]. Here the bytes pass by:
//!
//! - `governor`: the plan, the buckets, and [`Limits`](kith_core::content::limits::Limits) as they hold now, for whoever follows them.
//! - `metered`: a half of a stream whose bytes are counted and held back.
//! - [`served`]: what is being served, to whom.
//! - `hours`: the time of the week here, and when other rates hold.
//! - [`handle`]: what an application asks and says of it.

pub(in crate::peer) mod governor;
pub mod handle;
mod hours;
mod metered;
pub mod served;

pub(in crate::peer) use hours::{follow, now};
pub(super) use metered::{Metered, incoming, outgoing};
pub use served::UploadInfo;
