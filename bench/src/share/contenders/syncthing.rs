//! syncthing: two devices that know each other; the getter joins a folder that the provider has read.
//!
//! A device on pause opens no connection: so the provider reads the folder before the clock runs, and the connection that
//! syncthing makes anew for each change of its folders is in the time, as it is for its users.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::share::contender::{Contender, Missing};
use crate::share::content::Content;
use crate::share::ground::Ground;
use crate::share::program::{Program, START_DURATION_MAX, TRANSFER_DURATION_MAX, run};
use crate::share::site::{Site, Sites, find_program};
use crate::share::watch::Watch;

const PORT: u16 = 8770;

/// How often the end is looked for.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The key of its local API.
const API_KEY: &str = "kith-bench";

/// Settings that keep it to itself, and let it redial soon.
const SETTINGS: [(&str, &str); 9] = [
    ("globalAnnounceEnabled", "false"),
    ("localAnnounceEnabled", "false"),
    ("relaysEnabled", "false"),
    ("natEnabled", "false"),
    ("crashReportingEnabled", "false"),
    ("startBrowser", "false"),
    ("urAccepted", "-1"),
    ("stunServer", ""),
    ("reconnectionIntervalS", "1"),
];

/// Two of them.
#[derive(Debug)]
pub(crate) struct Syncthing {
    provider: Device,
    getter: Device,
    content: Content,
    turn: u32,
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
        Ok(Self {
            provider,
            getter,
            content: content.clone(),
            turn: 0,
            out: ground.folder("syncthing-out")?,
        })
    }

    fn folder(&self) -> String {
        format!("turn{}", self.turn)
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
            .arg(format!("--gui-address=127.0.0.1:{port}"));
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

    fn join(&self, folder: &str, path: &Path, with: &Self) -> Result<()> {
        let devices = json!([{"deviceID": with.id}]);
        let settings =
            json!({"id": folder, "path": path, "devices": devices, "fsWatcherEnabled": false});
        self.ask("PUT", &format!("config/folders/{folder}"), Some(settings))?;
        Ok(())
    }

    fn has_all(&self, folder: &str, bytes: u64) -> bool {
        let status = self.ask("GET", &format!("db/status?folder={folder}"), None);
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
        self.turn += 1;
        let pause = format!("system/pause?device={}", self.provider.id);
        self.getter.ask("POST", &pause, None)?;
        let source = self.content.path.parent().unwrap_or(&self.content.path);
        self.provider.join(&self.folder(), source, &self.getter)?;
        wait(TRANSFER_DURATION_MAX, || {
            self.provider.has_all(&self.folder(), self.content.bytes)
        })
    }

    fn fetch(&mut self, _watch: &Watch) -> Result<()> {
        self.getter
            .join(&self.folder(), &self.out, &self.provider)?;
        let resume = format!("system/resume?device={}", self.provider.id);
        self.getter.ask("POST", &resume, None)?;
        wait(TRANSFER_DURATION_MAX, || {
            self.getter.has_all(&self.folder(), self.content.bytes)
        })
    }

    fn out(&self) -> Option<&Path> {
        Some(&self.out)
    }

    fn forget(&mut self) -> Result<()> {
        let folder = format!("config/folders/{}", self.folder());
        self.getter.ask("DELETE", &folder, None)?;
        self.provider.ask("DELETE", &folder, None)?;
        Ok(())
    }
}
