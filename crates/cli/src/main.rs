//! The binary `kith`: the command line, the local HTTP API, and the introducer.
//!
//! # Layout
//!
//! - [`args`]: the grammar of the command line. [`command`]: what each command does with its answer.
//! - [`attach`]: where a node runs already, a command talks to it; where none does, it runs its own.
//! - [`api`]: the one door to a running node, on the Unix socket of its data directory. [`client`] speaks through it, [`path`] writes where to.
//! - [`picture`]: making pictures small, in a process that does nothing else.
//! - [`web`]: the same door on TCP, for browsers and other programs.
//! - [`start`]: how the node of a data directory is described. [`socket`]: that directory's socket.
//! - [`output`] and [`failure`]: what a command prints, and how it fails.

mod api;
mod args;
mod attach;
mod client;
mod command;
mod failure;
mod interrupt;
mod output;
mod path;
mod picture;
mod socket;
mod start;
mod web;

use std::io::IsTerminal as _;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::args::{Cli, Command};
use crate::output::Output;

/// What many threads used for a moment is given back to the system. The C library's keeps it: an idle node that has been busy has 5 MiB more resident by it.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How long the runtime may take to end after the command is done. Only a read of a terminal is ever in the way, and it
/// cannot be interrupted.
const RUNTIME_ENDS_WITHIN: Duration = Duration::from_millis(50);

/// How many threads wait for sockets and timers, and decipher and verify what comes: an introducer's on every core, for it does nothing else. A
/// node hashes, reads and writes on threads of their own, and each thread more that waits is one more to wake for the same packet: with half
/// of the cores for them a node on two cores is idle at four fifths of the cost and fetches over QUIC by a sixth faster, and over TLS as fast
/// (`bench/README.md`).
fn worker_threads(command: &Command) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    match command {
        Command::Introducer(_) => cores,
        _ => cores.div_ceil(2),
    }
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error),
    };
    if let Command::PreviewWorker { side } = cli.command {
        return picture::worker::work(side);
    }
    let output = Output::new(cli.common.json);
    log(cli.common.verbose);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(worker_threads(&cli.command))
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            output.fail(&failure::Failure::failed(format!("cannot start: {error}")));
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(command::run(cli, output));
    runtime.shutdown_timeout(RUNTIME_ENDS_WITHIN);
    match done {
        Ok(code) => code,
        Err(failure) => {
            output.fail(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Says why a command line is none, or prints the help that was asked for.
fn not_understood(error: &clap::Error) -> ExitCode {
    // What was not understood cannot say whether a program reads; nothing else on a command line is written like this.
    let words = std::env::args_os().take_while(|word| word != "--");
    let is_json = words.into_iter().any(|word| word == "--json");
    if !error.use_stderr() || !is_json {
        // A closed stdout or stderr leaves nobody to tell.
        let _ = error.print();
        return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
    }
    let failure = failure::Failure::not_understood(error);
    Output::new(true).fail(&failure);
    ExitCode::from(failure.exit_code())
}

/// Logs to stderr: what is unusual by default, more with each `-v`; `KITH_LOG` says it in `tracing`'s own words.
fn log(verbose: u8) {
    let usual = match verbose {
        0 => "off,kith=warn,kith_core=warn",
        // iroh calls it an error when an endpoint without sockets is closed.
        1 => "warn,iroh::socket::transports::relay=off,kith=info,kith_core=info",
        2 => "info,iroh::socket::transports::relay=off,kith=debug,kith_core=debug",
        _ => "debug,kith=trace,kith_core=trace",
    };
    let filter = EnvFilter::try_from_env("KITH_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}
