//! The rate of a TCP connection forwarded to a contact's service, beside a bare iroh stream that carries the same bytes.
//!
//! The forwarded bytes cross two sockets more than the bare ones, on the same two processors.

use std::time::Duration;

use clap::Args;
use kith::Node;
use kith::core::routing::Access;
use kith::protocol::service::{Local, Offered, ServiceName};
use tokio::net::{TcpListener, TcpStream};

use crate::bare::{self, Bare, Tuning};
use crate::exchange;
use crate::pair::{HERE, Pair};
use crate::report::{Row, Target, Turns};
use crate::stream::MIB;

/// How much of a bare stream's rate a forwarded connection must have.
const RATIO_MIN: f64 = 0.8;

/// What the service is called.
const SERVICE: &str = "bench";

#[derive(Clone, Debug, Args)]
#[group(skip)]
pub(crate) struct Options {
    /// How many MiB in each turn.
    #[arg(long, default_value_t = 1024)]
    forward_mib: u64,
    /// How many turns of each.
    #[arg(long, default_value_t = 7)]
    forward_turns: usize,
}

pub(crate) async fn run(options: &Options) -> anyhow::Result<Vec<Row>> {
    let pair = Pair::start().await?;
    let forward = pair
        .node
        .forward(pair.peer, &service(), Local::Tcp(HERE))
        .await?;
    let tuned = Bare::bind(Tuning::Kith, HERE).await?;
    let connection = tuned.connect(pair.answerer.tuned).await?;
    let length = options.forward_mib * MIB;
    let rate = |took: Duration| length as f64 / 1e6 / took.as_secs_f64();
    let (mut forwarded, mut same) = (vec![], vec![]);
    // The first turn warms memory up.
    for turn in 0..=options.forward_turns {
        let socket = TcpStream::connect(forward.local_addr()).await?;
        let (mut reader, mut writer) = socket.into_split();
        let kith = rate(exchange::pour(&mut reader, &mut writer, length).await?);
        let (mut reader, mut writer) = bare::open(&connection).await?;
        let bare = rate(exchange::pour(&mut reader, &mut writer, length).await?);
        if turn > 0 {
            forwarded.push(kith);
            same.push(bare);
        }
    }
    pair.node.shutdown().await;
    tuned.close().await;
    let what = format!("one TCP connection, {} MiB", options.forward_mib);
    let turns = Turns {
        kith: &forwarded,
        with: "bare iroh stream, kith's windows",
        other: &same,
    };
    let target = Some(Target::AtLeast(RATIO_MIN));
    Ok(vec![Row::of("forward", &what, "MB/s", turns, target)])
}

/// Offers a local TCP service that answers as streams do.
pub(crate) async fn offer(node: &Node) -> anyhow::Result<Offered> {
    let listener = TcpListener::bind(HERE).await?;
    let local = Local::Tcp(listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (reader, writer) = socket.into_split();
            tokio::spawn(exchange::answer(reader, writer));
        }
    });
    Ok(node.offer(service(), local, Access::Contacts)?)
}

fn service() -> ServiceName {
    SERVICE.parse().expect("a valid name")
}
