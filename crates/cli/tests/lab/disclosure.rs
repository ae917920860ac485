//! What a stranger learns of where somebody is: nothing. Every packet of the stranger's host is captured, and its node says
//! all it knows.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;
use patchbay::Device;
use tempfile::TempDir;

use crate::person::{Person, introducer, meet_by};
use crate::program::Program;
use crate::trial;
use crate::world::{NatKind, World};

/// How long tcpdump may take to start or to read a capture.
const CAPTURE_DURATION_MAX: Duration = Duration::from_secs(10);

/// How long a dial that leads nowhere may take to be given up.
const REFUSED_DURATION_MAX: Duration = Duration::from_secs(40);

/// The exit code of what cannot be reached, for a stranger whatever the reason.
const NOT_REACHED: i32 = 3;

/// The tests of this file.
pub(crate) fn trials() -> Vec<Trial> {
    vec![trial(
        "disclosure::a_stranger_who_dials_the_public_face_learns_no_address",
        a_stranger_who_dials_the_public_face_learns_no_address,
    )]
}

/// A capture of every packet of a host.
struct Capture {
    host: Device,
    file: std::path::PathBuf,
    tcpdump: Program,
}

impl Capture {
    fn start(host: &Device, dir: &Path) -> Result<Self> {
        let file = dir.join(format!("{}.pcap", host.name()));
        let mut command = Command::new("tcpdump");
        command.args([
            "-i",
            "any",
            "-n",
            "-U",
            "--immediate-mode",
            "-Z",
            "root",
            "-w",
        ]);
        command.arg(&file);
        let tcpdump = Program::start(host, command)?;
        tcpdump.wait_for_talk(CAPTURE_DURATION_MAX, "listening on")?;
        Ok(Self {
            host: host.clone(),
            file,
            tcpdump,
        })
    }

    /// Ends it: every packet as text, with its addresses and its content in hexadecimal.
    fn read(self) -> Result<String> {
        self.tcpdump.stop()?;
        let mut command = Command::new("tcpdump");
        command.args(["-n", "-x", "-r"]).arg(&self.file);
        let output = self
            .host
            .run_sync(move || Ok(command.output()?))
            .context("tcpdump -r")?;
        ensure!(output.status.success(), "the capture cannot be read");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

async fn a_stranger_who_dials_the_public_face_learns_no_address() -> Result<()> {
    let (dir, world) = (TempDir::new()?, World::new().await?);
    let place = world.public_host("introducer").await?;
    let (_introducer, line) = introducer(&place, dir.path())?;
    let home = world.home("ann-home", NatKind::PortRestricted).await?;
    let ann = Person::start(world.host("ann", &home).await?, dir.path(), &[&line])?;
    let bob = Person::start(world.public_host("bob").await?, dir.path(), &[&line])?;
    let eve = Person::start(world.public_host("eve").await?, dir.path(), &[&line])?;
    let (of_bob, of_eve) = (
        Capture::start(&bob.host, dir.path())?,
        Capture::start(&eve.host, dir.path())?,
    );
    let invite = ann.ask("invite", &["invite", "--no-addresses"])?;
    let invite = invite["invite"].as_str().context("an invite")?;
    // Bob uses the invite up; Eve, who has seen it, is a stranger.
    meet_by(invite, &ann, &bob)?;
    bob.ping_until(&ann, "direct")?;
    eve.ask("peer_id", &["add", invite, "--as", "ann"])?;
    let mut ping = eve.command(&["ping", "ann", "-c", "1"])?;
    ann.wait_for_talk(REFUSED_DURATION_MAX, "level=Stranger face=Public")?;
    let status = ping.wait(REFUSED_DURATION_MAX)?;
    ensure!(
        status.code() == Some(NOT_REACHED),
        "Eve pings Ann: {status}"
    );

    let secrets = [
        home.uplink_ip().context("an address")?.to_string(),
        ann.host.ip().context("an address")?.to_string(),
    ];
    let (seen_by_bob, seen_by_eve) = (of_bob.read()?, of_eve.read()?);
    let relay = place.ip().context("an address")?.to_string();
    ensure!(
        seen_by_eve.contains(&relay),
        "Eve did not even reach the introducer"
    );
    ensure!(
        seen_by_bob.contains(&secrets[0]),
        "a contact learns the address, or this test sees nothing"
    );
    for secret in &secrets {
        ensure!(
            !seen_by_eve.contains(secret),
            "{secret} is in a packet of Eve's host"
        );
        ensure!(!eve.talk().contains(secret), "Eve's node knows {secret}");
    }
    Ok(())
}
