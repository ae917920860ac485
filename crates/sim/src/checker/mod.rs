//! What must hold in every world: looked at after each step, and again when a world has come to rest.
//!
//! - [`agreement`]: both sides agree who is a contact, and by which secret they find each other: after each step as far as
//!   word of it has come, at rest wholly.
//! - [`connections`]: at most one connection per pair of devices.
//! - [`epochs`]: nobody believes a binding older than one they have seen.
//! - [`privacy`]: nothing an introducer stores says who or where somebody is.
//! - [`sessions`]: no session stands with whom it must not.

pub mod agreement;
pub mod connections;
pub mod epochs;
#[cfg(test)]
mod fixture;
pub mod privacy;
pub mod sessions;
pub mod view;

pub use agreement::Agreement;
pub use connections::Connections;
pub use epochs::Epochs;
pub use privacy::Privacy;
pub use sessions::Sessions;
pub use view::{Checker, Fact, View};

/// All of them.
pub fn all() -> Vec<Box<dyn Checker>> {
    vec![
        Box::new(Sessions),
        Box::new(Epochs),
        Box::new(Privacy::default()),
        Box::new(Connections),
        Box::new(Agreement),
    ]
}
