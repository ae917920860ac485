//! A running node: the machine of [`kith_core::peer`], and the sockets, disk and timers it steers.
//!
//! - [`contents`]: what is shared and fetched.
//! - `settings`: what a node is told; [`mod@start`]: how it starts. `extension`: what the protocols above keep with it.
//! - [`node`] and [`book`]: what an application holds. [`added`]: who came into it by their invite.
//! - `actor`: the loop that drives the machine; `input` is what it takes, `output` how it does what the machine asks, `live` what it has set up.
//! - `link`: the tasks of one connection. `dials`: attempts under way; `waiting`: who waits for them. `faces`: the endpoints. `sources`: the sources of discovery. `relay`: what runs for contacts.
//! - [`unread`]: streams that are left unread while others wait.
//! - `opening`: how a stream is opened, and what it means when it breaks.
//! - [`express`]: streams over TCP, where a session's path is direct.
//! - `preferences`: what its owner changes while it runs. `recognising`: what a text is that somebody pasted.
//! - [`protocols`] and [`stream`]: what is spoken here and with whom; a negotiated stream.

mod actor;
pub mod added;
mod begun;
pub mod book;
pub mod contents;
mod dials;
pub mod event;
pub mod express;
mod extension;
mod faces;
mod input;
mod link;
mod live;
pub mod node;
mod opening;
mod output;
mod place;
mod preferences;
pub mod protocols;
mod recognising;
mod relay;
mod settings;
mod sources;
pub mod start;
pub mod stream;
mod streams;
pub mod unread;
mod waiting;

pub use book::AddressBook;
pub use contents::{
    AlbumError, AlbumFile, Attached, Contents, Fetched, GetOptions, MyShare, Published, ShareName,
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
pub use preferences::{IntroducerState, Preferences};
pub use protocols::Acceptor;
pub use recognising::Recognised;
pub(crate) use settings::Settings;
pub use start::SpawnError;
pub(crate) use start::start;
pub use stream::{Stream, StreamReader, StreamWriter};
