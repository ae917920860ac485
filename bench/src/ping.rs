//! How long a contact's first answer takes when no session stands and their address is known, as the node itself measures
//! it; beside a bare iroh endpoint that dials and gets an echo.
//!
//! The nodes are the library in processes of their own, not `kith up`: its API and the command line take no part.
//!
//! The address stays known from the session before: both endpoints live on between samples, only connections are closed.

use std::time::{Duration, Instant};

use clap::Args;
use kith::Node;
use kith::core::ids::PeerId;

use crate::bare::{self, Bare, Place, Tuning};
use crate::pair::{HERE, Pair};
use crate::report::{Row, Target, Turns};
use crate::{exchange, person};

/// How many times a bare dial and echo a first ping may take.
const RATIO_MAX: f64 = 1.5;

/// Between two samples: the other side learns of the close and is at rest again.
const REST: Duration = Duration::from_millis(20);

/// What is left out at the beginning: caches, page faults, the first use of code.
const WARM_UP: usize = 10;

#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// How many first pings.
    #[arg(long, default_value_t = 200)]
    pings: usize,
}

pub(crate) async fn run(options: &Options) -> anyhow::Result<Vec<Row>> {
    let pair = Pair::start().await?;
    let (node, answerer) = (&pair.node, &pair.answerer);
    let bare = Bare::bind(Tuning::Kith, HERE).await?;
    let (mut firsts, mut bare_firsts, mut nexts, mut bare_nexts) = (vec![], vec![], vec![], vec![]);
    for sample in 0..WARM_UP + options.pings {
        let (first, next) = ping(node, pair.peer).await?;
        let (bare_first, bare_next) = dial_and_echo(&bare, answerer.tuned).await?;
        if sample >= WARM_UP {
            firsts.push(first);
            nexts.push(next);
            bare_firsts.push(bare_first);
            bare_nexts.push(bare_next);
        }
    }
    node.shutdown().await;
    bare.close().await;
    let first = Turns {
        kith: &firsts,
        with: "bare iroh: dial and echo",
        other: &bare_firsts,
    };
    let next = Turns {
        kith: &nexts,
        with: "bare iroh: echo",
        other: &bare_nexts,
    };
    let target = Some(Target::AtMost(RATIO_MAX));
    Ok(vec![
        Row::of("ping", "first answer, no session yet", "ms", first, target),
        Row::of("ping", "next answer, same stream", "ms", next, None),
    ])
}

/// The first and the second answer over a fresh session, in ms.
async fn ping(node: &Node, peer: PeerId) -> anyhow::Result<(f64, f64)> {
    if let Ok(stream) = node.open(peer, &[person::protocol()]).await {
        stream.connection().close(0, "the next sample");
    }
    person::wait_alone(node).await?;
    tokio::time::sleep(REST).await;
    let mut pinger = node.pinger(peer);
    let first = pinger.ping().await?.round_trip;
    let next = pinger.ping().await?.round_trip;
    Ok((milliseconds(first), milliseconds(next)))
}

/// The same over a fresh connection.
async fn dial_and_echo(bare: &Bare, place: Place) -> anyhow::Result<(f64, f64)> {
    tokio::time::sleep(REST).await;
    let begun = Instant::now();
    let connection = bare.connect(place).await?;
    let (mut reader, mut writer) = bare::open(&connection).await?;
    exchange::first_echo(&mut reader, &mut writer).await?;
    let first = begun.elapsed();
    let next = exchange::next_echo(&mut reader, &mut writer).await?;
    connection.close(0u32.into(), b"the next sample");
    Ok((milliseconds(first), milliseconds(next)))
}

pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
