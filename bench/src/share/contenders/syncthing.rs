//! syncthing: two devices that share a folder, in which the provider only sends and the getter only receives.
//!
//! Before a turn the getter notices that its copy was deleted; what is timed is its "revert local changes", which gets everything
//! anew. A folder that is added or resumed instead would make a new connection, up to a minute later.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::share::contender::{Contender, Missing};
use crate::share::content::Content;
use crate::share::ground::{Ground, empty};
use crate::share::program::{Program, START_DURATION_MAX, TRANSFER_DURATION_MAX, run};
use crate::share::site::{Site, Sites, find_program};
use crate::share::watch::Watch;

const PORT: u16 = 8770;

/// How often the end is looked for.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The key of its local API.
const API_KEY: &str = "kith-bench";

/// What the folder is called.
const FOLDER: &str = "content";

/// Settings that keep it to itself.
const SETTINGS: [(&str, &str); 8] = [
    ("globalAnnounceEnabled", "false"),
    ("localAnnounceEnabled", "false"),
    ("relaysEnabled", "false"),
    ("natEnabled", "false"),
    ("crashReportingEnabled", "false"),
    ("startBrowser", "false"),
    ("urAccepted", "-1"),
    ("stunServer", ""),
];

/// Two of them.
#[derive(Debug)]
pub(crate) struct Syncthing {
    provider: Device,
    getter: Device,
    bytes: u64,
    out: PathBuf,
}

#[derive(Debug)]
struct Device {
    program: Program,
    site: Site,
    id: String,
    port: u16,
}

impl Syncthing {
    /// Starts both, and lets them know each other.
    pub(crate) fn start(sites: Sites, ground: &Ground, content: &Content) -> Result<Self> {
        let missing = || Missing::program("syncthing", "apt install syncthing curl");
        find_program("syncthing").ok_or_else(missing)?;
        find_program("curl").ok_or_else(missing)?;
        let provider = Device::start(sites.provider, PORT, ground)?;
        let getter = Device::start(sites.getter, PORT + 2, ground)?;
        provider.know(&getter)?;
        getter.know(&provider)?;
        let out = ground.folder("syncthing-out")?;
        let source = content.path.parent().unwrap_or(&content.path);
        provider.join("sendonly", source, &getter)?;
        getter.join("receiveonly", &out, &provider)?;
        wait(TRANSFER_DURATION_MAX, || getter.has_all(content.bytes))?;
        empty(&out)?;
        Ok(Self {
            provider,
            getter,
            bytes: content.bytes,
            out,
        })
    }
}

impl Device {
    fn start(site: Site, port: u16, ground: &Ground) -> Result<Self> {
        let home = ground.folder(&format!("syncthing-{port}"))?;
        let home_option = format!("--home={}", home.display());
        run(Command::new("syncthing").args(["generate", "--no-default-folder", &home_option]))?;
        let path = home.join("config.xml");
        let mut config = std::fs::read_to_string(&path)?;
        let id = between(&config, "<device id=\"", "\"").context("a device")?;
        let id = id.to_owned();
        let listen = format!("tcp://{}:{}", site.address, port + 1);
        for (name, value) in SETTINGS
            .into_iter()
            .chain([("listenAddress", listen.as_str()), ("apikey", API_KEY)])
        {
            let (open, close) = (format!("<{name}>"), format!("</{name}>"));
            let old = between(&config, &open, &close).with_context(|| format!("no {name}"))?;
            let old = format!("{open}{old}{close}");
            config = config.replace(&old, &format!("{open}{value}{close}"));
        }
        std::fs::write(&path, config)?;
        let mut command = site.command("syncthing");
        command
            .args(["serve", "--no-restart", "--no-browser", &home_option])
            .arg(format!("--gui-address=127.0.0.1:{port}"))
            // Without a second process that would outlive this one.
            .env("STMONITORED", "yes");
        let log = ground.log(&format!("syncthing-{port}.log"))?;
        let program = Program::start("syncthing", command, &log)?;
        let device = Self {
            program,
            site,
            id,
            port,
        };
        wait(START_DURATION_MAX, || {
            device.ask("GET", "system/ping", None).is_ok()
        })?;
        Ok(device)
    }

    fn know(&self, other: &Self) -> Result<()> {
        let address = format!("tcp://{}:{}", other.site.address, other.port + 1);
        let device = json!({"deviceID": other.id, "addresses": [address]});
        self.ask("PUT", &format!("config/devices/{}", other.id), Some(device))?;
        Ok(())
    }

    fn join(&self, kind: &str, path: &Path, with: &Self) -> Result<()> {
        let settings = json!({
            "id": FOLDER,
            "path": path,
            "type": kind,
            "devices": [{"deviceID": with.id}],
            "fsWatcherEnabled": false,
            // What must be there lest it stops: the folder itself.
            "markerName": ".",
        });
        self.ask("PUT", &format!("config/folders/{FOLDER}"), Some(settings))?;
        Ok(())
    }

    fn has_all(&self, bytes: u64) -> bool {
        let status = self.ask("GET", &format!("db/status?folder={FOLDER}"), None);
        status.is_ok_and(|status| {
            status["state"] == "idle"
                && status["needBytes"] == 0
                && status["localBytes"].as_u64() >= Some(bytes)
        })
    }

    fn ask(&self, method: &str, what: &str, body: Option<Value>) -> Result<Value> {
        let mut command = self.site.command("curl");
        command
            .args(["--silent", "--show-error", "--fail", "--request", method])
            .args(["--header", &format!("X-API-Key: {API_KEY}")]);
        if let Some(body) = body {
            command.args(["--data", &body.to_string()]);
        }
        let said = run(command.arg(format!("http://127.0.0.1:{}/rest/{what}", self.port)))?;
        Ok(serde_json::from_str(&said).unwrap_or_default())
    }
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(open)?;
    rest.split_once(close).map(|(inside, _)| inside)
}

fn wait(patience: Duration, is_so: impl Fn() -> bool) -> Result<()> {
    let begun = Instant::now();
    while !is_so() {
        ensure!(begun.elapsed() < patience, "syncthing takes too long");
        std::thread::sleep(POLL_INTERVAL);
    }
    Ok(())
}

impl Contender for Syncthing {
    fn name(&self) -> &'static str {
        "syncthing"
    }

    fn provider(&self) -> Vec<u32> {
        vec![self.provider.program.pid()]
    }

    fn getter(&self) -> Vec<u32> {
        vec![self.getter.program.pid()]
    }

    fn prepare(&mut self) -> Result<()> {
        let scan = format!("db/scan?folder={FOLDER}");
        self.getter.ask("POST", &scan, None)?;
        Ok(())
    }

    fn fetch(&mut self, _watch: &Watch) -> Result<()> {
        let revert = format!("db/revert?folder={FOLDER}");
        self.getter.ask("POST", &revert, None)?;
        wait(TRANSFER_DURATION_MAX, || self.getter.has_all(self.bytes))
    }

    fn out(&self) -> Option<&Path> {
        Some(&self.out)
    }
}
