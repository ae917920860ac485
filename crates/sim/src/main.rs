//! `kith-sim`: runs one scenario by name and seed, and says how it ended. What a failing test prints is a command of this
//! program, and repeats the run byte for byte.

use std::io::Write as _;
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::Parser;
use kith_sim::network::{LOSS_PER_MILLE_MAX, Quality};
use kith_sim::scenario::story::{self, STORIES};
use kith_sim::scheme::Kind;
use kith_sim::swarm;
use kith_sim::world::Setup;

/// A deterministic world of kith nodes.
#[derive(Debug, Parser)]
#[command(name = "kith-sim", version)]
struct Arguments {
    /// Which scenario; `list` names them all.
    #[arg(long, default_value = "list")]
    scenario: String,
    /// What everything random follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many nodes, where the scenario leaves that open.
    #[arg(long, default_value_t = story::NODES)]
    nodes: usize,
    /// Sign with Ed25519 instead of a keyed hash; the trace is the same.
    #[arg(long)]
    real: bool,
    /// How many packets of a thousand are lost, 900 at most; as the story has it when left out.
    #[arg(long, value_name = "PER_MILLE", value_parser = clap::value_parser!(u64).range(..=LOSS_PER_MILLE_MAX))]
    loss: Option<u64>,
    /// Print every line of the trace.
    #[arg(long)]
    trace: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut out = std::io::stdout().lock();
    if arguments.scenario == "list" {
        for story in STORIES {
            writeln!(out, "{:<16} {}", story.name, story.about)?;
        }
        for story in swarm::STORIES {
            writeln!(out, "{:<16} {}", story.name, story.about)?;
        }
        return Ok(());
    }
    if let Some(story) = swarm::find(&arguments.scenario) {
        if arguments.loss.is_some() {
            bail!("--loss is for scenarios of people; the lines of a swarm lose nothing");
        }
        return run_swarm(&story, &arguments, &mut out);
    }
    let story = story::find(&arguments.scenario)
        .with_context(|| format!("no scenario is called {}; try list", arguments.scenario))?;
    let mut setup = Setup::new(arguments.seed);
    setup.whole_trace = arguments.trace;
    setup.quality = arguments.loss.map(Quality::losing);
    if arguments.real {
        setup.scheme = Kind::Real;
    }
    let begun = Instant::now();
    let report = story::run(&story, setup, arguments.nodes);
    let seconds = begun.elapsed().as_secs_f64();
    for line in report.whole.iter().flat_map(|whole| whole.lines()) {
        writeln!(out, "{line}")?;
    }
    writeln!(
        out,
        "{} seed {}: {} nodes, {} steps, {seconds:.1} s; signed {}, verified {}, agreed {}",
        story.name,
        arguments.seed,
        report.nodes,
        report.steps,
        report.counts.signed,
        report.counts.verified,
        report.counts.agreed,
    )?;
    writeln!(out, "trace of {} lines: {}", report.lines.0, report.trace)?;
    if let Err(violation) = report.outcome {
        if report.whole.is_none() {
            for line in report.lines.1 {
                writeln!(out, "{line}")?;
            }
        }
        let again = story::command(&story, &setup, arguments.nodes);
        bail!("{violation}\nrepeat with: {again}");
    }
    Ok(())
}

fn run_swarm(
    story: &swarm::Story,
    arguments: &Arguments,
    out: &mut impl std::io::Write,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let report = swarm::run(story, arguments.seed, arguments.nodes, arguments.trace);
    let seconds = begun.elapsed().as_secs_f64();
    for line in report.whole.iter().flat_map(|whole| whole.lines()) {
        writeln!(out, "{line}")?;
    }
    let (name, seed, steps) = (story.name, arguments.seed, report.steps);
    writeln!(out, "{name} seed {seed}: {steps} steps, {seconds:.1} s")?;
    writeln!(out, "{}\ntrace {}", report.summary(), report.trace)?;
    match report.outcome {
        Ok(()) => Ok(()),
        Err(violation) => {
            let again = swarm::command(story, seed, arguments.nodes);
            bail!("{violation}\nrepeat with: {again}")
        }
    }
}
