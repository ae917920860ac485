//! A network of its own for a benchmark: nothing but a loopback, so that no program here can reach anybody, however it is
//! set up, and every port is free.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::share::program::run;
use crate::share::site::LOOPBACK_ADDRESS;

/// Set in the environment of the program inside.
const INSIDE: &str = "KITH_BENCH_INSIDE";

/// Starts this program anew in a network namespace, with the same arguments, unless it is in one; as no root, by way of a user
/// namespace.
pub(crate) fn enter() -> Result<()> {
    if std::env::var_os(INSIDE).is_some() {
        run(Command::new("ip").args(["link", "set", "lo", "up"]))?;
        let address = format!("{LOOPBACK_ADDRESS}/32");
        run(Command::new("ip").args(["address", "add", &address, "dev", "lo"]))?;
        return Ok(());
    }
    let mut command = Command::new("unshare");
    command.arg("--net");
    if !is_root() {
        command.arg("--map-root-user");
    }
    let error = command
        .arg("--")
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env(INSIDE, "1")
        .exec();
    Err(error).context("unshare (util-linux) cannot be run")
}

fn is_root() -> bool {
    // The real and the effective user come first.
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        status
            .lines()
            .find_map(|line| line.strip_prefix("Uid:"))
            .and_then(|line| line.split_whitespace().nth(1))
            == Some("0")
    })
}
