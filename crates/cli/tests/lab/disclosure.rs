//! What others learn of who somebody is and where: an introducer that keeps every packet, its disk and its log, and a
//! stranger who dials. Everything is searched for every form of what they shall not learn.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use kith::core::ids::PeerId;
use kith::testing::Clue;
use libtest_mimic::Trial;
use patchbay::{Device, Router};
use tempfile::TempDir;

use crate::capture::{Capture, Flow};
use crate::person::{Person, introducer, meet, meet_by, ready_introducer};
use crate::program::{KITH, Program};
use crate::trial;
use crate::world::{NatKind, World};

/// How long a dial that leads nowhere may take to be given up.
const REFUSED_DURATION_MAX: Duration = Duration::from_secs(40);

/// How long records may take to be left at the introducer.
const RECORDS_DURATION_MAX: Duration = Duration::from_secs(30);

/// The exit code of what cannot be reached, for a stranger whatever the reason.
const NOT_REACHED: i32 = 3;

/// The name of what is shared: that of a folder, and of the share.
const SHARE: &str = "letters-to-petronella";

/// The name of the file in it.
const FILE: &str = "nobody-else-shall-read-this.txt";

/// What a relay's TLS handshake holds in clear, for everybody on the path.
const RELAY_NAME: &str = "relay.kith.invalid";

/// The kind under which the introducer's database keeps a record.
const ROW_KIND: &[u8] = b"record";

/// The tests of this file.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "disclosure::a_stranger_who_dials_the_public_face_learns_no_address",
            a_stranger_who_dials_the_public_face_learns_no_address,
        ),
        trial(
            "disclosure::an_introducer_that_keeps_everything_learns_no_name_and_no_inner_address",
            an_introducer_that_keeps_everything_learns_no_name_and_no_inner_address,
        ),
    ]
}

/// A PeerId in every form in which one may be written.
fn forms_of(id: &str) -> Result<Vec<Clue>> {
    let peer: PeerId = id.parse()?;
    let bytes = peer.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(vec![
        Clue::new("a PeerId", *bytes),
        Clue::new("a PeerId in hexadecimal", hex.to_uppercase()),
        Clue::new("a PeerId in hexadecimal", hex),
        Clue::new("a PeerId in base32", base32(bytes)),
        Clue::new("a PeerId in text", id),
        // Without its prefix and checksum, as a log may cut it.
        Clue::new("a PeerId's text, cut", &id.as_bytes()[5..25]),
    ])
}

/// RFC 4648 §6 in small letters, without padding, as iroh writes keys.
fn base32(bytes: &[u8]) -> String {
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let letters = b"abcdefghijklmnopqrstuvwxyz234567";
    let groups = bits.as_bytes().chunks(5).map(|group| {
        let padded = format!("{:0<5}", String::from_utf8_lossy(group));
        usize::from_str_radix(&padded, 2).unwrap_or(0)
    });
    groups.map(|value| char::from(letters[value])).collect()
}

/// An address as routes and as people write it. Four bytes are found in a megabyte of random ones once in four thousand
/// runs.
fn forms_of_address(whose: &str, address: Ipv4Addr) -> [Clue; 2] {
    [
        Clue::new(format!("{whose} as bytes"), address.octets()),
        Clue::new(format!("{whose} in text"), address.to_string()),
    ]
}

/// The two addresses of somebody in a home: on the internet, and on the network there.
fn addresses(person: &Person, home: &Router) -> Result<[Ipv4Addr; 2]> {
    Ok([
        home.uplink_ip().context("an address")?,
        person.host.ip().context("an address")?,
    ])
}

/// An introducer whose log, which says everything, goes to a file.
fn talkative_introducer(place: &Device, dir: &Path) -> Result<(Program, String, PathBuf, PathBuf)> {
    let (data, log) = (dir.join("kept"), dir.join("introducer.log"));
    let listen = format!("{}:0", place.ip().context("an address")?);
    let mut command = Command::new("sh");
    command.args(["-c", r#"log="$1"; shift; exec "$@" 2> "$log""#, "sh"]);
    command
        .arg(&log)
        .args([KITH, "--json", "--data"])
        .arg(&data);
    command.args(["introducer", "--listen", &listen]);
    command.env("KITH_LOG", "trace");
    let program = Program::start(place, command)?;
    let line = ready_introducer(&program)?;
    Ok((program, line, data, log))
}

/// What is in the files of a folder, but for the introducer's own keys.
fn files_in(folder: &Path) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        let is_key = path
            .extension()
            .is_some_and(|it| it == "key" || it == "pem");
        if path.is_file() && !is_key {
            all.extend(fs::read(path)?);
        }
    }
    Ok(all)
}

/// Waits until a record of each of two people is on the introducer's disk.
fn wait_for_records(data: &Path) -> Result<()> {
    let end = Instant::now() + RECORDS_DURATION_MAX;
    loop {
        let kept = files_in(data)?;
        let rows = kept.windows(ROW_KIND.len()).filter(|it| *it == ROW_KIND);
        if rows.count() >= 2 {
            return Ok(());
        }
        ensure!(Instant::now() < end, "no records are kept");
        std::thread::yield_now();
    }
}

async fn an_introducer_that_keeps_everything_learns_no_name_and_no_inner_address() -> Result<()> {
    let (dir, world) = (TempDir::new()?, World::new().await?);
    let place = world.public_host("introducer").await?;
    let capture = Capture::start(&place, dir.path())?;
    let (introducer, line, data, log) = talkative_introducer(&place, dir.path())?;
    let ann_home = world.home("ann-home", NatKind::PortRestricted).await?;
    let bob_home = world.home("bob-home", NatKind::PortRestricted).await?;
    let ann = Person::start(
        world.host("annabella", &ann_home).await?,
        dir.path(),
        &[&line],
    )?;
    let bob = Person::start(
        world.host("bartholomew", &bob_home).await?,
        dir.path(),
        &[&line],
    )?;
    meet(&ann, &bob)?;
    bob.ping_until(&ann, "direct")?;
    ann.share_file(&bob, dir.path(), (SHARE, FILE))?;
    bob.get_file(&ann, dir.path(), (SHARE, FILE))?;
    wait_for_records(&data)?;

    let mut clues = Vec::new();
    for person in [&ann, &bob] {
        let id = person.ask("peer_id", &["id"])?;
        clues.extend(forms_of(id["peer_id"].as_str().context("an id")?)?);
        clues.push(Clue::new("a petname", person.host.name()));
    }
    clues.push(Clue::new("a share's name", SHARE));
    clues.push(Clue::new("a file's name", FILE));
    let [ann_outer, ann_inner] = addresses(&ann, &ann_home)?;
    let [bob_outer, bob_inner] = addresses(&bob, &bob_home)?;
    clues.extend(forms_of_address("Ann's inner address", ann_inner));
    clues.extend(forms_of_address("Bob's inner address", bob_inner));
    introducer.stop()?;

    let flows = capture.read()?;
    for (own, other) in [(ann_outer, bob_outer), (bob_outer, ann_outer)] {
        let of_one: Vec<&Flow> = flows
            .iter()
            .filter(|flow| flow.from == own || flow.to == own)
            .collect();
        let said = of_one.iter().map(|flow| flow.content.as_slice());
        let said: Vec<u8> = said.collect::<Vec<_>>().concat();
        // What TLS shows to everybody shows that this is what was said.
        let relay = Clue::new("the relay's name", RELAY_NAME);
        ensure!(relay.is_in(&said), "nobody greeted the relay");
        Clue::check_none_in("the traffic", &said, &clues)?;
        let others = forms_of_address("the other's address", other);
        Clue::check_none_in("the traffic", &said, &others)?;
    }
    for inner in [ann_inner, bob_inner] {
        let mut flows = flows.iter();
        let seen = flows.find(|flow| flow.from == inner || flow.to == inner);
        ensure!(seen.is_none(), "the introducer saw {seen:?}");
    }

    let log = fs::read(log)?;
    let source = Clue::new("a client's address", ann_outer.to_string());
    ensure!(
        source.is_in(&log),
        "the log does not even say who connected"
    );
    Clue::check_none_in("the log", &log, &clues)?;

    clues.extend(forms_of_address("Ann's address", ann_outer));
    clues.extend(forms_of_address("Bob's address", bob_outer));
    let kept = files_in(&data)?;
    let record = Clue::new("the kind of a record's row", ROW_KIND);
    ensure!(record.is_in(&kept), "no record was kept");
    Ok(Clue::check_none_in("the introducer's disk", &kept, &clues)?)
}

/// What has a node tell of each path that the engine is told of or tries.
const PATHS_TOLD: &str = "info,kith=debug,kith_core=debug,iroh::socket::remote_map=trace";

async fn a_stranger_who_dials_the_public_face_learns_no_address() -> Result<()> {
    let (dir, world) = (TempDir::new()?, World::new().await?);
    let place = world.public_host("introducer").await?;
    let (_introducer, line) = introducer(&place, dir.path())?;
    let home = world.home("ann-home", NatKind::PortRestricted).await?;
    let ann = Person::start(world.host("ann", &home).await?, dir.path(), &[&line])?;
    let (bob, eve) = (
        world.public_host("bob").await?,
        world.public_host("eve").await?,
    );
    let bob = Person::start_telling(bob, dir.path(), &[&line], PATHS_TOLD)?;
    let eve = Person::start_telling(eve, dir.path(), &[&line], PATHS_TOLD)?;
    let (of_bob, of_eve) = (
        Capture::start(&bob.host, dir.path())?,
        Capture::start(&eve.host, dir.path())?,
    );
    let invite = ann.ask("invite", &["invite", "--no-addresses"])?;
    let invite = invite["invite"].as_str().context("an invite")?;
    // Bob uses the invite up; Eve, who has seen it, is a stranger.
    meet_by(invite, &ann, &bob)?;
    bob.ping_until(&ann, "direct")?;
    let mut add = eve.command(&["add", invite, "--as", "ann"])?;
    ann.wait_for_talk(REFUSED_DURATION_MAX, "level=Stranger face=Public")?;
    let status = add.wait(REFUSED_DURATION_MAX)?;
    ensure!(status.code() == Some(NOT_REACHED), "Eve adds Ann: {status}");

    let secrets = addresses(&ann, &home)?;
    let (seen_by_bob, seen_by_eve) = (of_bob.read()?, of_eve.read()?);
    let is_seen = |flows: &[Flow], address| {
        let mut flows = flows.iter();
        flows.any(|flow| flow.from == address || flow.to == address)
    };
    let relay = place.ip().context("an address")?;
    ensure!(
        is_seen(&seen_by_eve, relay),
        "Eve did not even reach the introducer"
    );
    ensure!(
        is_seen(&seen_by_bob, secrets[0]),
        "a contact learns the address, or this test sees nothing"
    );
    ensure!(
        bob.talk().contains(&secrets[0].to_string()),
        "a contact's node says where it sends, or this test reads nothing"
    );
    ensure!(!eve.talk().is_empty(), "Eve's node says nothing");
    let heard = seen_by_eve.iter().map(|flow| flow.content.as_slice());
    let heard: Vec<u8> = heard.collect::<Vec<_>>().concat();
    for secret in secrets {
        ensure!(
            !is_seen(&seen_by_eve, secret),
            "{secret} sends packets to Eve's host"
        );
        let forms = forms_of_address("Ann's address", secret);
        Clue::check_none_in("what Eve's host heard and said", &heard, &forms)?;
        let talk = eve.talk();
        ensure!(
            !talk.contains(&secret.to_string()),
            "Eve's node knows {secret}"
        );
    }
    Ok(())
}
