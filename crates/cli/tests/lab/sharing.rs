//! Friends of an owner finish from each other when the owner goes, each in a home of their own; and a transfer takes the better way as soon as there
//! is one.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;
use patchbay::Device;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::line::Condition;
use crate::person::{Person, introducer, meet};
use crate::program::Program;
use crate::trial;
use crate::world::{NatKind, World};

/// What is shared: at the owner's rate, ten seconds' worth.
const BIG_BYTES: usize = 40 << 20;

/// The owner's line to the internet: a good one of a home.
const OWNER_BITS_PER_SECOND: u64 = 32_000_000;

/// How much of it each of two friends has when the owner goes: together they have all of it, and neither has it alone.
const HALF_BYTES: u64 = BIG_BYTES as u64 / 8 * 5;

/// The least that may be set: nothing to speak of comes so in the time that the owner takes.
const NEXT_TO_NOTHING: &str = "16 KiB/s";

/// So slow that a transfer lasts until the path is direct, and the other side has seen it.
const UNHURRIED: &str = "768 KiB/s";

/// How long a transfer may take: twice what the line needs, and the search for another provider.
const GET_DURATION_MAX: Duration = Duration::from_secs(60);

/// How long one command may take.
const COMMAND_DURATION_MAX: Duration = Duration::from_secs(30);

/// How long it may take until a path that can be direct is, and a lane is there: it is looked for after 1, 2, 4, 8 and 16 s.
const LANE_DURATION_MAX: Duration = Duration::from_secs(40);

/// The tests of this file.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "sharing::friends_finish_from_each_other_when_the_owner_goes",
            friends_finish_from_each_other_when_the_owner_goes,
        ),
        trial(
            "sharing::what_began_over_a_relay_goes_on_by_an_express_lane",
            what_began_over_a_relay_goes_on_by_an_express_lane,
        ),
    ]
}

/// Each has what the other lacks when Alice goes half-way.
async fn friends_finish_from_each_other_when_the_owner_goes() -> Result<()> {
    let (dir, mut world) = (TempDir::new()?, World::new().await?);
    let place = world.public_host("introducer").await?;
    let (_introducer, line) = introducer(&place, dir.path())?;
    let mut people = Vec::new();
    let mut homes = Vec::new();
    for name in ["alice", "bob", "carol"] {
        let kind = NatKind::PortRestricted;
        let home = world.home(&format!("{name}-home"), kind).await?;
        let host = world.host(name, &home).await?;
        people.push(Person::start(host, dir.path(), &[&line])?);
        homes.push(home);
    }
    let [alice, bob, carol] = <[Person; 3]>::try_from(people).ok().context("three")?;
    meet(&alice, &bob)?;
    meet(&alice, &carol)?;
    world.line_to_internet(
        &homes[0],
        Condition {
            bits_per_second: OWNER_BITS_PER_SECOND,
            ..Condition::default()
        },
    )?;
    limit_upload(&alice, "none")?;
    for friend in [&bob, &carol] {
        limit_upload(friend, NEXT_TO_NOTHING)?;
    }

    share(&alice, dir.path())?;
    let mut gets = [start_get(&bob, dir.path())?, start_get(&carol, dir.path())?];
    for get in &gets {
        wait_for_bytes(get, HALF_BYTES)?;
    }
    alice.stop()?;
    for friend in [&bob, &carol] {
        limit_upload(friend, "none")?;
    }
    for (get, friend) in gets.iter_mut().zip([&bob, &carol]) {
        let done = get.wait_for_event(GET_DURATION_MAX, "done")?;
        ensure!(get.wait(GET_DURATION_MAX)?.success(), "it was not got");
        let from_alice = given(&done, &json!("alice"));
        ensure!(
            from_alice < BIG_BYTES as u64 / 8 * 7,
            "Alice did not go half-way: {done}"
        );
        // The other did not say who they are.
        ensure!(
            from_alice + given(&done, &Value::Null) == BIG_BYTES as u64,
            "the other did not give the rest: {done}"
        );
        ensure!(fs::read(got(friend, dir.path()))? == bytes(), "it differs");
    }
    // They are no contacts, and let each other in by Alice's grants.
    let letting_in = |friend: &Person| friend.talk().contains("level=Stranger face=Contact");
    ensure!(
        letting_in(&bob) || letting_in(&carol),
        "neither reached the other's contact face"
    );
    Ok(())
}

/// UDP between the two is cut at first, as by a firewall that takes its time; Alice has a public address, so there can be a lane.
async fn what_began_over_a_relay_goes_on_by_an_express_lane() -> Result<()> {
    let (dir, world) = (TempDir::new()?, World::new().await?);
    let (_introducer, line) = introducer(&world.public_host("introducer").await?, dir.path())?;
    let home = world.home("bob-home", NatKind::PortRestricted).await?;
    let host = world.public_host("alice").await?;
    let there = host.ip().context("an address")?;
    World::cut_udp(&home, there)?;
    let alice = Person::start(host, dir.path(), &[&line])?;
    let bob = Person::start(world.host("bob", &home).await?, dir.path(), &[&line])?;
    meet(&alice, &bob)?;
    limit_upload(&alice, UNHURRIED)?;

    share(&alice, dir.path())?;
    let mut get = start_get(&bob, dir.path())?;
    wait_for_bytes(&get, 1 << 20)?;
    ensure!(!has_lane(&bob.host, there)?, "there is a lane over a relay");
    World::heal_udp(&home)?;
    get.wait_for(LANE_DURATION_MAX, |line| {
        line["event"] == "progress" && has_lane(&bob.host, there).unwrap_or(false)
    })
    .context("no lane, though the path can be direct")?;
    limit_upload(&alice, "none")?;
    get.wait_for_event(GET_DURATION_MAX, "done")?;
    ensure!(get.wait(GET_DURATION_MAX)?.success(), "it was not got");
    ensure!(fs::read(got(&bob, dir.path()))? == bytes(), "it differs");
    Ok(())
}

/// Whether a connection over TCP stands between a host and an address, of which no relay is one.
fn has_lane(host: &Device, address: Ipv4Addr) -> Result<bool> {
    // As the kernel writes it.
    let there = format!("{:08X}:", u32::from_ne_bytes(address.octets()));
    host.run_sync(move || {
        let mut tables = String::new();
        for table in ["tcp", "tcp6"] {
            tables += &fs::read_to_string(format!("/proc/thread-self/net/{table}"))?;
        }
        let is_lane = |line: &str| {
            let mut columns = line.split_whitespace().skip(2);
            let (remote, state) = (columns.next(), columns.next());
            remote.is_some_and(|it| it.contains(&there)) && state == Some("01")
        };
        Ok(tables.lines().any(is_lane))
    })
}

/// Holds what somebody sends, to whomever, from now on.
fn limit_upload(person: &Person, rate: &str) -> Result<()> {
    let mut limits = person.command(&["limits", "--upload", rate, "--local", "true"])?;
    ensure!(limits.wait(COMMAND_DURATION_MAX)?.success(), "no limit");
    Ok(())
}

/// Shares the file.
fn share(person: &Person, dir: &Path) -> Result<()> {
    let source = dir.join("big");
    fs::write(&source, bytes())?;
    let path = source.to_str().context("a path in UTF-8")?;
    person.ask("share_id", &["share", path])?;
    Ok(())
}

fn start_get(person: &Person, dir: &Path) -> Result<Program> {
    let out = dir.join(format!("{}-got", person.host.name()));
    let out = out.to_str().context("a path in UTF-8")?;
    person.command(&["get", "alice/big", "--out", out, "--wait", "60s"])
}

/// How much of it somebody gave.
fn given(done: &Value, peer: &Value) -> u64 {
    let sources = done["sources"].as_array().into_iter().flatten();
    let theirs = sources.filter(|source| source["peer"] == *peer);
    theirs.filter_map(|source| source["bytes"].as_u64()).sum()
}

/// Where it is when it was got.
fn got(person: &Person, dir: &Path) -> PathBuf {
    dir.join(format!("{}-got", person.host.name())).join("big")
}

fn wait_for_bytes(get: &Program, bytes: u64) -> Result<()> {
    get.wait_for(GET_DURATION_MAX, |line| {
        line["bytes"].as_u64().is_some_and(|come| come >= bytes)
    })?;
    Ok(())
}

/// The bytes of the file: no two groups alike.
fn bytes() -> Vec<u8> {
    (0..BIG_BYTES / 4)
        .flat_map(|number| u32::try_from(number).unwrap_or(0).to_be_bytes())
        .collect()
}
