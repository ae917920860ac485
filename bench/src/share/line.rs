//! One file over a line of 100 Mbit/s, 40 ms there and back, on which one frame in a hundred is lost: kith beside what the line
//! carries, and beside everybody else.
//!
//! The kernel often has no `netem`, so the line is a program between two namespaces. It is measured before it is believed.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::child::Parent;
use crate::report::{Compared, Findings, Row, Target};
use crate::share::contenders::kith::{Kith, KithPair};
use crate::share::content::Content;
use crate::share::file::enter_others;
use crate::share::ground::Ground;
use crate::share::lab::Lab;
use crate::share::memory::Memory;
use crate::share::program::{Program, START_DURATION_MAX, run as run_command};
use crate::share::race::Field;
use crate::share::site::Site;
use crate::share::tap::{Condition, Line};

const BENCH: &str = "share-line";

const MIB: u64 = 1 << 20;

/// How much of what the line carries a transfer must have.
const OF_LINE_MIN: f64 = 0.9;

/// How long the line is flooded for: a hundred round trips.
const FLOOD_DURATION: Duration = Duration::from_secs(4);

/// How long the last packets of a flood may take.
const SILENCE_DURATION: Duration = Duration::from_secs(1);

/// The content of a packet of the flood: what fills an Ethernet frame, under IPv4 and UDP.
const PACKET_BYTES: usize = 1472;

/// What its headers take on the line: UDP, IPv4, Ethernet.
const HEADER_BYTES: usize = 8 + 20 + 14;

#[derive(Clone, Debug, Args)]
pub(crate) struct Sizes {
    /// The size of the file: until the line's rate is found, half a second passes.
    #[arg(long, default_value_t = 256)]
    mib: u64,
    /// How many turns of each.
    #[arg(long, default_value_t = 3)]
    turns: usize,
    /// The rate of the line, in Mbit/s.
    #[arg(long, default_value_t = 100)]
    megabits_per_second: u64,
    /// The time there and back, in milliseconds.
    #[arg(long, default_value_t = 40)]
    round_trip_ms: u64,
    /// How many of a thousand frames are lost, each way.
    #[arg(long, default_value_t = 10)]
    loss_permille: u32,
}

impl Sizes {
    fn condition(&self) -> Condition {
        Condition {
            delay: Duration::from_millis(self.round_trip_ms) / 2,
            loss_permille: self.loss_permille,
            bits_per_second: self.megabits_per_second * 1_000_000,
        }
    }
}

pub(crate) fn run(lab: &Lab, sizes: &Sizes) -> Result<Findings> {
    let ground = Ground::clear(&lab.ground)?;
    let bytes = sizes.mib * MIB;
    let _memory = Memory::touch(3 * bytes)?;
    let content = Content::file(&ground.folder("source")?, "large", bytes)?;
    let line = Line::lay(sizes.condition())?;
    let sites = line.sites();
    let link = measure(sizes, &line, &ground)?;
    let mut field = Field::default();
    let kith = Kith::plain(&lab.kith()?);
    field.enter(KithPair::start("kith", &kith, sites, &ground, &content));
    enter_others(&mut field, lab, sites, &ground, &content);
    let outcome = field.run(&content, sizes.turns, false);
    let what = format!(
        "one file, {} MiB, {} ms, {} ‰ lost, {} Mbit/s",
        sizes.mib, sizes.round_trip_ms, sizes.loss_permille, sizes.megabits_per_second
    );
    let rates = outcome.of("kith", |turn| outcome.rate(turn.took));
    let rate = crate::statistics::median(&rates.context("kith did not finish")?);
    let target = Some(Target::AtLeast(OF_LINE_MIN));
    let mut row = Row::alone(BENCH, &what, "MB/s", rate, target);
    row.compared = Some(Compared {
        with: "the line, UDP content that arrived",
        value: link,
        ratio: rate / link,
    });
    let mut rows = vec![row];
    for name in outcome.names().into_iter().filter(|name| *name != "kith") {
        let took = |turn: &crate::share::race::Turn| turn.took;
        rows.extend(outcome.row_of_rates(BENCH, &what, ("kith", took), (name, took), None));
    }
    Ok(outcome.into_findings(BENCH, rows))
}

/// Fails unless the line is as slow and loses as much as it should; how much content arrives over it, in MB/s.
fn measure(sizes: &Sizes, line: &Line, ground: &Ground) -> Result<f64> {
    let sites = line.sites();
    let far = sites.provider.address.to_string();
    let mut ping = sites.getter.command("ping");
    let said = run_command(ping.args(["-c", "5", "-i", "0.2", "-q", &far]))?;
    // rtt min/avg/max/mdev = 40.1/40.2/40.4/0.1 ms
    let times = said.rsplit_once("= ").map(|(_, times)| times);
    let least = times.and_then(|times| times.split('/').next());
    let least: f64 = least.context("ping says no times")?.parse()?;
    let round_trip = sizes.round_trip_ms as f64;
    ensure!(
        least >= round_trip && least < 2.0 * round_trip,
        "there and back takes {least} ms"
    );
    let (sent, arrived) = flood(sites.provider, sites.getter, sizes, ground)?;
    let lost = 1.0 - arrived as f64 / sent as f64;
    let wanted = f64::from(sizes.loss_permille) / 1000.0;
    ensure!(
        (wanted - lost).abs() <= 0.5 * wanted + 0.001,
        "{lost} of all packets are lost, not {wanted}"
    );
    let rate = (arrived * PACKET_BYTES as u64) as f64 / 1e6 / FLOOD_DURATION.as_secs_f64();
    let on_line = rate * (PACKET_BYTES + HEADER_BYTES) as f64 / PACKET_BYTES as f64 * 8.0;
    let share = on_line / sizes.megabits_per_second as f64;
    ensure!((0.9..=1.0).contains(&share), "it carries {on_line} Mbit/s");
    tracing::info!(least, lost, on_line, "the line is as it should be");
    Ok(rate)
}

/// What a flood is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Flood {
    to: String,
    bytes_per_second: u64,
}

/// Packets sent at the very rate of the line, and those that arrived.
fn flood(from: Site, to: Site, sizes: &Sizes, ground: &Ground) -> Result<(u64, u64)> {
    let this = std::env::current_exe()?;
    let start = |site: Site, role: &str| {
        let mut command = site.command(&this);
        command.args(["child", role, &site.address.to_string()]);
        Program::start(role, command, &ground.log(&format!("{role}.log"))?)
    };
    let sink = start(to, "flood-sink")?;
    let mut source = start(from, "flood-source")?;
    let address: String = sink.hear(START_DURATION_MAX)?;
    let bits = sizes.megabits_per_second * 1_000_000;
    source.tell(&Flood {
        to: address,
        // A hair below, so that what the queue drops is not taken for what the line loses.
        bytes_per_second: bits / 8 * 98 / 100,
    })?;
    let sent = source.hear(START_DURATION_MAX)?;
    let arrived = sink.hear(START_DURATION_MAX)?;
    Ok((sent, arrived))
}

/// The process that sends: as told, for [`FLOOD_DURATION`]; says how many packets it sent.
pub(crate) async fn flood_source(mut parent: Parent, socket: UdpSocket) -> Result<()> {
    let flood: Flood = parent.hear().await?.context("an order")?;
    let sent = tokio::task::spawn_blocking(move || send_flood(&socket, &flood)).await??;
    parent.tell(&sent).await?;
    parent.hear::<()>().await?;
    Ok(())
}

fn send_flood(socket: &UdpSocket, flood: &Flood) -> Result<u64> {
    let packet = [7; PACKET_BYTES];
    let bytes_on_line = (PACKET_BYTES + HEADER_BYTES) as u64;
    let begun = Instant::now();
    let mut sent = 0;
    while begun.elapsed() < FLOOD_DURATION {
        let due = flood.bytes_per_second as f64 * begun.elapsed().as_secs_f64();
        while ((sent * bytes_on_line) as f64) < due {
            socket.send_to(&packet, &flood.to)?;
            sent += 1;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(sent)
}

/// The process that receives until there is silence; says where it listens, and how many packets came.
pub(crate) async fn flood_sink(mut parent: Parent, socket: UdpSocket) -> Result<()> {
    parent.tell(&socket.local_addr()?).await?;
    let arrived = tokio::task::spawn_blocking(move || receive_flood(&socket)).await??;
    parent.tell(&arrived).await?;
    parent.hear::<()>().await?;
    Ok(())
}

fn receive_flood(socket: &UdpSocket) -> Result<u64> {
    let mut packet = [0; PACKET_BYTES];
    socket.recv(&mut packet).context("no flood came")?;
    let mut arrived = 1;
    socket.set_read_timeout(Some(SILENCE_DURATION))?;
    while socket.recv(&mut packet).is_ok() {
        arrived += 1;
    }
    Ok(arrived)
}
