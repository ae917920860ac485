//! The benchmarks of the program `kith` on the command line.

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};

use crate::report::Findings;
use crate::share::lab::Lab;
use crate::share::{fence, file, hash, idle, line, ping, previews, small, swarm};

/// Which of them.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// A contact's first answer without a session, beside a bare iroh endpoint's dial and echo.
    Ping(In<ping::Sizes>),
    /// One large file, beside bare streams and other people's programs.
    #[command(name = "share-file")]
    File(In<file::Sizes>),
    /// Many small files, beside `rsync -a`.
    #[command(name = "share-small")]
    Small(In<small::Sizes>),
    /// Sharing a very large file, beside `b3sum`.
    #[command(name = "share-hash")]
    Hash(In<hash::Sizes>),
    /// One seed and several downloaders with bounded upload, beside libtorrent.
    #[command(name = "share-swarm")]
    Swarm(In<swarm::Sizes>),
    /// One file over a slow and lossy line.
    #[command(name = "share-line")]
    Line(In<line::Sizes>),
    /// What an idle node with contacts and sessions costs.
    Idle(In<idle::Sizes>),
    /// Small pictures of large ones, beside `vipsthumbnail`.
    Previews(In<previews::Sizes>),
}

/// A benchmark's own sizes, and what all of them are told.
#[derive(Clone, Debug, Args)]
pub(crate) struct In<S: Args> {
    #[command(flatten)]
    lab: Lab,
    #[command(flatten)]
    sizes: S,
}

/// Runs it, in a network of its own.
pub(crate) fn run(command: &Command) -> Result<Findings> {
    fence::enter()?;
    match command {
        Command::Ping(it) => ping::run(&it.lab, &it.sizes).context("ping"),
        Command::File(it) => file::run(&it.lab, &it.sizes).context("share-file"),
        Command::Small(it) => small::run(&it.lab, &it.sizes).context("share-small"),
        Command::Hash(it) => hash::run(&it.lab, &it.sizes).context("share-hash"),
        Command::Swarm(it) => swarm::run(&it.lab, &it.sizes).context("share-swarm"),
        Command::Line(it) => line::run(&it.lab, &it.sizes).context("share-line"),
        Command::Idle(it) => idle::run(&it.lab, &it.sizes).context("idle"),
        Command::Previews(it) => previews::run(&it.lab, &it.sizes).context("previews"),
    }
}
