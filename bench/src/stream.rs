//! The rate of one stream between two processes over the loopback: the library's, a bare iroh stream's with the same
//! numbers of QUIC, and one's with those iroh comes with.
//!
//! All three write and read through tokio's traits in chunks of 64 KiB, on sessions that stand. The first turn is not
//! counted: memory that the machine has never touched is written ten times slower.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use clap::Args;

use crate::bare::{self, Bare, Tuning};
use crate::child::Process;
use crate::report::{Compared, Row, Target};
use crate::role::Answerer;
use crate::statistics::{median, median_ratio};
use crate::{exchange, person};

/// How much of a bare stream's rate a stream of the library must have.
const RATIO_MIN: f64 = 0.95;

const MIB: u64 = 1024 * 1024;

#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// How many MiB in each turn.
    #[arg(long, default_value_t = 1024)]
    stream_mib: u64,
    /// How many turns of each.
    #[arg(long, default_value_t = 7)]
    stream_turns: usize,
}

pub(crate) async fn run(options: &Options) -> anyhow::Result<Vec<Row>> {
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let mut child = Process::start(&["answerer", &here.to_string()])?;
    let answerer: Answerer = child.hear().await?;
    let address = SocketAddr::new(here, 0);
    let node = person::local_node(address).spawn().await?;
    let peer = person::meet(&node, &answerer.invite).await?;
    let (tuned, stock) = (
        Bare::bind(Tuning::Kith, address).await?,
        Bare::bind(Tuning::Iroh, address).await?,
    );
    let (tuned, stock) = (
        tuned.connect(answerer.tuned).await?,
        stock.connect(answerer.stock).await?,
    );
    let length = options.stream_mib * MIB;
    let rate = |took: Duration| length as f64 / 1e6 / took.as_secs_f64();
    let (mut ours, mut same, mut own) = (vec![], vec![], vec![]);
    for turn in 0..=options.stream_turns {
        let (mut reader, mut writer) = node.open(peer, &[person::protocol()]).await?.into_split();
        let kith = rate(exchange::pour(&mut reader, &mut writer, length).await?);
        let (mut reader, mut writer) = bare::open(&tuned).await?;
        let with_same = rate(exchange::pour(&mut reader, &mut writer, length).await?);
        let (mut reader, mut writer) = bare::open(&stock).await?;
        let with_own = rate(exchange::pour(&mut reader, &mut writer, length).await?);
        if turn > 0 {
            ours.push(kith);
            same.push(with_same);
            own.push(with_own);
        }
    }
    let row = |with, other: &[f64]| Row {
        bench: "stream",
        what: format!("one stream, {} MiB", options.stream_mib),
        kith: median(&ours),
        compared: Some(Compared {
            with,
            value: median(other),
            ratio: median_ratio(&ours, other),
        }),
        unit: "MB/s",
        target: Some(Target::AtLeast(RATIO_MIN)),
    };
    Ok(vec![
        row("bare iroh, kith's windows", &same),
        row("bare iroh, its own windows", &own),
    ])
}
