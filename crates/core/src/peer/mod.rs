//! A whole node as one machine: the only module that knows all the rooms.
//!
//! ```text
//!              ┌ identity::Book ── who is let in; what is shared with whom
//!  Peer ───────┼ routing::Sessions ── whom to dial, what is said first, what stays
//!              └ discovery::Presence ── what is published for contacts, what is looked up
//! ```
//!
//! The rooms do not know each other. What passes between them passes here:
//!
//! - `state`: the loop; the book's events become reach secrets, wants and closed sessions.
//! - `sessions`: a session asks who may come in, and the book answers.
//! - `proving`: invites are shown and acknowledged; `cards`: contacts tell each other where they are.
//! - `finding`: a session asks where somebody is; invites, cards, sealed records and the local network (`sightings`) answer.
//! - `visit`: introducers are asked, each time by nobody.
//! - `wanting`: with whom a session is kept up, and whom we leave alone because they want none (`regard`).
//! - `comparing`: safety words, while both look.
//! - `meeting`: invites, and the mailboxes of people who are never online together.
//! - `notices`: what introducers say of themselves takes the place of the lines they were named by.
//! - `locating`: who wants to be found by PeerId says where; who looks for such a one asks.
//! - `faces`: the node's own keys, bindings and places; `life`: how often it has been started.
//! - `seeing`: when contacts were here last.
//! - `settings`: what the owner changes while it runs.
//! - `relaying`: whom we relay for, and which contacts relay for us.
//!
//! What each of these remembers stands in a file of its own: `connections`, `places`, `mailboxes`, `devices`, `homes`,
//! `lines`, `listed`, `relays`, `comparisons`, `seen`.
//!
//! The shell (kith-node, or the simulator) performs [`Output`]s in order and reports what comes of them:
//!
//! ```text
//! while let Some(output) = peer.poll_output() { perform(output) }
//! wait for a connection, bytes, an address, a record, a command … => peer.handle_*(now, …)
//!          peer.poll_timeout()                                     => peer.handle_timeout(now)
//! ```

mod cards;
mod comparing;
mod comparisons;
pub mod config;
mod connections;
mod devices;
mod faces;
mod finding;
#[cfg(test)]
mod hellos;
mod homes;
pub mod io;
mod life;
mod lines;
mod listed;
mod locating;
mod mailboxes;
mod meeting;
pub mod note;
mod notices;
#[cfg(test)]
mod people;
mod places;
pub mod proof;
mod proving;
mod regard;
mod relaying;
mod relays;
mod seeing;
mod seen;
mod sessions;
mod settings;
mod sightings;
mod state;
mod visit;
mod wanting;

pub use comparing::CompareError;
pub use config::Config;
pub use io::{Event, Output, Source};
pub use meeting::InviteOptions;
pub use regard::Regard;
pub use relays::RelayOffer;
pub use state::{Peer, StartError};
pub use visit::Visit;
