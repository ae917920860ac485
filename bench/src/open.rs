//! What opening a stream on a standing session costs, over a line of 20 ms there and back: round trips until the first
//! answered byte, and what passes before the first byte is sent.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use kith::core::identity::Invite;
use tokio::io::AsyncWriteExt as _;

use crate::bare::{self, Bare, Place, Tuning};
use crate::child::Process;
use crate::delay::SlowLine;
use crate::report::{Row, Target, Turns};
use crate::role::Answerer;
use crate::statistics::milliseconds;
use crate::{exchange, person};

/// Where this process is bound: the line leads from here to the other family.
const HERE_V6: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0);

/// How long a packet takes to the other side.
const ONE_WAY: Duration = Duration::from_millis(10);

/// How many round trips a new stream's first answer may take: one, and the work of two busy processes.
const ROUND_TRIPS_MAX: f64 = 1.1;

/// What may pass before the first byte is sent, in round trips: none.
const ROUND_TRIPS_BEFORE_MAX: f64 = 0.1;

#[derive(Clone, Debug, Args)]
#[group(skip)]
pub(crate) struct Options {
    /// How many streams.
    #[arg(long, default_value_t = 100)]
    opens: usize,
}

pub(crate) async fn run(options: &Options) -> anyhow::Result<Vec<Row>> {
    let mut child = Process::start(&["answerer"])?;
    let answerer: Answerer = child.hear().await?;
    let node = person::local_node(HERE_V6).spawn().await?;
    let mut invite: Invite = answerer.invite.parse()?;
    let route = invite.contact.as_mut().context("a route")?;
    let line = SlowLine::lay(*route.addresses.first().context("an address")?, ONE_WAY).await?;
    route.addresses = vec![line.address()];
    let peer = person::accept(&node, invite).await?;

    let bare_line = SlowLine::lay(answerer.tuned.address, ONE_WAY).await?;
    let place = Place {
        address: bare_line.address(),
        ..answerer.tuned
    };
    let bare = Bare::bind(Tuning::Kith, HERE_V6).await?;
    let connection = bare.connect(place).await?;

    let mut times = Times::default();
    let (mut reader, mut writer) = node.open(peer, &[person::protocol()]).await?.into_split();
    exchange::first_echo(&mut reader, &mut writer).await?;
    for _ in 0..options.opens {
        let trip = exchange::next_echo(&mut reader, &mut writer).await?;
        ensure!(trip >= 2 * ONE_WAY, "there is a way around the slow line");
        times.trips.push(milliseconds(trip));
        let begun = Instant::now();
        let (mut reader, mut writer) = node.open(peer, &[person::protocol()]).await?.into_split();
        times.before.push(milliseconds(begun.elapsed()));
        exchange::first_echo(&mut reader, &mut writer).await?;
        times.answers.push(milliseconds(begun.elapsed()));
        writer.shutdown().await?;
        let begun = Instant::now();
        let (mut reader, mut writer) = bare::open(&connection).await?;
        exchange::first_echo(&mut reader, &mut writer).await?;
        times.bare_answers.push(milliseconds(begun.elapsed()));
        writer.shutdown().await?;
    }
    node.shutdown().await;
    bare.close().await;
    Ok(times.rows())
}

/// All in milliseconds, turn by turn.
#[derive(Debug, Default)]
struct Times {
    /// One round trip on a stream that stands.
    trips: Vec<f64>,
    /// From asking for a stream to being able to write.
    before: Vec<f64>,
    /// From asking for a stream to the first answered byte.
    answers: Vec<f64>,
    /// The same of a bare connection.
    bare_answers: Vec<f64>,
}

impl Times {
    fn rows(&self) -> Vec<Row> {
        let (answered, trip) = ("new stream, first answered byte", "one round trip");
        let row = |what, kith, with, other, target| {
            Row::of("open", what, "ms", Turns { kith, with, other }, target)
        };
        vec![
            row(
                answered,
                &self.answers,
                trip,
                &self.trips,
                Some(Target::AtMost(ROUND_TRIPS_MAX)),
            ),
            row(
                answered,
                &self.answers,
                "bare iroh: open and echo",
                &self.bare_answers,
                None,
            ),
            row(
                "new stream, before its first byte is sent",
                &self.before,
                trip,
                &self.trips,
                Some(Target::AtMost(ROUND_TRIPS_BEFORE_MAX)),
            ),
        ]
    }
}
