//! The rate of one stream between two processes over the loopback: the library's, a bare iroh stream's with the same
//! numbers of QUIC, and one's with those iroh comes with.
//!
//! All three write and read through tokio's traits in chunks of 64 KiB, on sessions that stand. The first turn is not
//! counted: memory that the machine has never touched is written ten times slower.

use std::time::Duration;

use clap::Args;

use crate::bare::{self, Bare, Tuning};
use crate::pair::{HERE, Pair};
use crate::report::{Row, Target, Turns};
use crate::{exchange, person};

/// How much of a bare stream's rate a stream of the library must have.
const RATIO_MIN: f64 = 0.95;

pub(crate) const MIB: u64 = 1024 * 1024;

#[derive(Clone, Debug, Args)]
#[group(skip)]
pub(crate) struct Options {
    /// How many MiB in each turn.
    #[arg(long, default_value_t = 1024)]
    stream_mib: u64,
    /// How many turns of each.
    #[arg(long, default_value_t = 7)]
    stream_turns: usize,
}

pub(crate) async fn run(options: &Options) -> anyhow::Result<Vec<Row>> {
    let pair = Pair::start().await?;
    let (node, peer, answerer) = (&pair.node, pair.peer, &pair.answerer);
    let (tuned, stock) = (
        Bare::bind(Tuning::Kith, HERE).await?,
        Bare::bind(Tuning::Iroh, HERE).await?,
    );
    let (tuned_connection, stock_connection) = (
        tuned.connect(answerer.tuned).await?,
        stock.connect(answerer.stock).await?,
    );
    let length = options.stream_mib * MIB;
    let rate = |took: Duration| length as f64 / 1e6 / took.as_secs_f64();
    let (mut ours, mut same, mut own) = (vec![], vec![], vec![]);
    for turn in 0..=options.stream_turns {
        let (mut reader, mut writer) = node.open(peer, &[person::protocol()]).await?.into_split();
        let kith = rate(exchange::pour(&mut reader, &mut writer, length).await?);
        let (mut reader, mut writer) = bare::open(&tuned_connection).await?;
        let with_same = rate(exchange::pour(&mut reader, &mut writer, length).await?);
        let (mut reader, mut writer) = bare::open(&stock_connection).await?;
        let with_own = rate(exchange::pour(&mut reader, &mut writer, length).await?);
        if turn > 0 {
            ours.push(kith);
            same.push(with_same);
            own.push(with_own);
        }
    }
    node.shutdown().await;
    tuned.close().await;
    stock.close().await;
    let what = format!("one stream, {} MiB", options.stream_mib);
    let row = |with, other| {
        let turns = Turns {
            kith: &ours,
            with,
            other,
        };
        Row::of(
            "stream",
            &what,
            "MB/s",
            turns,
            Some(Target::AtLeast(RATIO_MIN)),
        )
    };
    Ok(vec![
        row("bare iroh, kith's windows", &same),
        row("bare iroh, its own windows", &own),
    ])
}
