//! A running node: the machine of [`kith_core::peer`], and the sockets, disk and timers it steers.
//!
//! - [`contents`]: what is shared and fetched.
//! - [`builder`]: how a node is described and started.
//! - [`node`] and [`book`]: what an application holds.
//! - `actor`: the loop that drives the machine; `input` is what it takes, `live` what it has set up.
//! - `link`: the tasks of one connection. `paths`: when a lost direct path is sought again. `faces`: the endpoints. `sources`: the sources of discovery. `relay`: what runs for contacts.
//! - [`unread`]: streams that are left unread while others wait.
//! - `opening`: how a stream is opened, and what it means when it breaks.
//! - [`express`]: streams over TCP, where a session's path is direct.
//! - `preferences`: what its owner changes while it runs. `recognising`: what a text is that somebody pasted.
//! - [`protocols`] and [`stream`]: what is spoken here and with whom; a negotiated stream.

mod actor;
mod begun;
pub mod book;
pub mod builder;
pub mod contents;
pub mod event;
pub mod express;
mod faces;
mod input;
mod link;
mod live;
pub mod node;
mod opening;
mod paths;
mod place;
mod preferences;
pub mod protocols;
mod recognising;
mod relay;
mod sources;
pub mod stream;
mod streams;
pub mod unread;

pub use book::AddressBook;
pub use builder::{NodeBuilder, SpawnError};
pub use contents::{
    AlbumError, Attached, Contents, Fetched, GetOptions, MyShare, Published, ShareName,
    ShareSource, SourceBytes, Storage, Transfer, TransferFailure, TransferId, TransferInfo,
    TransferProgress, TransferState, Transfers, Upload, UploadInfo,
};
pub use event::{Event, Source};
pub use express::NoLane;
pub use link::OFFER_WITHIN;
pub(crate) use live::Stood;
pub(crate) use node::WeakNode;
pub use node::{Node, SessionInfo};
pub(crate) use opening::Opening;
pub use place::PlaceError;
pub use preferences::Settings;
pub use protocols::{AcceptError, Acceptor};
pub use recognising::Recognised;
pub use stream::{Refused, Stream, StreamReader, StreamWriter};
