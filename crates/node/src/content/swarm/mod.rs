//! The shell of the swarm: what [`kith_core::content::swarm`] decides is done here, with streams and files.
//!
//! - `sides`: both of a node. `clock`: the machines' time. `output`: writing halves that take bytes without copying them. `buffers`: memory used again.
//! - [`getting`]: the node's one getter. `source`: a stream to somebody who gives, and `end` how it ended. `arriving`: what comes is verified and written.
//! - `tree`: the nodes of its manifest that came. `fetching`: a transfer, as far as the wire is concerned.
//! - [`giving`]: the node's one provider. `asker`, `answering`: somebody who asks, and their stream. `reading`: what it asks for, from the disk, `reads`: if it answers.
//!
//! ```text
//!  a file ─ reading ─▶ giving ─ asker ─▶ a stream ─▶ source ─ arriving ─▶ a file
//!            (blocking threads)                         (blocking threads)
//! ```
//!
//! Both machines lie behind a lock that is held for microseconds: whoever has something to tell tells it, and hands on what follows.

mod answering;
pub(super) mod arriving;
mod asker;
mod buffers;
mod clock;
mod end;
pub(super) mod fetching;
pub mod getting;
pub mod giving;
pub mod output;
pub(super) mod reading;
mod reads;
mod sides;
pub(super) mod source;
pub(super) mod tree;

pub use end::SourceEnd;
pub use fetching::Intake;
pub use getting::Getting;
pub use giving::Giving;
pub use output::Output;
pub use sides::Sides;
