//! A whole introducer: what helps strangers meet, run by `kith introducer` and by the test network.
//!
//! # Layout
//!
//! - [`node`]: the [server](crate::relay), and a node with its `kith/1` endpoint.
//! - [`registry`]: signed and sealed records by exact key, over a `kith/1` stream, kept in SQLite.
//! - `notices`: what the introducer says of itself, so that its TLS key can change.
//!
//! Nothing an introducer says is believed without a signature, and what it keeps is sealed; docs/exposure.md says what it sees.

pub mod node;
mod notices;
pub mod registry;

pub use node::{IntroducerBuilder, IntroducerError, IntroducerNode};
pub use notices::AnnounceError;
pub use registry::{RegistryService, ServeError};
