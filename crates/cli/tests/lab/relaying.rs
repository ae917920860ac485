//! No introducer anywhere: Ann, who has a public address, relays for her contacts Bob and Cat.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::person::{Person, meet};
use crate::trial;
use crate::world::{NatKind, World};

/// How long it may take to find the way back to somebody who was away: the engine's longest pause before it goes to a
/// relay again is 16 s.
const FOUND_AGAIN_WITHIN: Duration = Duration::from_secs(40);

/// How long a dial that leads nowhere may take to be given up.
const REFUSED_DURATION_MAX: Duration = Duration::from_secs(40);

/// The exit code of what cannot be reached.
const NOT_REACHED: i32 = 3;

/// The tests of this file.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "relaying::behind_symmetric_nats_two_talk_through_whom_both_know",
            behind_symmetric_nats_two_talk_through_whom_both_know,
        ),
        trial(
            "relaying::behind_other_nats_their_path_becomes_direct",
            behind_other_nats_their_path_becomes_direct,
        ),
        trial(
            "relaying::the_quota_of_a_day_is_not_exceeded",
            the_quota_of_a_day_is_not_exceeded,
        ),
        trial(
            "relaying::who_relays_is_found_again_after_a_restart",
            who_relays_is_found_again_after_a_restart,
        ),
    ]
}

/// Ann with a public address, and Bob and Cat, who know her, in homes of this kind.
async fn three(world: &World, dir: &Path, kind: NatKind) -> Result<[Person; 3]> {
    // All hosts before the first node: whatever is built later may cost those that run a packet.
    let mut hosts = Vec::new();
    for name in ["bob", "cat"] {
        let home = world.home(&format!("{name}-home"), kind).await?;
        hosts.push(world.host(name, &home).await?);
    }
    let ann = Person::start(world.public_host("ann").await?, dir, &[])?;
    let mut contacts = Vec::new();
    for host in hosts {
        let contact = Person::start(host, dir, &[])?;
        meet(&ann, &contact)?;
        contacts.push(contact);
    }
    let cat = contacts.pop().context("two contacts")?;
    let bob = contacts.pop().context("two contacts")?;
    Ok([ann, bob, cat])
}

/// Writes the `config.toml` of the person who will run on this host.
fn configure(dir: &Path, host: &str, settings: &str) -> Result<()> {
    let data = dir.join(host);
    fs::create_dir_all(&data)?;
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700))?;
    fs::write(data.join("config.toml"), settings)?;
    Ok(())
}

async fn behind_symmetric_nats_two_talk_through_whom_both_know() -> Result<()> {
    let (dir, world) = (TempDir::new()?, World::new().await?);
    let elsewhere = world.public_host("dan").await?;
    let [_ann, bob, cat] = three(&world, dir.path(), NatKind::Symmetric).await?;
    meet(&bob, &cat)?;
    bob.ping_until(&cat, "relay")?;
    cat.send(&bob, dir.path(), "a-file")?;

    // Dan holds an invite of Bob's. He is no contact of Ann's, and it does not tell him of her.
    let dan = Person::start(elsewhere, dir.path(), &[])?;
    let invite = bob.ask("invite", &["invite"])?;
    let invite = invite["invite"].as_str().context("an invite")?;
    dan.ask("peer_id", &["add", invite, "--as", "bob"])?;
    let mut ping = dan.command(&["ping", "bob", "-c", "1"])?;
    let status = ping.wait(REFUSED_DURATION_MAX)?;
    ensure!(
        status.code() == Some(NOT_REACHED),
        "Dan pings Bob: {status}"
    );
    Ok(())
}

async fn behind_other_nats_their_path_becomes_direct() -> Result<()> {
    let (dir, world) = (TempDir::new()?, World::new().await?);
    let [_ann, bob, cat] = three(&world, dir.path(), NatKind::PortRestricted).await?;
    meet(&bob, &cat)?;
    bob.ping_until(&cat, "direct")
}

async fn the_quota_of_a_day_is_not_exceeded() -> Result<()> {
    let (dir, world) = (TempDir::new()?, World::new().await?);
    let settings = "[relay_for_contacts]\nmebibytes_per_day = 1\n";
    configure(dir.path(), "ann", settings)?;
    let [_ann, bob, cat] = three(&world, dir.path(), NatKind::Symmetric).await?;
    meet(&bob, &cat)?;
    bob.ping_until(&cat, "relay")?;
    // Together larger than what Ann gives each of them on two days, should a midnight fall in between.
    let both = cat
        .send(&bob, dir.path(), "a-file")
        .and_then(|()| cat.send(&bob, dir.path(), "another"));
    ensure!(both.is_err(), "4 MB within a quota of 1 MiB a day");
    Ok(())
}

async fn who_relays_is_found_again_after_a_restart() -> Result<()> {
    let (dir, world) = (TempDir::new()?, World::new().await?);
    let [ann, bob, cat] = three(&world, dir.path(), NatKind::Symmetric).await?;
    meet(&bob, &cat)?;
    bob.ping_until(&cat, "relay")?;
    // She has another contact key afterwards, and nobody to tell it: Bob comes to her relay, and there she finds him.
    let ann = ann.stop()?.start_again(&[])?;
    ann.ping_within(&bob, "direct", FOUND_AGAIN_WITHIN)?;
    bob.ping_within(&cat, "relay", FOUND_AGAIN_WITHIN)
}
