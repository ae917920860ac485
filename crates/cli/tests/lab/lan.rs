//! A LAN with nothing else: no introducer, no internet. DNS-SD (RFC 6763) shows where contacts are, and other people's
//! browsers see the service.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::person::{Person, meet};
use crate::program::Program;
use crate::trial;
use crate::world::World;

/// How long other people's programs may take to start and to hear of a service.
const BROWSER_DURATION_MAX: Duration = Duration::from_secs(20);

/// How long one of them is looked at.
const BROWSED_WITHIN: Duration = Duration::from_secs(2);

/// How long an address may be told of that a host has no more.
const MOVED_WITHIN: Duration = Duration::from_secs(20);

/// The tests of this file.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "lan::two_hosts_need_no_introducer_and_no_internet",
            two_hosts_need_no_introducer_and_no_internet,
        ),
        trial(
            "lan::a_node_with_another_key_and_address_is_found_again",
            a_node_with_another_key_and_address_is_found_again,
        ),
        trial("lan::avahi_browse_shows_a_node", avahi_browse_shows_a_node),
        trial(
            "lan::two_hosts_hand_over_a_folder",
            two_hosts_hand_over_a_folder,
        ),
    ]
}

/// Ann and Bob, who know each other, on an island.
async fn islanders(world: &World, dir: &TempDir) -> Result<(patchbay::Router, Person, Person)> {
    let island = world.island("island").await?;
    let ann = Person::start(world.host("ann", &island).await?, dir.path(), &[])?;
    let bob = Person::start(world.host("bob", &island).await?, dir.path(), &[])?;
    meet(&ann, &bob)?;
    Ok((island, ann, bob))
}

async fn two_hosts_need_no_introducer_and_no_internet() -> Result<()> {
    let (dir, world) = (TempDir::new()?, World::new().await?);
    let (_island, ann, bob) = islanders(&world, &dir).await?;
    bob.ping_until(&ann, "direct")?;
    ann.ping_until(&bob, "direct")?;
    bob.send(&ann, dir.path(), "there")?;
    ann.send(&bob, dir.path(), "back")
}

async fn a_node_with_another_key_and_address_is_found_again() -> Result<()> {
    let (dir, world) = (TempDir::new()?, World::new().await?);
    let (island, ann, bob) = islanders(&world, &dir).await?;
    bob.ping_until(&ann, "direct")?;
    let ann = ann.stop()?;
    World::renew_address(&ann.host, &island).await?;
    let ann = ann.start_again(&[])?;
    bob.ping_until(&ann, "direct")?;
    // Both restart: neither has anything but the other's tag to go by.
    let (ann, bob) = (ann.stop()?, bob.stop()?);
    let (ann, bob) = (ann.start_again(&[])?, bob.start_again(&[])?);
    bob.ping_until(&ann, "direct")?;
    ann.ping_until(&bob, "direct")
}

async fn avahi_browse_shows_a_node() -> Result<()> {
    let (dir, world) = (TempDir::new()?, World::new().await?);
    let island = world.island("island").await?;
    let ann_host = world.host("ann", &island).await?;
    let address = ann_host.ip().map(|ip| ip.to_string()).unwrap_or_default();
    let ann = Person::start(ann_host, dir.path(), &[])?;
    let reader = world.host("reader", &island).await?;
    // Avahi asks the system's message bus for permission to exist: it gets one of its own.
    let bus = dir.path().join("bus");
    let configuration = dir.path().join("bus.conf");
    fs::write(
        &configuration,
        format!(
            r#"<busconfig><type>system</type><listen>unix:path={}</listen>
            <policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/>
            <allow receive_sender="*"/></policy></busconfig>"#,
            bus.display()
        ),
    )?;
    let on_bus = |program: &str| {
        let mut command = Command::new(program);
        let address = format!("unix:path={}", bus.display());
        command.env("DBUS_SYSTEM_BUS_ADDRESS", address);
        command
    };
    let mut daemon = on_bus("dbus-daemon");
    daemon.args(["--nofork", "--print-address=2", "--config-file"]);
    daemon.arg(&configuration);
    let daemon = Program::start(&reader, daemon)?;
    daemon.wait_for_talk(BROWSER_DURATION_MAX, "unix:path")?;
    let mut avahi = on_bus("avahi-daemon");
    avahi.args(["--no-drop-root", "--no-chroot", "--no-rlimits", "--debug"]);
    let avahi = Program::start(&reader, avahi)?;
    avahi.wait_for_talk(BROWSER_DURATION_MAX, "Server startup complete")?;
    let browse = |address: &str, within| {
        let mut browse = on_bus("avahi-browse");
        browse.args(["--parsable", "--resolve", "--no-db-lookup", "_kith._udp"]);
        let browse = Program::start(&reader, browse)?;
        browse.wait_for_line(within, |line| {
            line.starts_with('=') && line.contains(address)
        })
    };
    let shown = browse(&address, BROWSER_DURATION_MAX)?;
    ensure!(!shown.contains("ann"), "the host's name is told: {shown}");

    // Wherever it is from now on, others see at once.
    World::renew_address(&ann.host, &island).await?;
    let moved = ann.host.ip().map(|ip| ip.to_string()).unwrap_or_default();
    ensure!(moved != address, "it has another address");
    let start = Instant::now();
    // A browser shows an address that it remembers, once.
    while let Err(unseen) = browse(&moved, BROWSED_WITHIN) {
        ensure!(start.elapsed() < MOVED_WITHIN, "{moved}: {unseen}");
    }
    Ok(())
}

async fn two_hosts_hand_over_a_folder() -> Result<()> {
    let (dir, world) = (TempDir::new()?, World::new().await?);
    let (_island, ann, bob) = islanders(&world, &dir).await?;
    ann.share(&bob, dir.path(), "pictures")?;
    bob.get(&ann, dir.path(), "pictures")
}
