//! How long a contact's first answer takes when both nodes are up, no session stands and their address is known, as the node measures
//! it: from a ping's arrival at its API to the answer. Beside it a bare iroh endpoint that dials and gets an echo.
//!
//! All are `kith up`, each with a data directory of its own. One dials, and is started anew for each round of the others, because nothing else
//! ends a session that both want. The others stay up, so what it has written down of their addresses holds.
//! They came by its reusable invite and are pending there: with whom a node has confirmed, it makes a session by itself as soon as it is up. What
//! this leaves out is the card that would go to them after the introductions, beside the ping; theirs comes.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use crate::bare::{self, Bare, Place, Tuning};
use crate::exchange;
use crate::pair::HERE;
use crate::report::{Findings, Row, Target, Turns};
use crate::role::Answerer;
use crate::share::contenders::kith::{Kith, KithNode};
use crate::share::ground::Ground;
use crate::share::lab::Lab;
use crate::share::program::{Program, START_DURATION_MAX, run as run_command};
use crate::share::site::Site;
use crate::statistics::milliseconds;

const BENCH: &str = "ping";

/// What the others call the node that dials, and its folder.
const DIALLER: &str = "dialler";

/// How many times a bare dial and echo a first ping may take.
const RATIO_MAX: f64 = 1.5;

/// Between two samples: the other side has written down what it was told, and is at rest again.
const REST: Duration = Duration::from_millis(20);

/// How many of each round are left out: caches, page faults, the first use of code in a process.
const WARM_UP: usize = 2;

#[derive(Clone, Debug, Args)]
pub(crate) struct Sizes {
    /// How many nodes are pinged in each round.
    #[arg(long, default_value_t = 10)]
    answerers: usize,
    /// How many rounds; the node that dials is started anew for each.
    #[arg(long, default_value_t = 25)]
    rounds: usize,
}

pub(crate) fn run(lab: &Lab, sizes: &Sizes) -> Result<Findings> {
    ensure!(
        sizes.answerers > WARM_UP,
        "the first {WARM_UP} of a round are left out, so it takes more answerers"
    );
    let ground = Ground::clear(&lab.ground)?;
    let kith = Kith::plain(&lab.kith()?);
    let mut others = Others::start(&kith, &ground, sizes.answerers)?;
    let bare = block_on(Bare::bind(Tuning::Kith, HERE))?;
    let (mut cold, mut warm) = (Times::default(), Times::default());
    for _ in 0..sizes.rounds {
        let mut dialler = start(&kith, &ground, DIALLER)?;
        for number in 0..sizes.answerers {
            let sample = sample(&dialler, &others, number, &bare);
            // Without its daemon a command runs a node of its own, which is not what is measured; and whoever is gone is why a sample failed.
            dialler.ensure_up()?;
            others.ensure_up()?;
            let sample = sample?;
            tracing::info!(number, ?sample);
            match number {
                0 => cold.push(sample),
                _ if number < WARM_UP => {}
                _ => warm.push(sample),
            }
        }
        dialler.stop()?;
    }
    block_on(bare.close());
    let target = Some(Target::AtMost(RATIO_MAX));
    let rows = vec![
        warm.row_of_firsts("first answer, no session yet", target),
        cold.row_of_firsts("the same, the first of a node just started", None),
        warm.row_of_nexts("next answer, same stream"),
    ];
    Ok(rows.into())
}

/// One ping and the next of each, in ms.
#[derive(Clone, Copy, Debug)]
struct Sample {
    first: f64,
    next: f64,
    bare_first: f64,
    bare_next: f64,
}

/// Pings one of the others, with whom no session stands, and dials the bare endpoint.
fn sample(dialler: &KithNode, others: &Others, number: usize, bare: &Bare) -> Result<Sample> {
    let online = dialler.online()?;
    ensure!(
        online == number,
        "{online} sessions stand after {number} first pings"
    );
    thread::sleep(REST);
    let (first, next) = ping(dialler, &others.peers[number])?;
    thread::sleep(REST);
    let (bare_first, bare_next) = block_on(dial_and_echo(bare, others.place))?;
    Ok(Sample {
        first,
        next,
        bare_first,
        bare_next,
    })
}

/// The times of two pings over one stream, in ms, as the daemon says.
fn ping(dialler: &KithNode, peer: &str) -> Result<(f64, f64)> {
    #[derive(Deserialize)]
    struct Pong {
        rtt_ms: f64,
    }
    let twice = ["ping", peer, "-c", "2", "-i", "1ms"];
    let said = run_command(dialler.command().args(twice))?;
    let pongs = said.lines().map(serde_json::from_str);
    let pongs: Vec<Pong> = pongs.collect::<Result<_, _>>()?;
    match &pongs[..] {
        [first, next] => Ok((first.rtt_ms, next.rtt_ms)),
        _ => bail!("kith ping said {said}"),
    }
}

/// The same over a fresh connection of a bare endpoint.
async fn dial_and_echo(bare: &Bare, place: Place) -> Result<(f64, f64)> {
    let begun = Instant::now();
    let connection = bare.connect(place).await?;
    let (mut reader, mut writer) = bare::open(&connection).await?;
    exchange::first_echo(&mut reader, &mut writer).await?;
    let first = begun.elapsed();
    let next = exchange::next_echo(&mut reader, &mut writer).await?;
    connection.close(0u32.into(), b"the next sample");
    Ok((milliseconds(first), milliseconds(next)))
}

/// Those who answer.
#[derive(Debug)]
struct Others {
    nodes: Vec<KithNode>,
    /// Their PeerIds.
    peers: Vec<String>,
    /// The process of the bare endpoint.
    bare: Program,
    place: Place,
}

impl Others {
    /// Starts them, and lets the nodes meet the one that dials.
    fn start(kith: &Kith, ground: &Ground, count: usize) -> Result<Self> {
        let mut command = Site::LOOPBACK.command(std::env::current_exe()?);
        command.args(["child", "answerer"]);
        let bare = Program::start("bare", command, &ground.log("bare.log")?)?;
        let answerer: Answerer = bare.hear(START_DURATION_MAX)?;
        let dialler = start(kith, ground, DIALLER)?;
        let invite = dialler.invite(&["--reusable"])?;
        let (mut nodes, mut peers) = (Vec::new(), Vec::new());
        for number in 0..count {
            let node = start(kith, ground, &format!("answerer-{number}"))?;
            run_command(node.command().args(["add", &invite, "--as", DIALLER]))?;
            run_command(node.command().args(["ping", DIALLER, "-c", "1"]))?;
            let said: Value = serde_json::from_str(&run_command(node.command().arg("id"))?)?;
            peers.push(said["peer_id"].as_str().context("a PeerId")?.to_owned());
            nodes.push(node);
        }
        dialler.stop()?;
        Ok(Self {
            nodes,
            peers,
            bare,
            place: answerer.tuned,
        })
    }

    /// Fails when one of them has ended.
    fn ensure_up(&mut self) -> Result<()> {
        self.bare.ensure_up()?;
        self.nodes.iter_mut().try_for_each(KithNode::ensure_up)
    }
}

fn start(kith: &Kith, ground: &Ground, name: &str) -> Result<KithNode> {
    KithNode::start(kith, Site::LOOPBACK, ground, name)
}

/// All in ms, sample by sample.
#[derive(Debug, Default)]
struct Times {
    firsts: Vec<f64>,
    nexts: Vec<f64>,
    bare_firsts: Vec<f64>,
    bare_nexts: Vec<f64>,
}

impl Times {
    fn push(&mut self, sample: Sample) {
        self.firsts.push(sample.first);
        self.nexts.push(sample.next);
        self.bare_firsts.push(sample.bare_first);
        self.bare_nexts.push(sample.bare_next);
    }

    fn row_of_firsts(&self, what: &str, target: Option<Target>) -> Row {
        let turns = Turns {
            kith: &self.firsts,
            with: "bare iroh: dial and echo",
            other: &self.bare_firsts,
        };
        Row::of(BENCH, what, "ms", turns, target)
    }

    fn row_of_nexts(&self, what: &str) -> Row {
        let turns = Turns {
            kith: &self.nexts,
            with: "bare iroh: echo",
            other: &self.bare_nexts,
        };
        Row::of(BENCH, what, "ms", turns, None)
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Handle::current().block_on(future)
}
