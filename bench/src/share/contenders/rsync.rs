//! rsync: a client from a daemon, without encryption.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::share::contender::{Contender, Missing};
use crate::share::content::Content;
use crate::share::ground::Ground;
use crate::share::program::Program;
use crate::share::site::{Site, Sites, find_program};
use crate::share::watch::Watch;

const PORT: u16 = 8730;

/// A daemon, and where its client puts things.
#[derive(Debug)]
pub(crate) struct Rsync {
    daemon: Program,
    getter: Site,
    source: String,
    out: PathBuf,
}

impl Rsync {
    /// Starts the daemon.
    pub(crate) fn start(sites: Sites, ground: &Ground, content: &Content) -> Result<Self> {
        find_program("rsync").ok_or_else(|| Missing::program("rsync", "apt install rsync"))?;
        let folder = content.path.parent().unwrap_or(&content.path);
        let config = ground.folder("rsync")?.join("rsyncd.conf");
        let module = format!(
            "use chroot = no\nuid = {0}\ngid = {0}\n[content]\npath = {1}\nread only = yes\n",
            std::os::unix::fs::MetadataExt::uid(&folder.metadata()?),
            folder.display()
        );
        std::fs::write(&config, module)?;
        let mut command = sites.provider.command("rsync");
        let address = sites.provider.address;
        command
            .args(["--daemon", "--no-detach", &format!("--port={PORT}")])
            .arg(format!("--address={address}"))
            .arg(format!("--config={}", config.display()));
        let daemon = Program::start("rsync", command, &ground.log("rsync.log")?)?;
        Ok(Self {
            daemon,
            getter: sites.getter,
            source: format!("rsync://{address}:{PORT}/content/{}", content.name()),
            out: ground.folder("rsync-out")?,
        })
    }
}

impl Contender for Rsync {
    fn name(&self) -> &'static str {
        "rsync"
    }

    fn provider(&self) -> Vec<u32> {
        vec![self.daemon.pid()]
    }

    fn getter(&self) -> Vec<u32> {
        vec![]
    }

    fn fetch(&mut self, watch: &Watch) -> Result<()> {
        let mut client = self.getter.command("rsync");
        watch.run(client.args(["-a", &self.source]).arg(&self.out))?;
        Ok(())
    }

    fn out(&self) -> Option<&Path> {
        Some(&self.out)
    }
}
