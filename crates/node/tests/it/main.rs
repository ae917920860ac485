//! The integration tests of the library, one binary for all (linking iroh once is slow enough).

mod engine;
mod introducers;
mod friends;
mod handover;
mod meeting;
mod services;
