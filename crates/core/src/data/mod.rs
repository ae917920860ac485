//! Data: what survives unreliable, untrusted peers.
//!
//! - [`path`]: which names may be in a tree, so that none leads out of the folder it is written to.
//! - [`manifest`]: a directory as a blob, a tree as a Merkle DAG of them. [`builder`]: makes them.
//! - [`walk`]: reads such a tree from nodes that arrive in any order, and trusts none of them.
//! - [`walker`]: which of those nodes are asked for and read next, and how much is held of them.
//! - [`listing`]: what one directory of it lists, a page at a time.
//! - [`repeats`]: how much without bytes a tree may have made of few of them.
//! - [`mod@line`]: which files lie on a stretch of it, laid end to end.
//! - [`head`]: what the owner of a share signs: this share is now this tree.
//! - [`link`]: a share as text, to hand to somebody.
//! - [`traces`]: what a picture says beside its pixels, and the picture without it.

pub mod builder;
pub mod head;
pub mod line;
pub mod link;
pub mod listing;
pub mod manifest;
pub mod path;
pub mod repeats;
pub mod traces;
#[cfg(test)]
mod trees;
pub mod walk;
pub mod walker;

pub use builder::{Built, DirectoryBuilder, NodeBlob};
pub use head::{Audience, Head, HeadError, Layout, Ownership, SignedHead};
pub use link::{LINK_NAME_BYTES_MAX, Link};
pub use listing::{Listing, Page};
pub use manifest::{Entry, ManifestError, Node, Totals};
pub use path::{Names, PathError};
pub use walk::{Item, Walk, WalkError};
pub use walker::Walker;
