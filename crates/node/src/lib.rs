//! The library people embed: iroh, disk and timers driving [`kith_core`].

pub mod clock;
pub mod config;
pub mod durable;
pub mod entropy;
pub mod error;
pub mod home;
pub mod store;
pub mod testing;

pub mod content;
pub mod data;
pub mod discovery;
pub mod identity;
pub mod introducer;
pub mod peer;
pub mod protocol;
pub mod routing;

pub use error::{Error, ErrorKind};
pub use kith_core as core;
pub use peer::{
    Acceptor, AddressBook, Contents, Event, Node, NodeBuilder, Refused, SpawnError, Stream,
};

/// The rooms' pieces of the database, in the order they were invented.
pub(crate) const SCHEMAS: &[&str] = &[content::SCHEMA];
