//! kith across networks: added by an invite, reached by name, data handed over; directly where the NATs allow it, through
//! the introducer where they do not, on a LAN with nothing else there.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use kith::core::data::link::Link;
use kith::core::introducer::Introducer;
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

/// How long a stream is watched after the introducer stopped: longer than a path that is silent is kept (2.5 s), and than the
/// engine takes to ask the relay (2.2 s).
const WITHOUT_INTRODUCER_DURATION: Duration = Duration::from_secs(8);

/// How long it may take until both faces have a place at the introducer that is left: 16 s until the dead one is given up, 10 s in
/// which it might have come back, and the engine's look at the other.
const MOVED_DURATION_MAX: Duration = Duration::from_secs(45);

/// The shortest time for which the relay is watched. A keep-alive comes by it each 2.2 s, so a span sees one of each node or none.
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
        trial(
            "reach::with_the_first_of_two_introducers_dead_paths_become_direct_and_links_lead",
            || with_one_introducer_dead(0),
        ),
        trial(
            "reach::with_the_second_of_two_introducers_dead_paths_become_direct_and_links_lead",
            || with_one_introducer_dead(1),
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

/// The public face keeps its place at the first introducer, the contact face at the second: what either of them has to itself must
/// not be lost with it.
async fn with_one_introducer_dead(dead: usize) -> Result<()> {
    let (dir, world) = (TempDir::new()?, World::new().await?);
    let dir = dir.path();
    let (first, first_line) = introducer(&world.public_host("first").await?, dir)?;
    let (second, second_line) = introducer(&world.public_host("second").await?, dir)?;
    let lines = [first_line.as_str(), second_line.as_str()];
    let mut hosts = Vec::new();
    for name in ["ann", "bob", "cat"] {
        let home = format!("{name}-home");
        let home = world.home(&home, NatKind::PortRestricted).await?;
        hosts.push(world.host(name, &home).await?);
    }
    let mut introducers = vec![first, second];
    introducers.remove(dead).stop()?;
    let living: Introducer = lines[1 - dead].parse()?;

    let mut people = Vec::new();
    for host in hosts {
        people.push(Person::start(host, dir, &lines)?);
    }
    let [ann, bob, cat] = people.try_into().ok().context("three people")?;
    meet(&ann, &bob)?;
    bob.ping_within(&ann, "direct", MOVED_DURATION_MAX)?;

    // Cat is nobody's contact: she has a link, and by it she comes to Ann's public face.
    let link = link_at(&ann, dir, &living)?;
    let out = dir.join("cat-got");
    fs::create_dir(&out)?;
    let out = out.to_str().context("a path in UTF-8")?;
    cat.ask("sources", &["get", &link, "--out", out])?;
    Ok(())
}

/// A link to something of Ann's, as soon as it names the relay of this introducer.
fn link_at(ann: &Person, dir: &Path, introducer: &Introducer) -> Result<String> {
    let folder = dir.join("linked");
    fs::create_dir(&folder)?;
    fs::write(folder.join("file"), "for whoever has the link")?;
    let folder = folder.to_str().context("a path in UTF-8")?;
    ann.ask("share_id", &["share", folder, "--link"])?;
    let end = Instant::now() + MOVED_DURATION_MAX;
    loop {
        let shared = ann.ask("link", &["shares"])?;
        let text = shared["link"].as_str().context("a link")?;
        let public = text.parse::<Link>()?.public;
        if public.is_some_and(|route| route.relays.contains(&introducer.relay_url())) {
            return Ok(text.to_owned());
        }
        ensure!(Instant::now() < end, "it still leads to the dead one");
    }
}
