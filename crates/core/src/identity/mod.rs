//! Who is it? Bindings, invites, reach secrets, safety words and the address book (DESIGN §1).
//!
//! - [`binding`]: this device acts for this peer, signed by both.
//! - [`invite`] and [`reply`]: how two peers come to know each other, online or never online together.
//! - [`reach`]: the secret two contacts share since then.
//! - [`words`]: how two people check that nobody stands between them.
//! - [`petname`] and [`contact`]: what I call people, and what I know of each.
//! - [`Book`]: the machine that keeps all of it ([`state`], [`store`]), and decides who is let in ([`admission`],
//!   [`acceptance`], [`lapse`]).

pub mod acceptance;
pub mod admission;
pub mod binding;
pub mod commands;
pub mod config;
pub mod contact;
pub mod invite;
pub mod kept_invite;
pub mod lapse;
pub mod outputs;
pub mod petname;
pub mod reach;
pub mod reply;
pub mod state;
pub mod store;
pub mod words;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod forgetting;
#[cfg(test)]
mod scenarios;
mod secret;
mod visible;

pub use acceptance::AcceptError;
pub use admission::{Admission, InviteError, InviteTerms, Mailbox, RedeemError, Shown};
pub use binding::{Binding, BindingError, SignedBinding};
pub use commands::BookError;
pub use config::BookConfig;
pub use contact::{Contact, ContactState, StaleBinding, Standing};
pub use invite::{Hints, Invite, InviteSecret};
pub use kept_invite::{AcceptedInvite, AcceptedRow, Before, Burned, MadeInvite};
pub use outputs::{Event, Output};
pub use petname::{Petname, Tag};
pub use reach::ReachSecret;
pub use reply::{Reply, ReplyError, open_reply, seal_reply};
pub use state::{Book, FindError};
pub use store::RestoreError;
