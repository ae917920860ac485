//! kith across networks: added by an invite, reached by name, a folder handed over; directly where the NATs allow it, through
//! the introducer where they do not, on a LAN with nothing else there.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;
use patchbay::Device;
use tempfile::TempDir;

use crate::line::Condition;
use crate::program::Program;
use crate::trial;
use crate::world::{NatKind, World};

/// How long a node or an introducer may take to be ready.
const READY_DURATION_MAX: Duration = Duration::from_secs(15);

/// How long one command may take.
const COMMAND_DURATION_MAX: Duration = Duration::from_secs(30);

/// How long a path may stay relayed where a direct one is possible.
const DIRECT_DURATION_MAX: Duration = Duration::from_secs(10);

/// The bytes of the file that is handed over: many times what a handshake takes.
const FILE_BYTES: usize = 2_000_000;

/// What may pass the introducer's line when no payload does: keep-alives, records and address discovery.
const IDLE_BYTES_MAX: u64 = FILE_BYTES as u64 / 20;

/// The tests of this file.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "reach::two_homes_talk_directly_and_go_on_without_the_introducer",
            two_homes_talk_directly_and_go_on_without_the_introducer,
        ),
        trial(
            "reach::two_symmetric_nats_hand_over_through_the_introducer",
            two_symmetric_nats_hand_over_through_the_introducer,
        ),
        trial(
            "reach::two_hosts_on_an_island_need_no_introducer",
            two_hosts_on_an_island_need_no_introducer,
        ),
        trial(
            "reach::on_one_lan_no_payload_passes_the_introducer",
            on_one_lan_no_payload_passes_the_introducer,
        ),
    ]
}

/// A person: a running node and its data directory, on a host.
pub(crate) struct Person {
    /// Where it runs.
    pub(crate) host: Device,
    data: PathBuf,
    _node: Program,
}

impl Person {
    /// Starts a node that knows `introducers`.
    pub(crate) fn start(host: Device, dir: &Path, introducers: &[&str]) -> Result<Self> {
        let data = dir.join(host.name());
        let mut arguments = vec!["-vv", "up", "--api", "127.0.0.1:0", "--no-public-dht"];
        for introducer in introducers {
            arguments.extend(["--introducer", introducer]);
        }
        let node = Program::kith(&host, &data, &arguments)?;
        node.wait_for_event(READY_DURATION_MAX, "ready")?;
        Ok(Self {
            host,
            data,
            _node: node,
        })
    }

    /// Starts a command that talks to the node.
    pub(crate) fn command(&self, arguments: &[&str]) -> Result<Program> {
        Program::kith(&self.host, &self.data, arguments)
    }

    /// Runs a command to its end and gives the first line with `key`.
    fn ask(&self, key: &str, arguments: &[&str]) -> Result<serde_json::Value> {
        let mut program = self.command(arguments)?;
        let line = program.wait_for(COMMAND_DURATION_MAX, |line| !line[key].is_null())?;
        let status = program.wait(COMMAND_DURATION_MAX)?;
        ensure!(status.success(), "kith {}: {status}", arguments.join(" "));
        Ok(line)
    }

    /// Waits until `other`, who holds an invite of this person's, is a contact here, and names them as their host.
    fn learns_of(&self, other: &Person) -> Result<()> {
        let id = other.ask("peer_id", &["id"])?;
        let id = id["peer_id"].as_str().context("an id")?;
        let end = Instant::now() + COMMAND_DURATION_MAX;
        let contact = loop {
            let listed = self.command(&["contacts"])?;
            match listed.wait_for(COMMAND_DURATION_MAX, |line| line["peer_id"] == id) {
                Ok(contact) => break contact,
                Err(error) if Instant::now() > end => return Err(error),
                Err(_) => {}
            }
        };
        let name = contact["name"].as_str().unwrap_or(id);
        if name != other.host.name() {
            let mut rename = self.command(&["contact", "rename", name, other.host.name()])?;
            ensure!(rename.wait(COMMAND_DURATION_MAX)?.success(), "not renamed");
        }
        Ok(())
    }

    /// Pings `other` until an answer comes by `path`.
    fn ping_until(&self, other: &Person, path: &str) -> Result<()> {
        let program = self.command(&["ping", other.host.name(), "-c", "100", "-i", "200ms"])?;
        program
            .wait_for(DIRECT_DURATION_MAX, |line| line["path"] == path)
            .with_context(|| format!("no ping by {path}"))?;
        Ok(())
    }

    /// Shares a folder with one file in it with `other`.
    fn share(&self, other: &Person, dir: &Path, name: &str) -> Result<()> {
        let folder = dir.join(format!("{}-{name}", self.host.name()));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("file"), contents())?;
        let folder = folder.to_str().context("a path in UTF-8")?;
        self.ask(
            "share_id",
            &["share", folder, "--with", other.host.name(), "--name", name],
        )?;
        Ok(())
    }

    /// Gets what `other` shares as `name`, and checks it byte by byte.
    fn get(&self, other: &Person, dir: &Path, name: &str) -> Result<()> {
        let out = dir.join(format!("{}-got-{name}", self.host.name()));
        fs::create_dir_all(&out)?;
        let what = format!("{}/{name}", other.host.name());
        let to = out.to_str().context("a path in UTF-8")?;
        let mut program = self.command(&["get", &what, "--out", to])?;
        program.wait_for_event(COMMAND_DURATION_MAX, "done")?;
        ensure!(program.wait(COMMAND_DURATION_MAX)?.success(), "not got");
        let got = fs::read(out.join(name).join("file"))?;
        ensure!(got == contents(), "the file differs");
        Ok(())
    }
}

/// The bytes of the file: no two groups alike.
fn contents() -> Vec<u8> {
    (0..FILE_BYTES / 4)
        .flat_map(|number| u32::try_from(number).unwrap_or(0).to_be_bytes())
        .collect()
}

/// Starts an introducer on `host`; gives it and its line.
pub(crate) fn introducer(host: &Device, dir: &Path) -> Result<(Program, String)> {
    let address = host.ip().context("an address")?;
    let data = dir.join(host.name());
    let listen = format!("{address}:0");
    let program = Program::kith(host, &data, &["-vv", "introducer", "--listen", &listen])?;
    let ready = program.wait_for_event(READY_DURATION_MAX, "ready")?;
    let line = ready["where"].as_str().context("a line")?.to_owned();
    Ok((program, line))
}

/// An introducer and two people, each in a home behind `kind`, who have each other.
async fn two_homes(world: &World, dir: &Path, kind: NatKind) -> Result<(Program, Person, Person)> {
    let (introducer, line) = introducer(&world.public_host("introducer").await?, dir)?;
    let ann_home = world.home("ann-home", kind).await?;
    let bob_home = world.home("bob-home", kind).await?;
    let ann = Person::start(world.host("ann", &ann_home).await?, dir, &[&line])?;
    let bob = Person::start(world.host("bob", &bob_home).await?, dir, &[&line])?;
    meet(&ann, &bob)?;
    Ok((introducer, ann, bob))
}

/// Bob adds Ann by an invite of hers; both end up with each other, under the names of their hosts.
pub(crate) fn meet(ann: &Person, bob: &Person) -> Result<()> {
    let invite = ann.ask("invite", &["invite"])?;
    let invite = invite["invite"].as_str().context("an invite")?;
    bob.ask("peer_id", &["add", invite, "--as", ann.host.name()])?;
    ann.learns_of(bob)
}

async fn two_homes_talk_directly_and_go_on_without_the_introducer() -> Result<()> {
    let dir = TempDir::new()?;
    let world = World::new().await?;
    let (introducer, ann, bob) = two_homes(&world, dir.path(), NatKind::PortRestricted).await?;
    bob.ping_until(&ann, "direct")?;
    ann.share(&bob, dir.path(), "pictures")?;
    bob.get(&ann, dir.path(), "pictures")?;
    introducer.stop()?;
    bob.ping_until(&ann, "direct")?;
    ann.share(&bob, dir.path(), "letters")?;
    bob.get(&ann, dir.path(), "letters")
}

async fn two_symmetric_nats_hand_over_through_the_introducer() -> Result<()> {
    let dir = TempDir::new()?;
    let world = World::new().await?;
    let (_introducer, ann, bob) = two_homes(&world, dir.path(), NatKind::Symmetric).await?;
    bob.ping_until(&ann, "relay")?;
    ann.share(&bob, dir.path(), "pictures")?;
    bob.get(&ann, dir.path(), "pictures")
}

async fn two_hosts_on_an_island_need_no_introducer() -> Result<()> {
    let dir = TempDir::new()?;
    let world = World::new().await?;
    let island = world.island("island").await?;
    let ann = Person::start(world.host("ann", &island).await?, dir.path(), &[])?;
    let bob = Person::start(world.host("bob", &island).await?, dir.path(), &[])?;
    meet(&ann, &bob)?;
    bob.ping_until(&ann, "direct")?;
    ann.share(&bob, dir.path(), "pictures")?;
    bob.get(&ann, dir.path(), "pictures")
}

async fn on_one_lan_no_payload_passes_the_introducer() -> Result<()> {
    let dir = TempDir::new()?;
    let mut world = World::new().await?;
    let (_introducer, line) = introducer(&world.public_host("introducer").await?, dir.path())?;
    let home = world.home("home", NatKind::PortRestricted).await?;
    let ann = Person::start(world.host("ann", &home).await?, dir.path(), &[&line])?;
    let bob = Person::start(world.host("bob", &home).await?, dir.path(), &[&line])?;
    meet(&ann, &bob)?;
    bob.ping_until(&ann, "direct")?;
    ann.share(&bob, dir.path(), "pictures")?;
    let way_out = world.line_to_internet(&home, Condition::default())?;
    let before = way_out.bytes_carried();
    bob.get(&ann, dir.path(), "pictures")?;
    let passed = way_out.bytes_carried() - before;
    ensure!(passed < IDLE_BYTES_MAX, "{passed} bytes left the LAN");
    Ok(())
}
