//! aria2: one seeds a torrent, the other downloads it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::share::contender::{Contender, Missing};
use crate::share::contenders::tracker::Tracker;
use crate::share::content::Content;
use crate::share::ground::Ground;
use crate::share::program::Program;
use crate::share::site::{Site, Sites, find_program};
use crate::share::torrent;
use crate::share::watch::Watch;

const PORT: u16 = 8750;

/// A seeding aria2, and what the other one is told.
#[derive(Debug)]
pub(crate) struct Aria2 {
    seed: Program,
    _tracker: Tracker,
    getter: Site,
    torrent: PathBuf,
    out: PathBuf,
}

impl Aria2 {
    /// Starts the seed.
    pub(crate) fn start(sites: Sites, ground: &Ground, content: &Content) -> Result<Self> {
        find_program("aria2c").ok_or_else(|| Missing::program("aria2", "apt install aria2"))?;
        let tracker = Tracker::start(sites.provider, PORT, ground)?;
        let torrent = ground.folder("aria2")?.join("content.torrent");
        torrent::write(content, Some(tracker.url()), &torrent)?;
        let folder = content.path.parent().unwrap_or(&content.path);
        let mut command = aria2(sites.provider, PORT + 1, folder, &torrent);
        command.args(["--seed-ratio=0.0", "--check-integrity=true"]);
        let seed = Program::start("aria2c", command, &ground.log("aria2.log")?)?;
        tracker.wait_for_seed()?;
        Ok(Self {
            seed,
            _tracker: tracker,
            getter: sites.getter,
            torrent,
            out: ground.folder("aria2-out")?,
        })
    }
}

fn aria2(site: Site, port: u16, folder: &Path, torrent: &Path) -> Command {
    let mut command = site.command("aria2c");
    command
        .arg(torrent)
        .arg(format!("--dir={}", folder.display()))
        .arg(format!("--listen-port={port}"))
        .args(["--no-conf", "--enable-dht=false", "--enable-dht6=false"])
        .args(["--bt-enable-lpd=false", "--show-console-readout=false"]);
    command
}

impl Contender for Aria2 {
    fn name(&self) -> &'static str {
        "aria2, torrent"
    }

    fn provider(&self) -> Vec<u32> {
        vec![self.seed.pid()]
    }

    fn getter(&self) -> Vec<u32> {
        vec![]
    }

    fn fetch(&mut self, watch: &Watch) -> Result<()> {
        let mut command = aria2(self.getter, PORT + 2, &self.out, &self.torrent);
        watch.run(command.arg("--seed-time=0"))?;
        Ok(())
    }

    fn out(&self) -> Option<&Path> {
        Some(&self.out)
    }
}
