//! kith as its users run it: `kith up` on both sides, contacts by invite, `kith get` from the running node.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::share::contender::{Contender, Missing};
use crate::share::content::Content;
use crate::share::ground::Ground;
use crate::share::program::{Program, START_DURATION_MAX, run};
use crate::share::site::{Site, Sites, find_program};
use crate::share::watch::Watch;

/// Runs a program to which nothing that it asks to be on the disk is written through.
const EATMYDATA: &str = "eatmydata";

/// What is in the memory of a program that runs so.
const EATMYDATA_LIBRARY: &str = "libeatmydata";

/// What the getter calls the provider.
const PROVIDER: &str = "provider";

/// How kith is run.
#[derive(Clone, Debug)]
pub(crate) struct Kith {
    /// The program.
    pub(crate) program: PathBuf,
    /// What stands before it on the command line.
    pub(crate) before: Option<&'static str>,
    /// The `config.toml` of each node.
    pub(crate) settings: String,
    /// What else it is told.
    options: Vec<String>,
}

impl Kith {
    /// With all that has a part in transfers.
    pub(crate) fn plain(program: &Path) -> Self {
        Self {
            program: program.into(),
            before: None,
            settings: String::new(),
            options: ["--no-web", "--no-lan"].map(String::from).into(),
        }
    }

    /// With all that it does for its user, an introducer, and the web app at whatever port is free.
    pub(crate) fn whole(program: &Path, introducer: &str) -> Self {
        Self {
            options: ["--api", "127.0.0.1:0", "--introducer", introducer]
                .map(String::from)
                .into(),
            ..Self::plain(program)
        }
    }

    /// Without TLS on TCP.
    pub(crate) fn quic_alone(program: &Path) -> Self {
        Self {
            settings: "express = false\n".into(),
            ..Self::plain(program)
        }
    }

    /// With nothing written through to the disk.
    pub(crate) fn unsynced(program: &Path) -> Result<Self, Missing> {
        find_program(EATMYDATA).map_or_else(
            || Err(Missing::program(EATMYDATA, "apt install eatmydata")),
            |_| {
                Ok(Self {
                    before: Some(EATMYDATA),
                    ..Self::plain(program)
                })
            },
        )
    }

    /// With an upper bound for what it sends.
    pub(crate) fn limited(program: &Path, bytes_per_second: u64) -> Self {
        let kibibytes = bytes_per_second / 1024;
        Self {
            // The lab is one machine, where nothing is held back unless it is asked for.
            settings: format!("[limits]\nupload = \"{kibibytes} KiB/s\"\nlocal = true\n"),
            ..Self::plain(program)
        }
    }
}

/// A node that is up.
#[derive(Debug)]
pub(crate) struct KithNode {
    kith: Kith,
    site: Site,
    data: PathBuf,
    up: Program,
}

impl KithNode {
    /// Starts one.
    pub(crate) fn start(kith: &Kith, site: Site, ground: &Ground, name: &str) -> Result<Self> {
        let data = ground.folder(name)?;
        std::fs::write(data.join("config.toml"), &kith.settings)?;
        let bind = format!("{}:0", site.address);
        let mut command = kith_command(kith, site, &data);
        command.args(["up", "--no-public-dht", "--bind", &bind]);
        command.args(&kith.options);
        let log = ground.log(&format!("{name}.log"))?;
        let up = Program::start(name, command, &log)?;
        let Ok(ready) = up.hear::<Value>(START_DURATION_MAX) else {
            let said = std::fs::read_to_string(&log)?;
            bail!("kith up: {said}");
        };
        ensure!(ready["event"] == "ready", "kith up said {ready}");
        if kith.before == Some(EATMYDATA) {
            // A program that is not linked so runs as it always does, and nobody says so.
            let maps = std::fs::read_to_string(format!("/proc/{}/maps", up.pid()))?;
            ensure!(
                maps.contains(EATMYDATA_LIBRARY),
                "{EATMYDATA} does nothing to it"
            );
        }
        Ok(Self {
            kith: kith.clone(),
            site,
            data,
            up,
        })
    }

    /// A command to it.
    pub(crate) fn command(&self) -> Command {
        kith_command(&self.kith, self.site, &self.data)
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.up.pid()
    }

    /// Fails with what it said last when it has ended.
    pub(crate) fn ensure_up(&mut self) -> Result<()> {
        self.up.ensure_up()
    }

    /// Ends it.
    pub(crate) fn stop(self) -> Result<()> {
        self.up.stop()
    }

    /// An invite to it.
    pub(crate) fn invite(&self, options: &[&str]) -> Result<String> {
        let said = run(self.command().arg("invite").args(options))?;
        let said: Value = serde_json::from_str(&said)?;
        Ok(said["invite"].as_str().context("an invite")?.to_owned())
    }

    /// How many of its contacts it has a session with.
    pub(crate) fn online(&self) -> Result<usize> {
        let said = run(self.command().arg("contacts"))?;
        let mut online = 0;
        for line in said.lines() {
            let contact: Value = serde_json::from_str(line)?;
            online += usize::from(contact["online"] == true);
        }
        Ok(online)
    }

    /// Becomes a contact of `provider`.
    pub(crate) fn meet(&self, provider: &Self) -> Result<()> {
        let invite = provider.invite(&[])?;
        run(self.command().args(["add", &invite, "--as", PROVIDER]))?;
        Ok(())
    }

    /// Shares `content` with its contacts.
    pub(crate) fn share(&self, content: &Path) -> Result<Value> {
        let said = run(self.command().arg("share").arg(content))?;
        Ok(serde_json::from_str(said.trim())?)
    }

    /// The command that gets `name` from the provider.
    pub(crate) fn get(&self, name: &str, out: &Path) -> Command {
        let mut command = self.command();
        command.args(["get", &format!("{PROVIDER}/{name}"), "--out"]);
        command.arg(out);
        command
    }
}

fn kith_command(kith: &Kith, site: Site, data: &Path) -> Command {
    let mut command = match kith.before {
        None => site.command(&kith.program),
        Some(before) => {
            let mut command = site.command(before);
            command.arg(&kith.program);
            command
        }
    };
    command.arg("--json").arg("--data").arg(data);
    command
}

/// Two nodes.
#[derive(Debug)]
pub(crate) struct KithPair {
    name: &'static str,
    provider: KithNode,
    getter: KithNode,
    content: Content,
    out: PathBuf,
}

impl KithPair {
    /// Starts both, and lets them meet.
    pub(crate) fn start(
        name: &'static str,
        kith: &Kith,
        sites: Sites,
        ground: &Ground,
        content: &Content,
    ) -> Result<Self> {
        let label = |side| format!("{}-{side}", name.replace([' ', ','], "-"));
        let provider = KithNode::start(kith, sites.provider, ground, &label("provider"))?;
        let getter = KithNode::start(kith, sites.getter, ground, &label("getter"))?;
        getter.meet(&provider)?;
        provider.share(&content.path)?;
        Ok(Self {
            name,
            provider,
            getter,
            content: content.clone(),
            out: ground.folder(&label("out"))?,
        })
    }
}

impl Contender for KithPair {
    fn name(&self) -> &'static str {
        self.name
    }

    fn provider(&self) -> Vec<u32> {
        vec![self.provider.pid()]
    }

    fn getter(&self) -> Vec<u32> {
        vec![self.getter.pid()]
    }

    fn fetch(&mut self, watch: &Watch) -> Result<()> {
        let said = watch.run(&mut self.getter.get(self.content.name(), &self.out))?;
        ensure_sent(&said, self.content.bytes)
    }

    fn out(&self) -> Option<&Path> {
        Some(&self.out)
    }
}

/// Fails unless a `get` that said this had so many bytes from others.
fn ensure_sent(said: &str, bytes: u64) -> Result<()> {
    let done: Value = serde_json::from_str(said.lines().last().context("no last line")?)?;
    let sources = done["sources"].as_array().into_iter().flatten();
    let sent: u64 = sources.filter_map(|source| source["bytes"].as_u64()).sum();
    // What the getter found at home would make it look fast.
    ensure!(sent >= bytes, "not all was sent: {done}");
    Ok(())
}
