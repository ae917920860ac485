//! The library people embed: iroh, disk and timers driving [`kith_core`].
//!
//! A [`Node`] is one device of one person. It meets others by invites, finds them by key, and opens streams to them in
//! named protocols:
//!
//! ```
//! use kith::core::{protocol::ProtocolName, routing::Access};
//! use kith::testing::{befriend, local_node};
//! use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // `Node::builder().data_dir(…)` outside of tests; this one keeps to loopback and a temporary directory.
//! let alice = local_node().name("alice").spawn().await?;
//! let bob = local_node().name("bob").spawn().await?;
//! befriend(&alice, &bob).await?; // an invite of one, added by the other
//!
//! let chat: ProtocolName = "/chat/1".parse()?;
//! let mut calls = alice.accept(chat.clone(), Access::Contacts)?;
//! let friend = bob.find("alice").await?; // by my own name for her
//! let mut stream = bob.open(friend.peer, &[chat]).await?;
//! stream.write_all(b"hello").await?;
//! stream.shutdown().await?;
//!
//! let mut heard = String::new();
//! calls.next().await.expect("she runs").read_to_string(&mut heard).await?;
//! assert_eq!(heard, "hello");
//! println!("{:?} away", bob.pinger(friend.peer).ping().await?.round_trip);
//! # alice.shutdown().await;
//! # bob.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! [`Node::address_book`] has names, tags and invites, [`Node::contents`] what is shared, [`Stream::datagrams`] unreliable
//! datagrams beside a stream, and [`testing::Testnet`] a small network for your own tests.

mod address_group;
pub mod builder;
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
pub mod relay;
pub mod routing;

pub use builder::NodeBuilder;
pub use error::{Error, ErrorKind};
pub use kith_core as core;
pub use peer::{Acceptor, AddressBook, Contents, Event, Node, SpawnError, Stream};
pub use routing::Refused;
