//! Content over the wire: what is shared here, who gets it, and fetching what others share.
//!
//! - [`store`]: the tables of shares in `kith.db`; `schema`: all tables of the room.
//! - [`shares`]: sharing folders in place. [`recipients`]: with whom. `audience`: with whom from now on. `revoking`: taking it back, from all or from one. `scanning`: what is in them, `scans`: one after the other. `left_out`: what is not. `bare`: what pictures say is not. [`past`]: what was in them before. [`fetches`]: who fetched it.
//! - `fresh`: whether they have changed since; `looks`, `watch`, `folders`: when to look, and where. `disks`: whether it is there at all. [`mod@follow`]: all of it, for as long as a node runs.
//! - [`copies`]: what others share, and copies of it that are provided. `known`: their tables. `part`: copies of some files, `selected`: theirs. [`quota`]: how many there may be. [`others`]: who else provides. `marked`: shares that somebody is to look at.
//! - [`underway`], [`offered`]: what is being fetched, and provided meanwhile.
//! - [`event`]: what happens to all of these.
//! - `offer`: what of all this somebody may have. [`answer`]: one request of `/kith/share/1` becomes one answer.
//! - [`mod@serve`]: the provider's side of a stream.
//! - [`mod@get`]: fetching a share, over several streams, into a folder. [`request`], [`error`], [`glob`]: its words. [`credential`]: what lets us in.
//! - `transfer`: a transfer under way. `preparing`: what it does on the disk first.
//! - [`updating`]: what was got is brought up to date. [`earlier`]: what it was; `was`: the tables for it, `kept`: what did not come of it.
//! - [`givers`]: who gives which parts of it.
//! - [`reader`]: reading files: while they arrive, afterwards, and where they lie. [`lying`], `coming`, [`cache`]: where they come from. [`priorities`]: which are wanted how soon.
//! - [`previews`]: small pictures of pictures.
//! - [`remembered`]: what contacts shared when they last said.
//! - [`liars`]: who is asked for nothing any more.
//! - [`providers`]: who may have it.
//! - [`talk`]: what is asked and told beside: heads, who provides.
//! - [`mod@list`]: looking at what somebody shares, without fetching it.
//!
//! Whether somebody may have a share is decided in [`kith_core::content::access`], and what of a tree may become a path in
//! [`kith_core::data::walk`]; here are only disks and streams.

mod absent;
pub mod answer;
pub mod asking;
mod audience;
mod bare;
pub mod cache;
pub mod chosen;
mod coming;
mod compare;
pub mod copies;
pub mod credential;
mod disks;
pub mod earlier;
pub mod error;
pub mod event;
pub mod fetches;
mod filter;
mod folders;
pub mod follow;
mod frames;
mod fresh;
pub mod get;
mod given;
pub mod givers;
pub mod glob;
mod holding;
mod kept;
pub(crate) mod known;
mod left_out;
pub mod liars;
pub mod list;
mod looks;
pub mod lying;
mod marked;
mod offer;
pub mod offered;
pub mod others;
mod part;
pub mod past;
mod placed;
mod preparing;
pub mod previews;
pub mod priorities;
pub mod providers;
pub mod quota;
pub mod reader;
pub mod recipients;
pub mod remembered;
pub mod request;
mod revoking;
mod scanning;
mod scans;
mod schema;
mod select;
mod selected;
pub mod serve;
pub mod shares;
pub mod store;
pub mod swarm;
pub mod talk;
mod transfer;
pub mod underway;
// What reads it is fuzzed.
#[doc(hidden)]
pub mod unowned;
pub mod updated;
pub mod updating;
mod was;
mod watch;

#[cfg(test)]
mod tests;

pub use asking::{Answered, head, is_in_place};
pub use cache::Cache;
pub use chosen::{Chosen, ChosenError};
pub use copies::{Copy, Held, HoldError, LearnError, News};
pub use credential::{Credential, Stream};
pub use earlier::Earlier;
pub use error::GetError;
pub use event::ShareEvent;
pub use fetches::{Fetch, Version};
pub use filter::Filter;
pub use follow::follow;
pub use get::get;
pub use givers::{Carrier, Giver, Givers};
pub use list::{PAGE_SHARES, SharesPage, entries, list};
pub use lying::Lying;
pub use offered::{Offered, Providing};
pub use others::Others;
pub use previews::{Preview, PreviewError, Previews, Worker};
pub use priorities::{Level, Levels, Priorities, PriorityError};
pub use providers::Provider;
pub use reader::{FileReader, FileVersion, ReadError, Readers};
pub use recipients::{AudienceKind, Recipients, RecipientsError};
pub use remembered::{Forgotten, Remembered};
pub use request::{AlreadyHere, Get, Got, Progress, StagedAt};
pub(crate) use schema::SCHEMAS;
pub use selected::PartOf;
pub use serve::{ServeError, Session, serve};
pub use shares::{Mine, NewShare, ShareError, Shared, Shares};
pub use store::Database;
pub use talk::{Said, Talk};
pub use updated::{KeptHere, KeptWhy, Updated};
pub use updating::Update;
