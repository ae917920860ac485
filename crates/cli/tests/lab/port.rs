//! The usual port of the web app, which a host has once.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;
use tempfile::TempDir;

use crate::program::Program;
use crate::trial;
use crate::world::World;

/// How long a node may take to be ready.
const READY_DURATION_MAX: Duration = Duration::from_secs(15);

/// As docs/web.md says.
const USUAL: u16 = 7117;

/// The tests of this file.
pub(crate) fn trials() -> Vec<Trial> {
    vec![trial(
        "port::who_finds_the_usual_port_taken_says_so_and_has_another",
        who_finds_the_usual_port_taken_says_so_and_has_another,
    )]
}

async fn who_finds_the_usual_port_taken_says_so_and_has_another() -> Result<()> {
    let (dir, world) = (TempDir::new()?, World::new().await?);
    let host = world.public_host("host").await?;
    let up = |name: &str| -> Result<(Program, u16)> {
        let arguments = ["up", "--no-public-dht"];
        let node = Program::kith(&host, &dir.path().join(name), &arguments)?;
        let ready = node.wait_for_event(READY_DURATION_MAX, "ready")?;
        let port = port_of(&ready)?;
        Ok((node, port))
    };
    let says_so = format!("another program has port {USUAL} of this machine");
    let (first, port) = up("first")?;
    ensure!(port == USUAL, "it is free, and the first has {port}");
    ensure!(!first.talk().contains(&says_so), "{}", first.talk());

    let (second, elsewhere) = up("second")?;
    ensure!(elsewhere != USUAL, "two programs have one port");
    second.wait_for_talk(READY_DURATION_MAX, &says_so)?;
    second.wait_for_talk(READY_DURATION_MAX, &format!("at port {elsewhere} for now"))?;

    // Where it is free again, the second has it.
    ensure!(first.stop()?.success(), "the first did not end well");
    ensure!(second.stop()?.success(), "the second did not end well");
    let (second, port) = up("second")?;
    ensure!(port == USUAL, "it is free, and the second has {port}");
    ensure!(!second.talk().contains(&says_so), "{}", second.talk());
    Ok(())
}

/// Where a node that is ready says that its web app is.
fn port_of(ready: &Value) -> Result<u16> {
    let api = ready["api"].as_str().context("an address")?;
    let (_, port) = api.rsplit_once(':').context("a port")?;
    Ok(port.parse()?)
}
