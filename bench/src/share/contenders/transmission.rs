//! transmission: a daemon on both sides with the settings it comes with, so obfuscated (RC4) where both can, which they can.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;

use crate::share::contender::{Contender, Missing};
use crate::share::contenders::tracker::Tracker;
use crate::share::content::Content;
use crate::share::ground::Ground;
use crate::share::program::{Program, START_DURATION_MAX, TRANSFER_DURATION_MAX, run};
use crate::share::site::{Site, Sites, find_program};
use crate::share::torrent;
use crate::share::watch::Watch;

const PORT: u16 = 8760;

/// How often the end is looked for.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Two daemons.
#[derive(Debug)]
pub(crate) struct Transmission {
    provider: Daemon,
    getter: Daemon,
    _tracker: Tracker,
    torrent: PathBuf,
    out: PathBuf,
}

#[derive(Debug)]
struct Daemon {
    program: Program,
    site: Site,
    port: u16,
    /// Written by the script that the daemon runs when a torrent is done.
    done: PathBuf,
}

impl Transmission {
    /// Starts both.
    pub(crate) fn start(sites: Sites, ground: &Ground, content: &Content) -> Result<Self> {
        for program in ["transmission-daemon", "transmission-remote"] {
            let remedy = "apt install transmission-daemon transmission-cli";
            find_program(program).ok_or_else(|| Missing::program("transmission", remedy))?;
        }
        let tracker = Tracker::start(sites.provider, PORT, ground)?;
        let torrent = ground.folder("transmission")?.join("content.torrent");
        torrent::write(content, Some(tracker.url()), &torrent)?;
        let folder = content.path.parent().unwrap_or(&content.path);
        let provider = Daemon::start(sites.provider, PORT + 1, ground)?;
        let getter = Daemon::start(sites.getter, PORT + 3, ground)?;
        run(&mut provider.add(&torrent, folder))?;
        tracker.wait_for_seed()?;
        Ok(Self {
            provider,
            getter,
            _tracker: tracker,
            torrent,
            out: ground.folder("transmission-out")?,
        })
    }
}

impl Daemon {
    fn start(site: Site, port: u16, ground: &Ground) -> Result<Self> {
        let home = ground.folder(&format!("transmission-{port}"))?;
        let (done, script) = (home.join("done"), home.join("script"));
        std::fs::write(&script, format!("#!/bin/sh\n: > '{}'\n", done.display()))?;
        run(Command::new("chmod").arg("+x").arg(&script))?;
        let settings = json!({
            "rpc-port": port,
            "peer-port": port + 1,
            "rpc-whitelist-enabled": false,
            "rpc-host-whitelist-enabled": false,
            "rpc-authentication-required": false,
            "port-forwarding-enabled": false,
            "dht-enabled": false,
            "lpd-enabled": false,
            "script-torrent-done-enabled": true,
            "script-torrent-done-filename": script,
        });
        std::fs::write(home.join("settings.json"), settings.to_string())?;
        let mut command = site.command("transmission-daemon");
        command.arg("--foreground").arg("--config-dir").arg(&home);
        let log = ground.log(&format!("transmission-{port}.log"))?;
        let program = Program::start("transmission-daemon", command, &log)?;
        let daemon = Self {
            program,
            site,
            port,
            done,
        };
        let begun = Instant::now();
        while let Err(error) = run(daemon.remote().arg("--session-info")) {
            ensure!(begun.elapsed() < START_DURATION_MAX, error);
            std::thread::sleep(POLL_INTERVAL);
        }
        Ok(daemon)
    }

    fn remote(&self) -> Command {
        let mut command = self.site.command("transmission-remote");
        command.arg(self.port.to_string());
        command
    }

    fn add(&self, torrent: &Path, folder: &Path) -> Command {
        let mut command = self.remote();
        command.arg("--add").arg(torrent);
        command.arg("--download-dir").arg(folder);
        command
    }
}

impl Contender for Transmission {
    fn name(&self) -> &'static str {
        "transmission"
    }

    fn provider(&self) -> Vec<u32> {
        vec![self.provider.program.pid()]
    }

    fn getter(&self) -> Vec<u32> {
        vec![self.getter.program.pid()]
    }

    fn fetch(&mut self, watch: &Watch) -> Result<()> {
        watch.run(&mut self.getter.add(&self.torrent, &self.out))?;
        let begun = Instant::now();
        while !self.getter.done.exists() {
            ensure!(begun.elapsed() < TRANSFER_DURATION_MAX, "it never ends");
            std::thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }

    fn out(&self) -> Option<&Path> {
        Some(&self.out)
    }

    fn forget(&mut self) -> Result<()> {
        std::fs::remove_file(&self.getter.done)?;
        run(self.getter.remote().args(["--torrent", "all", "--remove"]))?;
        Ok(())
    }
}
