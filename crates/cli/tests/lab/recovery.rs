//! What a user notices when the network changes under a session: the gap between two answers to a ping, and how long it
//! takes until the path is direct again.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use patchbay::Router;
use tempfile::TempDir;

use crate::line::Condition;
use crate::program::Program;
use crate::reach::{Person, introducer, meet};
use crate::trial;
use crate::world::{NatKind, World};

/// The longest an application may wait while a relayed path is there.
const GAP_MAX: Duration = Duration::from_secs(3);

/// When the path must be direct again.
const DIRECT_AGAIN_MAX: Duration = Duration::from_secs(5);

/// How long a link stays cut: longer than any path's idle time-out.
const CUT_DURATION: Duration = Duration::from_secs(4);

/// The tests of this file.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("recovery::a_cut_link_heals", a_cut_link_heals),
        trial(
            "recovery::a_new_lan_address_is_survived",
            a_new_lan_address_is_survived,
        ),
        trial(
            "recovery::a_router_that_forgot_is_survived",
            a_router_that_forgot_is_survived,
        ),
    ]
}

/// Two people in homes of their own, an introducer, and a ping that runs on a direct path.
struct Pinging {
    home: Router,
    ann: Person,
    _bob: Person,
    _introducer: Program,
    pings: Program,
}

impl Pinging {
    async fn start(world: &World, dir: &Path) -> Result<Self> {
        let (introducer, line) = introducer(&world.public_host("introducer").await?, dir)?;
        let home = world.home("ann-home", NatKind::PortRestricted).await?;
        let bob_home = world.home("bob-home", NatKind::PortRestricted).await?;
        let ann = Person::start(world.host("ann", &home).await?, dir, &[&line])?;
        let bob = Person::start(world.host("bob", &bob_home).await?, dir, &[&line])?;
        meet(&ann, &bob)?;
        let pings = ann.command(&["ping", "bob", "-c", "10000", "-i", "100ms"])?;
        pings.wait_for(2 * DIRECT_AGAIN_MAX, |line| line["path"] == "direct")?;
        Ok(Self {
            home,
            ann,
            _bob: bob,
            _introducer: introducer,
            pings,
        })
    }

    /// Reads answers for a while from now on: the gaps are short, and the path is direct again in time.
    fn check(&self) -> Result<()> {
        let start = Instant::now();
        let mut last = start;
        let mut relayed = start;
        while start.elapsed() < 2 * DIRECT_AGAIN_MAX {
            let answer = self
                .pings
                .wait_for(GAP_MAX, |line| !line["rtt_ms"].is_null())?;
            let now = Instant::now();
            ensure!(now - last < GAP_MAX, "a gap of {:?}", now - last);
            last = now;
            if answer["path"] != "direct" {
                relayed = now;
            }
        }
        let direct_again = relayed - start;
        ensure!(
            direct_again < DIRECT_AGAIN_MAX,
            "relayed for {direct_again:?}"
        );
        Ok(())
    }
}

async fn a_cut_link_heals() -> Result<()> {
    let dir = TempDir::new()?;
    let mut world = World::new().await?;
    let pinging = Pinging::start(&world, dir.path()).await?;
    let line = world.line_to_internet(&pinging.home, Condition::default())?;
    line.set(Condition {
        is_cut: true,
        ..Condition::default()
    });
    tokio::time::sleep(CUT_DURATION).await;
    line.set(Condition::default());
    pinging.check()
}

async fn a_new_lan_address_is_survived() -> Result<()> {
    let dir = TempDir::new()?;
    let world = World::new().await?;
    let pinging = Pinging::start(&world, dir.path()).await?;
    World::renew_address(&pinging.ann.host, &pinging.home).await?;
    pinging.check()
}

async fn a_router_that_forgot_is_survived() -> Result<()> {
    let dir = TempDir::new()?;
    let world = World::new().await?;
    let pinging = Pinging::start(&world, dir.path()).await?;
    World::forget_mappings(&pinging.home, NatKind::PortRestricted)?;
    pinging.check()
}
