//! transmission: a daemon on both sides with the settings it comes with, so obfuscated (RC4) where both can, which they can; by its own choice over
//! µTP, whose pace is meant for lines that others use too, or over TCP alone.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
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

/// Where those over TCP begin.
const TCP_PORT: u16 = 8790;

/// What it tells may be rounded by so much: it tells three digits.
const ROUNDED_MAX: f64 = 0.01;

/// How often the end is looked for.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// What it speaks over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// What it chooses, which is µTP.
    Own,
    /// TCP.
    Tcp,
}

/// Two daemons.
#[derive(Debug)]
pub(crate) struct Transmission {
    transport: Transport,
    provider: Daemon,
    getter: Daemon,
    _tracker: Tracker,
    torrent: PathBuf,
    bytes: u64,
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
    pub(crate) fn start(
        transport: Transport,
        sites: Sites,
        ground: &Ground,
        content: &Content,
    ) -> Result<Self> {
        for program in ["transmission-daemon", "transmission-remote"] {
            let remedy = "apt install transmission-daemon transmission-cli";
            find_program(program).ok_or_else(|| Missing::program("transmission", remedy))?;
        }
        let port = match transport {
            Transport::Own => PORT,
            Transport::Tcp => TCP_PORT,
        };
        let tracker = Tracker::start(sites.provider, port, ground)?;
        let home = ground.folder(&format!("transmission-{port}"))?;
        let torrent = home.join("content.torrent");
        torrent::write(content, Some(tracker.url()), &torrent)?;
        let folder = content.path.parent().unwrap_or(&content.path);
        let provider = Daemon::start(transport, sites.provider, port + 1, ground)?;
        let getter = Daemon::start(transport, sites.getter, port + 3, ground)?;
        run(&mut provider.add(&torrent, folder))?;
        tracker.wait_for_seed()?;
        Ok(Self {
            transport,
            provider,
            getter,
            _tracker: tracker,
            torrent,
            bytes: content.bytes,
            out: ground.folder(&format!("transmission-{port}-out"))?,
        })
    }
}

impl Daemon {
    fn start(transport: Transport, site: Site, port: u16, ground: &Ground) -> Result<Self> {
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
            "utp-enabled": transport == Transport::Own,
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

    /// How many bytes of its torrents came from others, as far as it tells.
    fn downloaded(&self) -> Result<f64> {
        let said = run(self.remote().args(["--torrent", "all", "--info"]))?;
        let told = said
            .lines()
            .find_map(|line| line.trim().strip_prefix("Downloaded: "));
        let bytes = told.and_then(bytes);
        bytes.with_context(|| format!("transmission does not tell what it fetched: {said}"))
    }

    fn add(&self, torrent: &Path, folder: &Path) -> Command {
        let mut command = self.remote();
        command.arg("--add").arg(torrent);
        command.arg("--download-dir").arg(folder);
        command
    }
}

/// What it writes as `2.14 GB`.
fn bytes(told: &str) -> Option<f64> {
    let (number, unit) = told.trim().split_once(' ')?;
    let unit = match unit {
        "B" | "Bytes" => 1.0,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * unit)
}

impl Contender for Transmission {
    fn name(&self) -> &'static str {
        match self.transport {
            Transport::Own => "transmission",
            Transport::Tcp => "transmission, TCP",
        }
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
        let downloaded = self.getter.downloaded()?;
        // What it found in its place would make it look fast.
        let is_all = downloaded >= self.bytes as f64 * (1.0 - ROUNDED_MAX);
        ensure!(is_all, "it fetched {downloaded} bytes only");
        std::fs::remove_file(&self.getter.done)?;
        run(self.getter.remote().args(["--torrent", "all", "--remove"]))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_transmission_writes_them() {
        assert_eq!(bytes("2.5 GB"), Some(2.5e9));
        assert_eq!(bytes("67.5 MB "), Some(67.5e6));
        assert_eq!(bytes("None"), None);
        assert_eq!(bytes("3 apples"), None);
    }
}
