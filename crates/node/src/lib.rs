//! The library people embed: iroh, disk and timers driving [`kith_core`].

pub mod clock;
pub mod config;
pub mod durable;
pub mod entropy;
pub mod home;
pub mod store;

pub mod content;
pub mod data;
pub mod discovery;
pub mod identity;
pub mod introducer;
pub mod peer;
pub mod routing;
