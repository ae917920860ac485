//! The identity of this node: its secret keys, in their file and in an export one can carry.
//!
//! What an identity *does* (bindings, invites, the address book) is decided in [`kith_core::identity`].
//!
//! - [`keyfile`]: `identity.key`, created once, readable by its owner alone.
//! - [`export`](mod@export): the same keys encrypted under a passphrase.
//! - [`owner`]: whose the database beside them is.

pub mod export;
pub mod keyfile;
pub mod owner;

pub use export::{ExportError, export, import};
pub use keyfile::{KeyfileError, Keys};
pub use owner::OwnerError;
