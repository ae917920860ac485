//! The swarm: everybody who wants a snapshot gets it from everybody who holds some of it.
pub mod bucket;
pub mod config;
pub mod getter;
pub mod holdings;
pub mod provider;
pub mod ranges;
pub mod span;
pub mod wire;

pub use config::{GetterConfig, ProviderConfig};
pub use getter::Getter;
pub use holdings::Holdings;
pub use provider::Provider;
pub use span::{Span, Tiling};
