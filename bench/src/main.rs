//! Benchmarks of kith beside the thing each is compared with, in one run, as ratios.
//!
//! `cargo run --release -p kith-bench -- all` prints a Markdown table; `README.md` beside this holds one such table, and
//! says on which machine it was made. Rates of one machine at two times differ by a third, so every benchmark takes
//! its turns with what it is compared with (A B A B …) and reports the median of the ratios.
//!
//! - `stream`, `express`, `forward`, `open`, `introducer`: one file for each benchmark. [`all`]: these one after the other.
//! - [`child`]: the other process, which is this same program; [`role`] is what it does there.
//! - [`pair`]: the two processes of most benchmarks. [`person`]: a kith node on this machine.
//! - [`bare`]: an iroh endpoint without kith. [`tls`]: TLS on TCP without either.
//! - [`exchange`]: what is said on a stream, the same on both. [`delay`]: a slow line in front of an address.
//! - [`share`]: the program `kith` as its users run it: pings, transfers of files, an idle node; beside other people's programs.
//! - [`report`], [`statistics`] and [`usage`]: rows, medians, and what the kernel says of a process.

mod all;
mod bare;
mod child;
mod delay;
mod exchange;
mod express;
mod forward;
mod introducer;
mod open;
mod pair;
mod person;
mod play;
mod report;
mod role;
mod share;
mod statistics;
mod stream;
mod tls;
mod usage;

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::{Parser, Subcommand};

use crate::report::Findings;
use crate::role::Role;

/// Benchmarks of kith beside the thing each is compared with.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Writes what was found as JSON to this file, too; `all` does after each benchmark.
    #[arg(long, global = true)]
    json: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The rate of one stream, beside bare iroh streams.
    Stream(stream::Options),
    /// The rate of express lanes, beside bare TLS on TCP.
    Express(express::Options),
    /// The rate of a forwarded TCP connection, beside a bare iroh stream.
    Forward(forward::Options),
    /// Round trips to the first answer on a new stream, over a slow line.
    Open(open::Options),
    /// What registered peers cost an introducer.
    Introducer(introducer::Options),
    #[command(flatten)]
    Share(share::command::Command),
    /// `stream`, `express`, `forward`, `open` and `introducer`, one after the other.
    All(all::Options),
    /// The other process of a benchmark.
    #[command(hide = true)]
    Child {
        /// What it does.
        #[command(subcommand)]
        role: Role,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .init();
    let arguments = Arguments::parse();
    let findings: Findings = match arguments.command {
        Command::Child { role } => return play::play(role).await,
        Command::Stream(options) => stream::run(&options).await.context("stream")?.into(),
        Command::Express(options) => express::run(&options).await.context("express")?.into(),
        Command::Forward(options) => forward::run(&options).await.context("forward")?.into(),
        Command::Open(options) => open::run(&options).await.context("open")?.into(),
        Command::Introducer(options) => introducer::run(&options)
            .await
            .context("introducer")?
            .into(),
        Command::All(options) => all::run(&options, arguments.json.as_deref()).await?,
        Command::Share(command) => {
            tokio::task::spawn_blocking(move || share::command::run(&command)).await??
        }
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", report::markdown(&findings))?;
    report::keep(&findings, arguments.json.as_deref())?;
    ensure!(findings.failures.is_empty(), "not all could be measured");
    Ok(())
}
