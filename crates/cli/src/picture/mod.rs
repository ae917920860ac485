//! Making a picture small, in a process that does nothing else: `kith preview-worker SIDE`, hidden from people.
//!
//! The node runs it for each picture (`kith::content::previews::worker` says how they talk).
//!
//! - [`worker`]: the process: its bounds, what it reads, what it answers.
//! - `decode`: pixels of a file of any known format. `shrink`: a preview of pixels.

mod decode;
mod refused;
mod shrink;
pub(crate) mod worker;

#[cfg(test)]
mod tests;
