//! A tracker in a process of its own at the provider: what BitTorrent programs find each other by.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::share::ground::Ground;
use crate::share::program::{Program, START_DURATION_MAX};
use crate::share::site::Site;
use crate::share::torrent::{self, Announced};

/// A running tracker.
#[derive(Debug)]
pub(crate) struct Tracker {
    process: Program,
    url: String,
}

impl Tracker {
    /// Starts one at `port`.
    pub(crate) fn start(site: Site, port: u16, ground: &Ground) -> Result<Self> {
        let address = format!("{}:{port}", site.address);
        let mut command: Command = site.command(std::env::current_exe()?);
        command.args(["child", "tracker", &address]);
        let log = ground.log(&format!("tracker-{port}.log"))?;
        let process = Program::start("tracker", command, &log)?;
        process.line(START_DURATION_MAX)?;
        let url = format!("http://{address}/announce");
        Ok(Self { process, url })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Waits until somebody announces that they have everything.
    pub(crate) fn wait_for_seed(&self) -> Result<()> {
        self.process.find_line(|line| {
            let announced: Announced = serde_json::from_str(line).ok()?;
            (announced.left == 0).then_some(())
        })
    }
}

/// What the process does.
pub(crate) fn track(address: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind(address).with_context(|| format!("{address} is taken"))?;
    say(&"up");
    torrent::track(&listener, |announced| say(&announced))
}

#[expect(clippy::print_stdout, reason = "it speaks with its parent by lines")]
fn say(message: &impl serde::Serialize) {
    println!("{}", serde_json::json!(message));
}
