//! The NAT matrix: which pairs of NATs end up with a direct path, and how soon. `just lab-matrix` prints it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::person::{Person, introducer, meet};
use crate::trial;
use crate::world::{NatKind, World};

/// How long a session may take to stand.
const FIRST_REPLY_MAX: Duration = Duration::from_secs(10);

/// How long to wait for a direct path; where there is one it takes a fraction of a second.
const DIRECT_MAX: Duration = Duration::from_secs(6);

const KINDS: [NatKind; 3] = [
    NatKind::FullCone,
    NatKind::PortRestricted,
    NatKind::Symmetric,
];

/// The matrix, as a test that is run by its name.
pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("nat_matrix", nat_matrix)]
}

/// What a pair of homes came to.
struct Cell {
    first_reply: Duration,
    direct: Option<Duration>,
}

#[expect(
    clippy::print_stdout,
    reason = "the table is what this test is run for"
)]
async fn nat_matrix() -> Result<()> {
    println!("\ndialler         dialled         path    first reply  direct after");
    let mut wrong = Vec::new();
    for here in KINDS {
        for there in KINDS {
            let cell = measure(here, there).await?;
            let path = cell.direct.map_or("relay", |_| "direct");
            let direct = cell.direct.map_or_else(|| "-".to_owned(), milliseconds);
            println!(
                "{:<15} {:<15} {path:<7} {:>11}  {direct:>12}",
                name(here),
                name(there),
                milliseconds(cell.first_reply)
            );
            if cell.direct.is_some() != can_be_direct(here, there) {
                wrong.push(format!("{} and {}: {path}", name(here), name(there)));
            }
        }
    }
    ensure!(wrong.is_empty(), "not as it should be: {wrong:?}");
    Ok(())
}

/// Two people who know each other; one starts anew and pings the other.
async fn measure(here: NatKind, there: NatKind) -> Result<Cell> {
    let (dir, world) = (TempDir::new()?, World::new().await?);
    let (_introducer, line) = introducer(&world.public_host("introducer").await?, dir.path())?;
    let (ann_home, bob_home) = (
        world.home("ann-home", here).await?,
        world.home("bob-home", there).await?,
    );
    let ann = Person::start(world.host("ann", &ann_home).await?, dir.path(), &[&line])?;
    let bob = Person::start(world.host("bob", &bob_home).await?, dir.path(), &[&line])?;
    meet(&ann, &bob)?;
    let ann = ann.stop()?.start_again(&[&line])?;
    let start = Instant::now();
    let pings = ann.command(&["ping", "bob", "-c", "10000", "-i", "10ms"])?;
    let what = || format!("{} and {}", name(here), name(there));
    let first = pings
        .wait_for(FIRST_REPLY_MAX, |line| !line["rtt_ms"].is_null())
        .with_context(what)?;
    let first_reply = start.elapsed();
    let is_direct = first["path"] == "direct"
        || pings
            .wait_for(DIRECT_MAX, |line| line["path"] == "direct")
            .is_ok();
    Ok(Cell {
        first_reply,
        direct: is_direct.then(|| start.elapsed()),
    })
}

/// No hole is punched from a symmetric NAT to one that looks at ports.
fn can_be_direct(here: NatKind, there: NatKind) -> bool {
    here == NatKind::FullCone
        || there == NatKind::FullCone
        || (here, there) == (NatKind::PortRestricted, NatKind::PortRestricted)
}

fn name(kind: NatKind) -> &'static str {
    match kind {
        NatKind::FullCone => "full cone",
        NatKind::PortRestricted => "port-restricted",
        NatKind::Symmetric => "symmetric",
    }
}

fn milliseconds(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}
