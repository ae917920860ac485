//! The one door to a running node: HTTP with JSON under `/api/v1`, on the Unix socket of its data directory, and on TCP for browsers
//! and programs that were let in.
//!
//! Handlers hold no rules: those are in the library. Each file has the handlers of one subject, and the JSON they speak,
//! which the commands read with the same types.
//!
//! - [`server`]: the socket, and how it ends. [`router`]: what is where. [`document`]: the same for programs (OpenAPI).
//! - [`answer`]: JSON, JSON lines for long work, or a failure.
//! - [`node`], [`contacts`], [`invites`], [`ping`], [`events`], [`trace`], [`doctor`]: subjects.
//! - [`named`]: whom a command goes to. `paths`: which files of this machine it means. [`folders`]: where on this machine.
//! - [`shares`]: what is shared here. [`listing`]: what others share. [`remembered`]: what they shared when they were there. [`getting`], [`transfers`], [`priority`]: fetching it, what is being fetched, and what of it first. [`files`]: reading that meanwhile, and any other file. [`previews`]: pictures made small. [`pictures`]: what they say beside their pixels. [`limits`]: how fast.
//! - [`network`]: sessions and introducers. [`settings`]: what the owner wants. [`recognise`]: what a text is. [`albums`]: putting files into shares.
//! - [`content_urls`]: where browsers read content from.
//! - [`guests`]: commands that share another command's node.
//! - [`access`]: who may come in by TCP ([`crate::web`]).
//! - [`services`]: what is offered to contacts, and theirs reached here.
//! - [`raw`]: calls that become a stream to a peer (`Upgrade: kith-raw`). [`listeners`]: incoming ones.
//!
//! Nothing that runs programs is here.

pub(crate) mod access;
mod albums;
mod answer;
mod conditions;
pub(crate) mod contacts;
mod content_urls;
pub(crate) mod doctor;
mod document;
mod door;
pub(crate) mod events;
mod files;
mod folders;
pub(crate) mod getting;
pub(crate) mod guests;
pub(crate) mod invites;
pub(crate) mod limits;
pub(crate) mod listeners;
pub(crate) mod listing;
mod named;
mod network;
pub(crate) mod node;
mod paths;
mod pictures;
pub(crate) mod ping;
mod previews;
pub(crate) mod priority;
pub(crate) mod raw;
mod recognise;
mod remembered;
mod router;
mod server;
pub(crate) mod services;
mod settings;
pub(crate) mod shares;
pub(crate) mod streams;
pub(crate) mod trace;
pub(crate) mod transfers;

pub(crate) use raw::{RAW, STREAM_HEADER};
pub(crate) use server::Server;
