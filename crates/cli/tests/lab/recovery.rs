//! What a user notices when the network changes under a session: the gap between two answers to a ping, and how long it
//! takes until the path is direct again.

use std::fs;
use std::io::{PipeWriter, Write as _};
use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use libtest_mimic::Trial;
use patchbay::Router;
use tempfile::TempDir;

use crate::line::Condition;
use crate::person::{Person, introducer, meet};
use crate::pings::{GAP_MAX, Pings};
use crate::program::Program;
use crate::trial;
use crate::world::{NatKind, World};

/// When the path must be direct again.
const DIRECT_AGAIN_MAX: Duration = Duration::from_secs(5);

/// How long a link stays cut: longer than any path's idle time-out.
const CUT_DURATION: Duration = Duration::from_secs(3);

/// How long a stream that was in use when its link was cut may take to go on: four times the cut, and some for good measure.
const RESUMED_DURATION_MAX: Duration = Duration::from_secs(20);

/// Between two words on a stream in use.
const EACH: Duration = Duration::from_millis(100);

/// How long a direct path stays cut, so that several looks for another fail.
const DIRECT_CUT_DURATION: Duration = Duration::from_secs(8);

/// The tests of this file.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "recovery::a_cut_direct_path_leaves_a_short_gap_and_heals",
            a_cut_direct_path_leaves_a_short_gap_and_heals,
        ),
        trial("recovery::a_cut_link_heals", a_cut_link_heals),
        trial(
            "recovery::a_new_lan_address_is_survived",
            a_new_lan_address_is_survived,
        ),
        trial(
            "recovery::a_router_that_forgot_is_survived",
            a_router_that_forgot_is_survived,
        ),
        trial(
            "recovery::a_session_that_began_relayed_becomes_direct_soon",
            a_session_that_began_relayed_becomes_direct_soon,
        ),
    ]
}

/// Two people in homes of their own, an introducer, and a ping that runs on a direct path.
struct Pinging {
    home: Router,
    bob_home: Router,
    ann: Person,
    bob: Person,
    _introducer: Program,
    pings: Pings,
}

impl Pinging {
    async fn start(world: &World, dir: &Path) -> Result<Self> {
        let (introducer, line) = introducer(&world.public_host("introducer").await?, dir)?;
        let home = world.home("ann-home", NatKind::PortRestricted).await?;
        let bob_home = world.home("bob-home", NatKind::PortRestricted).await?;
        let ann = Person::start(world.host("ann", &home).await?, dir, &[&line])?;
        let bob = Person::start(world.host("bob", &bob_home).await?, dir, &[&line])?;
        meet(&ann, &bob)?;
        let pings = Pings::start(&ann, &bob)?;
        pings.wait_until_direct()?;
        Ok(Self {
            home,
            bob_home,
            ann,
            bob,
            _introducer: introducer,
            pings,
        })
    }

    /// From now on, gaps are short and the path is direct again in time.
    fn recovers(&self) -> Result<()> {
        let told = self.pings.listen(2 * DIRECT_AGAIN_MAX)?;
        ensure!(told.gap_max < GAP_MAX, "a long gap: {told:?}");
        ensure!(
            told.path == "direct" && told.relayed_until < DIRECT_AGAIN_MAX,
            "relayed for long: {told:?}"
        );
        Ok(())
    }
}

async fn a_cut_direct_path_leaves_a_short_gap_and_heals() -> Result<()> {
    let (dir, world) = (TempDir::new()?, World::new().await?);
    let pinging = Pinging::start(&world, dir.path()).await?;
    let there = pinging.bob_home.uplink_ip().context("an address")?;
    World::cut_udp(&pinging.home, there)?;
    let told = pinging.pings.listen(DIRECT_CUT_DURATION)?;
    ensure!(told.path == "relay", "it was not cut: {told:?}");
    ensure!(told.gap_max < GAP_MAX, "a long gap: {told:?}");
    World::heal_udp(&pinging.home)?;
    pinging.recovers()
}

/// Nothing passes while the whole link is cut, relay or not; what counts is the time from when it is healed.
async fn a_cut_link_heals() -> Result<()> {
    let dir = TempDir::new()?;
    let mut world = World::new().await?;
    let mut pinging = Pinging::start(&world, dir.path()).await?;
    let line = world.line_to_internet(&pinging.home, Condition::default())?;
    let (heard, (input, said)) = (dir.path().join("through"), std::io::pipe()?);
    let mut through = pinging.ann.pipe(&pinging.bob, &heard, input.into())?;
    let counted = Counting::start(said);
    pinging.pings.listen(Duration::from_secs(1))?;
    ensure!(bytes_in(&heard) > 0, "nothing came before the cut");
    line.set(Condition {
        is_cut: true,
        ..Condition::default()
    });
    tokio::time::sleep(CUT_DURATION).await;
    let before_heal = bytes_in(&heard);
    line.set(Condition::default());
    let resumed = std::thread::spawn({
        let (heard, healed) = (heard.clone(), Instant::now());
        move || {
            while bytes_in(&heard) == before_heal && healed.elapsed() < RESUMED_DURATION_MAX {
                std::thread::sleep(EACH / 10);
            }
            healed.elapsed()
        }
    });
    let after = Pings::start(&pinging.ann, &pinging.bob)?;
    pinging.pings = after;
    pinging.recovers()?;
    // What was under way on the dead path takes longer: the engine sends it again only after three of the path's probe
    // time-outs, and an acknowledgement that was itself held up by the cut makes those long.
    let resumed = resumed.join().map_err(|_| anyhow!("it panicked"))?;
    ensure!(resumed < RESUMED_DURATION_MAX, "a stream stands still");
    // The very stream goes on, and nothing of it is lost.
    let all = counted.stop()?;
    through.end()?;
    ensure!(fs::read(&heard)? == all, "not what was said");
    Ok(())
}

/// How much is in a file, in bytes.
fn bytes_in(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |it| it.len())
}

/// Somebody who counts into a pipe, at each [`EACH`].
struct Counting {
    stops: mpsc::Sender<()>,
    thread: JoinHandle<std::io::Result<Vec<u8>>>,
}

impl Counting {
    fn start(mut into: PipeWriter) -> Self {
        let (stops, stopped) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut said = Vec::new();
            for number in 0_u32.. {
                if stopped.recv_timeout(EACH) != Err(mpsc::RecvTimeoutError::Timeout) {
                    break;
                }
                into.write_all(&number.to_be_bytes())?;
                said.extend(number.to_be_bytes());
            }
            Ok(said)
        });
        Self { stops, thread }
    }

    /// Stops counting; all that was said.
    fn stop(self) -> Result<Vec<u8>> {
        drop(self.stops);
        let said = self.thread.join();
        Ok(said.map_err(|_| anyhow!("it panicked"))??)
    }
}

async fn a_new_lan_address_is_survived() -> Result<()> {
    let (dir, world) = (TempDir::new()?, World::new().await?);
    let pinging = Pinging::start(&world, dir.path()).await?;
    World::renew_address(&pinging.ann.host, &pinging.home).await?;
    pinging.recovers()
}

async fn a_router_that_forgot_is_survived() -> Result<()> {
    let (dir, world) = (TempDir::new()?, World::new().await?);
    let pinging = Pinging::start(&world, dir.path()).await?;
    World::forget_mappings(&pinging.home, NatKind::PortRestricted)?;
    pinging.recovers()
}

/// The first hole punches are lost, all of them; the engine by itself would look again after a minute.
async fn a_session_that_began_relayed_becomes_direct_soon() -> Result<()> {
    let (dir, world) = (TempDir::new()?, World::new().await?);
    let (_introducer, line) = introducer(&world.public_host("introducer").await?, dir.path())?;
    let home = world.home("ann-home", NatKind::PortRestricted).await?;
    let bob_home = world.home("bob-home", NatKind::PortRestricted).await?;
    let there = bob_home.uplink_ip().context("an address")?;
    World::cut_udp(&home, there)?;
    let ann = Person::start(world.host("ann", &home).await?, dir.path(), &[&line])?;
    let bob = Person::start(world.host("bob", &bob_home).await?, dir.path(), &[&line])?;
    meet(&ann, &bob)?;
    bob.ping_until(&ann, "relay")?;
    World::heal_udp(&home)?;
    bob.ping_until(&ann, "direct")
}
