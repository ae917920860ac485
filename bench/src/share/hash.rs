//! What it takes to share a very large file, beside `b3sum` on all cores; and the memory of both sides.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::{Instant, SystemTime};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::report::{Findings, Row, Target, Turns};
use crate::share::contender::Missing;
use crate::share::contenders::kith::{Kith, KithNode, KithPair};
use crate::share::content::Content;
use crate::share::file::{RESIDENT_MIB_MAX, memory_rows};
use crate::share::ground::Ground;
use crate::share::lab::Lab;
use crate::share::program::run as run_command;
use crate::share::race::Field;
use crate::share::site::{Site, Sites, find_program};
use crate::share::watch::{Used, Watch};

const BENCH: &str = "share-hash";

/// How much of b3sum's rate sharing must have.
const OF_B3SUM_MIN: f64 = 0.9;

const GIB: u64 = 1 << 30;

#[derive(Clone, Debug, Args)]
pub(crate) struct Sizes {
    /// The size of the file, which is sparse.
    #[arg(long, default_value_t = 20.0)]
    gib: f64,
    /// How many turns of each.
    #[arg(long, default_value_t = 3)]
    turns: usize,
    /// Let the other side get the file once, and report both sides' memory; the copy is not sparse.
    #[arg(long)]
    get: bool,
}

pub(crate) fn run(lab: &Lab, sizes: &Sizes) -> Result<Findings> {
    let ground = Ground::clear(&lab.ground)?;
    let bytes = (sizes.gib * GIB as f64) as u64;
    let path = ground.folder("source")?.join("sparse");
    File::create(&path)?.set_len(bytes)?;
    let content = Content { path, bytes };
    let kith = Kith::plain(&lab.kith()?);
    let mut findings = compare(&kith, &ground, &content, sizes)?;
    if sizes.get {
        let mut field = Field::default();
        let pair = KithPair::start("kith", &kith, Sites::LOOPBACK, &ground, &content);
        field.enter(pair);
        let outcome = field.run(&content, 1, false);
        findings.rows.extend(memory_rows(BENCH, &outcome, "kith")?);
    }
    Ok(findings)
}

fn compare(kith: &Kith, ground: &Ground, content: &Content, sizes: &Sizes) -> Result<Findings> {
    let node = KithNode::start(kith, Site::LOOPBACK, ground, "sharer")?;
    let has_b3sum = find_program("b3sum").is_some();
    let rate = |seconds: f64| content.bytes as f64 / 1e6 / seconds;
    let (mut ours, mut theirs, mut resident) = (vec![], vec![], 0.0_f64);
    for turn in 0..=sizes.turns {
        let (seconds, used) = share(&node, &content.path)?;
        let beside = match has_b3sum {
            true => b3sum(&content.path)?,
            false => f64::NAN,
        };
        if turn > 0 {
            ours.push(rate(seconds));
            theirs.push(rate(beside));
            resident = resident.max(used.resident_max as f64 / f64::from(1 << 20));
        }
    }
    let what = format!("share of one sparse file, {} GiB", sizes.gib);
    let target = Some(Target::AtLeast(OF_B3SUM_MIN));
    let mut findings = Findings::default();
    if has_b3sum {
        let turns = Turns {
            kith: &ours,
            with: "b3sum, all cores",
            other: &theirs,
        };
        let row = Row::of(BENCH, &what, "MB/s", turns, target);
        findings.rows.push(row);
    } else {
        let missing = Missing::program("b3sum", "apt install b3sum");
        findings.remarks.push(format!("MISSING: {missing}"));
        let rate = crate::statistics::median(&ours);
        findings
            .rows
            .push(Row::alone(BENCH, &what, "MB/s", rate, None));
    }
    let target = Some(Target::AtMost(RESIDENT_MIB_MAX));
    let what = "most resident memory while sharing";
    findings
        .rows
        .push(Row::alone(BENCH, what, "MiB", resident, target));
    Ok(findings)
}

/// Shares the file as if it had just been written; the seconds it took, and what the node used.
fn share(node: &KithNode, path: &Path) -> Result<(f64, Used)> {
    // What is known by size and time is not read again.
    File::options()
        .write(true)
        .open(path)?
        .set_modified(SystemTime::now())?;
    let watch = Watch::start(vec![node.pid()], vec![])?;
    let begun = Instant::now();
    let said = node.share(path)?;
    let seconds = begun.elapsed().as_secs_f64();
    let [used, _] = watch.end()?;
    let share = said["share_id"].as_str().context("a share")?;
    run_command(node.command().args(["unshare", share]))?;
    Ok((seconds, used))
}

fn b3sum(path: &Path) -> Result<f64> {
    let begun = Instant::now();
    run_command(Command::new("b3sum").arg(path))?;
    Ok(begun.elapsed().as_secs_f64())
}
