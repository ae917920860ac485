//! The rate of express lanes between two processes over the loopback, one and two side by side, beside bare TLS on TCP
//! and beside a stream of the same session; and what each costs the processor.
//!
//! All write and read through tokio's traits in chunks of 64 KiB. The first turn is not counted.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::pair::Pair;
use crate::report::{Row, Target, Turns};
use crate::stream::MIB;
use crate::{exchange, person, tls};

/// How much of the rate of bare TLS a lane must have: tickets and leashes cost nothing once it stands.
const RATIO_MIN: f64 = 0.95;

#[derive(Clone, Debug, Args)]
#[group(skip)]
pub(crate) struct Options {
    /// How many MiB in each turn.
    #[arg(long, default_value_t = 1024)]
    express_mib: u64,
    /// How many turns of each.
    #[arg(long, default_value_t = 7)]
    express_turns: usize,
}

/// What was measured of one way, turn by turn.
#[derive(Debug, Default)]
struct Measured {
    /// MB/s.
    rates: Vec<f64>,
    /// Seconds of processor time per GiB, of both processes.
    costs: Vec<f64>,
}

/// One turn at work.
struct Turn<'a> {
    pair: &'a Pair,
    length: u64,
    counts: bool,
}

impl Turn<'_> {
    /// Sends `length` bytes over all of these together.
    async fn pour<R, W>(&self, streams: Vec<(R, W)>, measured: &mut Measured) -> anyhow::Result<()>
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let share = self.length / streams.len() as u64;
        let (begun, before) = (Instant::now(), self.pair.processor()?);
        let mut pouring = Vec::new();
        for (mut reader, mut writer) in streams {
            pouring.push(tokio::spawn(async move {
                exchange::pour(&mut reader, &mut writer, share).await
            }));
        }
        for poured in pouring {
            poured.await??;
        }
        let took = begun.elapsed().as_secs_f64();
        let cost: Duration = self.pair.processor()? - before;
        if self.counts {
            let gibibytes = self.length as f64 / (1024.0 * MIB as f64);
            measured.rates.push(self.length as f64 / 1e6 / took);
            measured.costs.push(cost.as_secs_f64() / gibibytes);
        }
        Ok(())
    }
}

pub(crate) async fn run(options: &Options) -> anyhow::Result<Vec<Row>> {
    let pair = Pair::start().await?;
    let (node, peer, protocol) = (&pair.node, pair.peer, person::protocol());
    let [mut one, mut two, mut plain, mut quic] = [(); 4].map(|()| Measured::default());
    for number in 0..=options.express_turns {
        let turn = Turn {
            pair: &pair,
            length: options.express_mib * MIB,
            counts: number > 0,
        };
        let lane = async || {
            let lane = node.open_express(peer, &protocol).await;
            anyhow::Ok(lane.context("no lane")?.into_split())
        };
        turn.pour(vec![lane().await?], &mut one).await?;
        let bare = tls::open(&pair.answerer.tls).await?;
        turn.pour(vec![bare], &mut plain).await?;
        turn.pour(vec![lane().await?, lane().await?], &mut two)
            .await?;
        let stream = node.open(peer, std::slice::from_ref(&protocol)).await?;
        turn.pour(vec![stream.into_split()], &mut quic).await?;
    }
    node.shutdown().await;
    let row = |what: &str, unit, kith: &[f64], with, other: &[f64], target| {
        let what = format!("{what}, {} MiB", options.express_mib);
        let turns = Turns { kith, with, other };
        Row::of("express", &what, unit, turns, target)
    };
    let least = Some(Target::AtLeast(RATIO_MIN));
    let (bare, session) = ("bare TLS on TCP", "a stream of the session");
    Ok(vec![
        row("one lane", "MB/s", &one.rates, bare, &plain.rates, least),
        row("two lanes", "MB/s", &two.rates, bare, &plain.rates, None),
        row("one lane", "MB/s", &one.rates, session, &quic.rates, None),
        row(
            "one lane, processor",
            "s/GiB",
            &one.costs,
            bare,
            &plain.costs,
            None,
        ),
        row(
            "one lane, processor",
            "s/GiB",
            &one.costs,
            session,
            &quic.costs,
            None,
        ),
    ])
}
