//! rsync: a client from a daemon, without encryption; or the same with `--fsync`.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::share::contender::{Contender, Missing};
use crate::share::content::Content;
use crate::share::ground::Ground;
use crate::share::program::Program;
use crate::share::site::{Site, Sites, find_program};
use crate::share::watch::Watch;

const PORT: u16 = 8730;

/// That of the daemon whose client syncs.
const SYNCING_PORT: u16 = 8731;

/// What it is called when it syncs.
pub(crate) const SYNCING: &str = "rsync --fsync";

/// A daemon, and where its client puts things.
#[derive(Debug)]
pub(crate) struct Rsync {
    daemon: Program,
    getter: Site,
    source: String,
    /// Whether it is to write through to the disk.
    syncs: bool,
    out: PathBuf,
}

impl Rsync {
    /// Starts the daemon of one whose client is run without further options.
    pub(crate) fn start(sites: Sites, ground: &Ground, content: &Content) -> Result<Self> {
        Self::start_at(PORT, false, (sites, ground, content))
    }

    /// Starts the daemon of one whose client is told to write through to the disk.
    pub(crate) fn start_syncing(sites: Sites, ground: &Ground, content: &Content) -> Result<Self> {
        Self::start_at(SYNCING_PORT, true, (sites, ground, content))
    }

    fn start_at(
        port: u16,
        syncs: bool,
        (sites, ground, content): (Sites, &Ground, &Content),
    ) -> Result<Self> {
        find_program("rsync").ok_or_else(|| Missing::program("rsync", "apt install rsync"))?;
        let folder = content.path.parent().unwrap_or(&content.path);
        let config = ground.folder("rsync")?.join(format!("{port}.conf"));
        let module = format!(
            "use chroot = no\nuid = {0}\ngid = {0}\n[content]\npath = {1}\nread only = yes\n",
            std::os::unix::fs::MetadataExt::uid(&folder.metadata()?),
            folder.display()
        );
        std::fs::write(&config, module)?;
        let mut command = sites.provider.command("rsync");
        let address = sites.provider.address;
        command
            .args(["--daemon", "--no-detach", &format!("--port={port}")])
            .arg(format!("--address={address}"))
            .arg(format!("--config={}", config.display()));
        let daemon = Program::start("rsync", command, &ground.log(&format!("rsync-{port}.log"))?)?;
        Ok(Self {
            daemon,
            getter: sites.getter,
            source: format!("rsync://{address}:{port}/content/{}", content.name()),
            syncs,
            out: ground.folder(&format!("rsync-{port}-out"))?,
        })
    }
}

impl Contender for Rsync {
    fn name(&self) -> &'static str {
        match self.syncs {
            false => "rsync",
            true => SYNCING,
        }
    }

    fn provider(&self) -> Vec<u32> {
        vec![self.daemon.pid()]
    }

    fn getter(&self) -> Vec<u32> {
        vec![]
    }

    fn fetch(&mut self, watch: &Watch) -> Result<()> {
        let mut client = self.getter.command("rsync");
        client.arg("-a").args(self.syncs.then_some("--fsync"));
        watch.run(client.arg(&self.source).arg(&self.out))?;
        Ok(())
    }

    fn out(&self) -> Option<&Path> {
        Some(&self.out)
    }
}
