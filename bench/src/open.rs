//! What opening a stream on a standing session costs, over a line of 20 ms there and back: round trips until the first
//! answered byte, and what passes before the first byte is sent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use kith::core::identity::Invite;
use tokio::io::AsyncWriteExt as _;

use crate::bare::{self, Bare, Place, Tuning};
use crate::child::Process;
use crate::delay::SlowLine;
use crate::ping::milliseconds;
use crate::report::{Compared, Row, Target};
use crate::role::Answerer;
use crate::statistics::{median, median_ratio};
use crate::{exchange, person};

/// How long a packet takes to the other side.
const ONE_WAY: Duration = Duration::from_millis(10);

/// How many round trips a new stream's first answer may take: one, and the work of two busy processes.
const ROUND_TRIPS_MAX: f64 = 1.1;

/// What may pass before the first byte is sent, in round trips: none.
const ROUND_TRIPS_BEFORE_MAX: f64 = 0.1;

#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// How many streams.
    #[arg(long, default_value_t = 100)]
    opens: usize,
}

pub(crate) async fn run(options: &Options) -> anyhow::Result<Vec<Row>> {
    let there = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let mut child = Process::start(&["answerer", &there.to_string()])?;
    let answerer: Answerer = child.hear().await?;
    let here = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), 0);
    let node = person::local_node(here).spawn().await?;

    let mut invite: Invite = answerer.invite.parse()?;
    let route = invite.contact.as_mut().context("an address")?;
    let line = SlowLine::lay(*route.addresses.first().context("an address")?, ONE_WAY).await?;
    route.addresses = vec![line.address()];
    let peer = person::accept(&node, invite).await?;

    let bare_line = SlowLine::lay(answerer.tuned.address, ONE_WAY).await?;
    let place = Place {
        address: bare_line.address(),
        ..answerer.tuned
    };
    let bare = Bare::bind(Tuning::Kith, here).await?;
    let connection = bare.connect(place).await?;

    let (mut reader, mut writer) = node.open(peer, &[person::protocol()]).await?.into_split();
    exchange::first_echo(&mut reader, &mut writer).await?;
    let (mut trips, mut before, mut answers, mut bare_answers) = (vec![], vec![], vec![], vec![]);
    for _ in 0..options.opens {
        let trip = milliseconds(exchange::next_echo(&mut reader, &mut writer).await?);
        ensure!(
            trip >= 2.0 * milliseconds(ONE_WAY),
            "there is a way around the slow line"
        );
        trips.push(trip);
        let begun = Instant::now();
        let (mut first_reader, mut first_writer) =
            node.open(peer, &[person::protocol()]).await?.into_split();
        before.push(milliseconds(begun.elapsed()));
        exchange::first_echo(&mut first_reader, &mut first_writer).await?;
        answers.push(milliseconds(begun.elapsed()));
        first_writer.shutdown().await?;
        let begun = Instant::now();
        let (mut first_reader, mut first_writer) = bare::open(&connection).await?;
        exchange::first_echo(&mut first_reader, &mut first_writer).await?;
        bare_answers.push(milliseconds(begun.elapsed()));
        first_writer.shutdown().await?;
    }
    let row = |what: &str, kith: &[f64], with, other: &[f64], target| Row {
        bench: "open",
        what: what.into(),
        kith: median(kith),
        compared: Some(Compared {
            with,
            value: median(other),
            ratio: median_ratio(kith, other),
        }),
        unit: "ms",
        target,
    };
    let (trip, most) = (
        "one round trip, same session",
        Some(Target::AtMost(ROUND_TRIPS_MAX)),
    );
    Ok(vec![
        row(
            "new stream, first answered byte",
            &answers,
            trip,
            &trips,
            most,
        ),
        row(
            "new stream, first answered byte",
            &answers,
            "bare iroh: open and echo",
            &bare_answers,
            None,
        ),
        row(
            "new stream, before its first byte is sent",
            &before,
            trip,
            &trips,
            Some(Target::AtMost(ROUND_TRIPS_BEFORE_MAX)),
        ),
    ])
}
