//! Data on the disk: hashing files where they lie, encoding and decoding verified ranges, and making what arrives
//! durable before it gets its name.
//!
//! - [`hash`]: the BLAKE3 hash and outboard of a file, on all cores.
//! - [`outboard`]: the outboards of shared files, kept under `blobs/`.
//! - [`range`]: a range of a blob to and from its verified encoding. [`encoding`]: where that is written. [`pieces`]: by few calls. [`spine`]: what of
//!   a tree is read once.
//! - [`scan`]: a folder becomes a tree of manifest nodes. [`bare`]: pictures and films without what they say, in place of those that lie there.
//!   [`traces`]: what those say.
//! - [`staging`]: where a download grows until it is whole. [`places`]: where its parts lie. [`incoming`]: a file of it. [`disk`]: how it touches the disk.
//! - `adding`: it becomes part of a folder that is there already. `links`: its symbolic links, until it is whole. `older`: what arrived of another version.
//!   `joining`: what two runs have of one file becomes one. [`relocating`]: it goes on in another folder.
//! - `lineage`: a folder that lies in itself. `pulse`: signs of life of what reads disks that may not answer.
//! - [`nodes`]: the manifest of what is downloaded.
//! - [`local`]: a file that lies here already is not fetched again.
//! - [`directories`]: the folders of this machine, to point to one.
//! - [`syncing`]: it becomes durable while more comes. [`barrier`]: one wait for the disk.
//!
//! Everything here blocks; callers in async code put it on blocking threads.

mod adding;
pub mod bare;
pub mod barrier;
pub mod directories;
pub mod disk;
pub mod encoding;
#[cfg(test)]
pub(crate) mod filmed;
pub mod hash;
pub mod incoming;
mod joining;
pub(crate) mod lineage;
mod links;
pub mod local;
pub mod nodes;
mod older;
pub mod outboard;
pub mod pieces;
pub mod places;
pub(crate) mod pulse;
pub mod range;
pub mod relocating;
pub mod scan;
pub mod spine;
pub mod staging;
pub mod syncing;
pub mod traces;
#[cfg(test)]
pub(crate) mod wanted;

pub use bare::BarePictures;
pub use disk::StagingError;
pub use hash::{Hashed, Stamp};
pub use incoming::Incoming;
pub use local::Candidate;
pub use outboard::Outboards;
pub use range::{Blob, Mismatch, Verified};
pub use scan::{Found, LeftOut, ScanError, Scanned};
pub use staging::Staging;
pub use traces::{TakenSomewhere, TracesFound};
