//! The integration tests of the library, one binary for all (linking iroh once is slow enough).

mod datagrams;
mod engine;
mod examples;
mod express;
mod friends;
mod handover;
mod introducers;
mod meeting;
mod observer;
mod programs;
mod refusing;
mod relaying;
mod services;
mod sessions_node;
mod street;
mod waiting;
