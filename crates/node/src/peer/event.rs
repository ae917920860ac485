//! What an application may want to know of a running node.

pub use kith_core::peer::{Event, Source};
