//! kith across networks: added by an invite, reached by name, data handed over; directly where the NATs allow it, through
//! the introducer where they do not, on a LAN with nothing else there.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::person::{FILE_BYTES, Person, introducer, meet};
use crate::pings::{GAP_MAX, Pings};
use crate::program::Program;
use crate::relay::Relay;
use crate::trial;
use crate::world::{NatKind, World};

/// When a path that can be direct must be, so that nothing is relayed any more.
const RELAYED_DURATION_MAX: Duration = Duration::from_secs(2);

/// How long a stream is watched after the introducer stopped: longer than a path that is silent is kept (2.3 s), and than the
/// engine takes to ask the relay (5 s).
const WITHOUT_INTRODUCER_DURATION: Duration = Duration::from_secs(8);

/// The shortest time for which the relay is watched. A keep-alive comes by it each 5 s, so a span sees one of each node or none.
const SPAN_MIN: Duration = Duration::from_secs(2);

/// How often files are handed over to see a span in which the relay carried no more than while nothing was done. Now and then a
/// node leaves a record or asks for one, and the handshake of that visit goes over the relay: not in each span.
const TURNS_MAX: usize = 6;

/// The smallest packet of a transfer, in bytes (RFC 9000 §14): a span whose count is over that of an idle one by less has carried
/// none of them. A keep-alive is of about 40.
const FULL_PACKET_BYTES: u64 = 1200;

/// What the relay may carry in a busy span beside keep-alives: the handshakes of visits, of some 10 kB each; a dozen when two have
/// just met. The files take ten times as much.
const VISITS_BYTES_MAX: u64 = 2 * FILE_BYTES as u64 / 10;

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
    let pings = Pings::start(&bob, &ann)?;
    pings.wait_until_direct()?;
    bob.send(&ann, dir.path(), "before")?;
    // A stream ends with its session, so one that is there before and after shows that it is the same.
    let (heard, (input, mut said)) = (dir.path().join("held"), std::io::pipe()?);
    let mut held = bob.pipe(&ann, &heard, input.into())?;
    said.write_all(b"before, ")?;
    while fs::read(&heard).unwrap_or_default() != b"before, " {
        pings.answer(GAP_MAX)?;
    }
    introducer.stop()?;
    let told = pings.listen(WITHOUT_INTRODUCER_DURATION)?;
    ensure!(told.gap_max < GAP_MAX, "a long gap: {told:?}");
    ensure!(told.path == "direct", "relayed by whom? {told:?}");
    said.write_all(b"and after")?;
    drop(said);
    held.end()?;
    let heard = fs::read_to_string(heard)?;
    ensure!(heard == "before, and after", "{heard:?}");
    bob.send(&ann, dir.path(), "after")?;
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

/// Counted is what the relay itself says to have taken from its clients: the bytes of all datagrams, whatever they hold, in
/// two spans of one length. Idle, that is a keep-alive or none; with files handed over both ways it must be the same but for less
/// than one packet of a file. That such a count sees files is shown last, when the way over the LAN is cut.
async fn on_one_lan_no_payload_passes_the_introducer() -> Result<()> {
    let dir = TempDir::new()?;
    let world = World::new().await?;
    let host = world.public_host("introducer").await?;
    let (_introducer, line) = introducer(&host, dir.path())?;
    let relay = Relay::at(host, &line)?;
    let home = world.home("home", NatKind::PortRestricted).await?;
    let ann = Person::start(world.host("ann", &home).await?, dir.path(), &[&line])?;
    let bob = Person::start(world.host("bob", &home).await?, dir.path(), &[&line])?;
    meet(&ann, &bob)?;
    bob.ping_within(&ann, "direct", RELAYED_DURATION_MAX)?;
    let hand_over = |name: &str| -> Result<()> {
        bob.send(&ann, dir.path(), &format!("there{name}"))?;
        ann.send(&bob, dir.path(), &format!("back{name}"))
    };
    let mut told = Vec::new();
    loop {
        let name = told.len().to_string();
        let (busy, took) = relay.bytes_during(SPAN_MIN, || hand_over(&name)).await?;
        let (idle, _) = relay.bytes_during(took, || Ok(())).await?;
        told.push((idle, busy));
        ensure!(busy < idle + VISITS_BYTES_MAX, "files relayed: {told:?}");
        if busy < idle + FULL_PACKET_BYTES {
            break;
        }
        ensure!(told.len() < TURNS_MAX, "too much in every span: {told:?}");
    }
    World::refuse_udp(&ann.host)?;
    bob.ping_until(&ann, "relay")?;
    let before = relay.bytes()?;
    hand_over("relayed")?;
    let relayed = relay.bytes()? - before;
    ensure!(
        relayed >= 2 * FILE_BYTES as u64,
        "the count misses files: {relayed} after {told:?}"
    );
    Ok(())
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
