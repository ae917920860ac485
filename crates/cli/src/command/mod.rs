//! What each command asks of a node, and how it shows the answer.
//!
//! [`up`] runs a node. [`web`] (web, tokens) lets others in to it. [`me`] (id, invite, status, doctor), [`people`] (add, contacts, contact), [`reach`] (ping, trace),
//! [`stdio`] and [`exec`] (pipe, listen), [`services`] (offer, forward), [`content`] (share, ls, get; of an update `updated` tells what came), [`transfers`], [`limits`], [`introducer`] and
//! [`backup`] (identity export and import) are the rest. [`demo`] shows them all at work.

mod backup;
mod content;
mod demo;
mod exec;
mod introducer;
mod limits;
mod me;
mod on;
mod people;
mod reach;
mod run;
mod services;
mod stdio;
mod transfers;
mod up;
mod updated;
mod web;

pub(crate) use run::run;
