//! kith across networks: added by an invite, reached by name, data handed over; directly where the NATs allow it, through
//! the introducer where they do not, on a LAN with nothing else there.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::line::Condition;
use crate::person::{Person, introducer, meet};
use crate::program::Program;
use crate::trial;
use crate::world::{NatKind, World};

/// When a path that can be direct must be, so that nothing is relayed any more.
const RELAYED_DURATION_MAX: Duration = Duration::from_secs(2);

/// How often the file is sent to see it pass without one full frame on the way out. Between two keep-alives, which are small, a
/// node also leaves a record or asks where it is seen from, whose handshakes fill some frames: not again within a second.
const TURNS_MAX: usize = 8;

/// The full frames of such handshakes in one turn, at most: a few each of TLS and of QUIC. The file takes 1,400.
const FULL_FRAMES_MAX: u64 = 100;

/// The tests of this file.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "reach::two_homes_talk_directly_and_go_on_without_the_introducer",
            two_homes_talk_directly_and_go_on_without_the_introducer,
        ),
        trial(
            "reach::two_symmetric_nats_talk_through_the_introducer",
            two_symmetric_nats_talk_through_the_introducer,
        ),
        trial(
            "reach::on_one_lan_no_payload_passes_the_introducer",
            on_one_lan_no_payload_passes_the_introducer,
        ),
        trial(
            "reach::two_homes_hand_over_a_folder_and_another_without_the_introducer",
            two_homes_hand_over_a_folder_and_another_without_the_introducer,
        ),
        trial(
            "reach::two_symmetric_nats_hand_over_a_folder_through_the_introducer",
            two_symmetric_nats_hand_over_a_folder_through_the_introducer,
        ),
    ]
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

async fn two_homes_talk_directly_and_go_on_without_the_introducer() -> Result<()> {
    let dir = TempDir::new()?;
    let world = World::new().await?;
    let (introducer, ann, bob) = two_homes(&world, dir.path(), NatKind::PortRestricted).await?;
    bob.ping_until(&ann, "direct")?;
    bob.send(&ann, dir.path(), "before")?;
    introducer.stop()?;
    bob.send(&ann, dir.path(), "after")?;
    bob.ping_until(&ann, "direct")?;
    ann.send(&bob, dir.path(), "back")
}

async fn two_symmetric_nats_talk_through_the_introducer() -> Result<()> {
    let dir = TempDir::new()?;
    let world = World::new().await?;
    let (_introducer, ann, bob) = two_homes(&world, dir.path(), NatKind::Symmetric).await?;
    bob.ping_until(&ann, "relay")?;
    bob.send(&ann, dir.path(), "there")?;
    ann.send(&bob, dir.path(), "back")?;
    bob.ping_until(&ann, "relay")
}

async fn on_one_lan_no_payload_passes_the_introducer() -> Result<()> {
    let dir = TempDir::new()?;
    let mut world = World::new().await?;
    let (_introducer, line) = introducer(&world.public_host("introducer").await?, dir.path())?;
    let home = world.home("home", NatKind::PortRestricted).await?;
    let ann = Person::start(world.host("ann", &home).await?, dir.path(), &[&line])?;
    let bob = Person::start(world.host("bob", &home).await?, dir.path(), &[&line])?;
    meet(&ann, &bob)?;
    bob.ping_within(&ann, "direct", RELAYED_DURATION_MAX)?;
    let way_out = world.line_to_internet(&home, Condition::default())?;
    let mut passed = Vec::new();
    for turn in 0..TURNS_MAX {
        let before = way_out.full_frames_carried();
        bob.send(&ann, dir.path(), &format!("there{turn}"))?;
        ann.send(&bob, dir.path(), &format!("back{turn}"))?;
        let full = way_out.full_frames_carried() - before;
        ensure!(full < FULL_FRAMES_MAX, "{full} full frames left the LAN");
        if full == 0 {
            // The frames of keep-alives were seen, so the line is where it should be.
            ensure!(way_out.bytes_carried() > 0, "nothing at all passed");
            return Ok(());
        }
        passed.push(full);
    }
    bail!("full frames left the LAN in every turn: {passed:?}")
}

async fn two_homes_hand_over_a_folder_and_another_without_the_introducer() -> Result<()> {
    let dir = TempDir::new()?;
    let world = World::new().await?;
    let (introducer, ann, bob) = two_homes(&world, dir.path(), NatKind::PortRestricted).await?;
    bob.ping_until(&ann, "direct")?;
    ann.share(&bob, dir.path(), "pictures")?;
    bob.get(&ann, dir.path(), "pictures")?;
    introducer.stop()?;
    ann.share(&bob, dir.path(), "letters")?;
    bob.get(&ann, dir.path(), "letters")
}

async fn two_symmetric_nats_hand_over_a_folder_through_the_introducer() -> Result<()> {
    let dir = TempDir::new()?;
    let world = World::new().await?;
    let (_introducer, ann, bob) = two_homes(&world, dir.path(), NatKind::Symmetric).await?;
    ann.share(&bob, dir.path(), "pictures")?;
    bob.get(&ann, dir.path(), "pictures")?;
    bob.ping_until(&ann, "relay")
}
