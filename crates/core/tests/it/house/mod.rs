//! The rules of the house, as tests: arrows run one way, rooms do not import each other, no file cycles, no file
//! too long, nameless or unexplained, no decoder untried.
//!
//! `scan` reads Rust text as far as these rules need it, `tree` is the repository as values (so that every rule is also
//! shown to fail on a made-up one), `graph` is who imports whom, `rules` are the rules, and `decoders` is one more.

mod decoders;
mod graph;
mod rules;
mod scan;
mod stands;
mod tree;
