//! libtorrent by its Python package (the engine of qBittorrent and Deluge), over plain TCP.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::share::contender::{Contender, Missing};
use crate::share::content::Content;
use crate::share::ground::Ground;
use crate::share::program::{Program, START_DURATION_MAX, TRANSFER_DURATION_MAX};
use crate::share::site::{Site, Sites};
use crate::share::torrent;
use crate::share::watch::Watch;

/// The program around it.
const SCRIPT: &str = include_str!("libtorrent.py");

/// The port of the first session; others count on.
pub(crate) const PORT: u16 = 8740;

/// One session.
#[derive(Debug)]
pub(crate) struct Session {
    python: Program,
}

impl Session {
    /// Starts one at `port`; `upload_limit` in bytes per second, 0 for none.
    pub(crate) fn start(site: Site, port: u16, upload_limit: u64, ground: &Ground) -> Result<Self> {
        let settings = json!({
            "listen_interfaces": format!("{}:{port}", site.address),
            "allow_multiple_connections_per_ip": true,
            "upload_rate_limit": upload_limit,
            "enable_dht": false,
            "enable_lsd": false,
            "enable_natpmp": false,
            "enable_upnp": false,
            "enable_incoming_utp": false,
            "enable_outgoing_utp": false,
            // Neither asked for nor answered.
            "in_enc_policy": 2,
            "out_enc_policy": 2,
        });
        let log = ground.log(&format!("libtorrent-{port}.log"))?;
        let mut command = site.command("python3");
        command.args(["-c", SCRIPT, &settings.to_string()]);
        let python = Program::start("libtorrent", command, &log)?;
        if python.hear::<Value>(START_DURATION_MAX).is_err() {
            let said = std::fs::read_to_string(&log)?;
            let is_missing = said.contains("ModuleNotFoundError") || said.is_empty();
            ensure!(
                !is_missing,
                Missing::program("libtorrent", "pip install libtorrent")
            );
            anyhow::bail!("libtorrent: {said}");
        }
        Ok(Self { python })
    }

    /// Asks it for all of `torrent` in `folder`, from these peers.
    pub(crate) fn ask(
        &mut self,
        torrent: &Path,
        folder: &Path,
        peers: &[(Site, u16)],
    ) -> Result<()> {
        let peers: Vec<Value> = peers
            .iter()
            .map(|(site, port)| json!([site.address.to_string(), port]))
            .collect();
        self.python
            .tell(&json!({"torrent": torrent, "folder": folder, "peers": peers}))
    }

    /// Waits until it has done what it was asked.
    pub(crate) fn wait(&self) -> Result<()> {
        self.python.hear::<Value>(TRANSFER_DURATION_MAX).map(|_| ())
    }

    /// Takes the torrent out.
    pub(crate) fn remove(&mut self) -> Result<()> {
        self.python.tell(&Value::Null)?;
        self.wait()
    }
}

/// Two sessions.
#[derive(Debug)]
pub(crate) struct Libtorrent {
    provider: Session,
    getter: Session,
    site: Site,
    torrent: PathBuf,
    out: PathBuf,
}

impl Libtorrent {
    /// Starts both.
    pub(crate) fn start(sites: Sites, ground: &Ground, content: &Content) -> Result<Self> {
        let mut provider = Session::start(sites.provider, PORT, 0, ground)?;
        let getter = Session::start(sites.getter, PORT + 1, 0, ground)?;
        let torrent = ground.folder("libtorrent")?.join("content.torrent");
        torrent::write(content, None, &torrent)?;
        let folder = content.path.parent().unwrap_or(&content.path);
        provider.ask(&torrent, folder, &[])?;
        provider.wait()?;
        Ok(Self {
            provider,
            getter,
            site: sites.provider,
            torrent,
            out: ground.folder("libtorrent-out")?,
        })
    }
}

impl Contender for Libtorrent {
    fn name(&self) -> &'static str {
        "libtorrent, plain TCP"
    }

    fn provider(&self) -> Vec<u32> {
        vec![self.provider.python.pid()]
    }

    fn getter(&self) -> Vec<u32> {
        vec![self.getter.python.pid()]
    }

    fn fetch(&mut self, _watch: &Watch) -> Result<()> {
        self.getter
            .ask(&self.torrent, &self.out, &[(self.site, PORT)])?;
        self.getter.wait()
    }

    fn out(&self) -> Option<&Path> {
        Some(&self.out)
    }

    fn forget(&mut self) -> Result<()> {
        self.getter.remove()
    }
}
