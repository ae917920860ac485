//! Friends of an owner finish from each other when the owner goes, each in a home of their own.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::line::Condition;
use crate::person::{Person, introducer, meet};
use crate::trial;
use crate::world::{NatKind, World};

/// What is shared: at the owner's rate, ten seconds' worth.
const BIG_BYTES: usize = 40 << 20;

/// The owner's line to the internet: a good one of a home.
const OWNER_BITS_PER_SECOND: u64 = 32_000_000;

/// How long a transfer may take: twice what the line needs, and the search for another provider.
const GET_DURATION_MAX: Duration = Duration::from_secs(60);

/// The tests of this file.
pub(crate) fn trials() -> Vec<Trial> {
    vec![trial(
        "sharing::friends_finish_from_each_other_when_the_owner_goes",
        friends_finish_from_each_other_when_the_owner_goes,
    )]
}

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

    let source = dir.path().join("big");
    fs::write(&source, bytes())?;
    let path = source.to_str().context("a path in UTF-8")?;
    alice.ask("share_id", &["share", path])?;
    let mut get = start_get(&bob, dir.path())?;
    get.wait_for_event(GET_DURATION_MAX, "done")?;
    ensure!(get.wait(GET_DURATION_MAX)?.success(), "Bob did not get it");
    wait_for_provider(&alice, "bob")?;

    let mut get = start_get(&carol, dir.path())?;
    get.wait_for(GET_DURATION_MAX, |line| {
        let bytes = line["bytes"].as_u64().unwrap_or(0);
        bytes > BIG_BYTES as u64 / 8
    })?;
    alice.stop()?;
    let done = get.wait_for_event(GET_DURATION_MAX, "done")?;
    ensure!(
        get.wait(GET_DURATION_MAX)?.success(),
        "Carol did not get it"
    );
    let sources = done["sources"].as_array().context("sources")?;
    let named = sources.iter().filter_map(|source| source["bytes"].as_u64());
    ensure!(
        named.sum::<u64>() < BIG_BYTES as u64,
        "all of it came from Alice: {done}"
    );
    let got = fs::read(dir.path().join("carol-got").join("big"))?;
    ensure!(got == bytes(), "the file differs");
    // She is no contact of his, and was let in by Alice's grant.
    ensure!(
        bob.talk().contains("level=Stranger face=Contact"),
        "she did not reach his contact face"
    );
    Ok(())
}

fn start_get(person: &Person, dir: &Path) -> Result<crate::program::Program> {
    let out = dir.join(format!("{}-got", person.host.name()));
    let out = out.to_str().context("a path in UTF-8")?;
    person.command(&["get", "alice/big", "--out", out, "--wait", "60s"])
}

/// Waits until `owner` was told that somebody provides what they share.
fn wait_for_provider(owner: &Person, name: &str) -> Result<()> {
    let end = Instant::now() + GET_DURATION_MAX;
    loop {
        let share = owner.ask("share_id", &["shares"])?;
        let providers = share["providers"].as_array().context("providers")?;
        if providers.iter().any(|it| it == name) {
            return Ok(());
        }
        ensure!(Instant::now() < end, "{name} is not known: {share}");
    }
}

/// The bytes of the file: no two groups alike.
fn bytes() -> Vec<u8> {
    (0..BIG_BYTES / 4)
        .flat_map(|number| u32::try_from(number).unwrap_or(0).to_be_bytes())
        .collect()
}
