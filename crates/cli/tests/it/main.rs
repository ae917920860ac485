//! The command line as a person uses it: real processes, each with a data directory of its own, on loopback only.
//!
//! - [`person`]: somebody with a data directory, and perhaps a running node.
//! - [`events`]: what it tells as it happens.
//! - [`web_client`]: a browser, as far as HTTP goes.
//! - [`web`], [`web_content`], [`previews`], [`app`], [`meeting`], [`streams`], [`services`], [`changes`], [`transfers`], [`limits`], [`live`], [`bad_input`], [`backup`], [`door`], [`snapshots`], [`demo`]: what is shown.

mod app;
mod backup;
mod bad_input;
mod bad_links;
mod changes;
mod demo;
mod door;
mod events;
mod files;
mod limits;
mod live;
mod meeting;
mod person;
mod previews;
mod removed;
mod services;
mod snapshots;
mod streams;
mod transfers;
mod web;
mod web_client;
mod web_content;
