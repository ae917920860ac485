//! Previews: small pictures of the pictures in a share, made by who provides it, so that an album is seen before it is fetched.
//!
//! - [`size`]: how large they are.
//! - [`wire`]: the protocol `/kith/preview/1`, by which they are asked for and given.
//! - [`jpeg`]: what a preview is, looked at without decoding it.

pub mod jpeg;
pub mod size;
pub mod wire;

pub use jpeg::Extent;
pub use size::Size;
pub use wire::{AskerMessage, Open, ProviderMessage, Refusal};
