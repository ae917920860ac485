//! The command line as a person uses it: real processes, each with a data directory of its own, on loopback only.
//!
//! - [`person`]: somebody with a data directory, and perhaps a running node.
//! - [`events`]: what it tells as it happens.
//! - [`mounts`]: disks that only one process sees.
//! - [`programs`]: other people's programs, as in the tests of the library.
//! - [`web_client`]: a browser, as far as HTTP goes.
//! - [`web`], [`web_build`], [`web_content`], [`previews`], [`app`], [`audience`], [`bare`], [`beside`], [`folders`], [`bad_pictures`], [`full_disk`], [`mount_point`], [`read_only`], [`meeting`], [`streams`], [`services`], [`introducer`], [`changes`], [`remembered`], [`transfers`], [`absent`], [`unread`], [`resuming`], [`limits`], [`live`], [`bad_input`], [`backup`], [`door`], [`contrib`], [`snapshots`], [`demo`], [`tour`]: what is shown.

mod absent;
mod app;
mod audience;
mod backup;
mod bad_input;
mod bad_links;
mod bad_pictures;
mod bad_trees;
mod bare;
mod beside;
mod changes;
mod contrib;
mod demo;
mod door;
mod events;
mod files;
mod folders;
mod full_disk;
mod introducer;
mod limits;
mod live;
mod meeting;
mod mount_point;
mod mounts;
mod person;
mod previews;
#[path = "../../../node/tests/it/programs.rs"]
mod programs;
mod read_only;
mod remembered;
mod removed;
mod resuming;
mod services;
mod snapshots;
mod streams;
mod tour;
mod transfers;
mod unread;
mod web;
mod web_build;
mod web_client;
mod web_content;
