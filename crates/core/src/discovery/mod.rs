//! Discovery: given a contact, where is it now; and where am I, told to contacts and to nobody else.
//!
//! - [`record`]: a signed, sequenced, expiring statement under a key; all that a registry holds.
//! - [`locator`]: the daily keys two contacts derive from their reach secret.
//! - [`address`]: what a device says of itself, sealed for one contact to a size that never varies.
//! - [`lan`]: the same on the local network: a name that changes with the key, tags that contacts recognise.

pub mod address;
pub mod lan;
pub mod locator;
pub mod record;

pub use address::{AddressError, AddressRecord};
pub use record::{Record, RecordError, Slot, Terms};
