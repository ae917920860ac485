//! One seed and several downloaders, each with a bound on what it sends: kith beside the time that no swarm can beat, and beside
//! libtorrent with the same bounds.
//!
//! The bound is the fluid one (Kumar and Ross, 2006): everything leaves the seed once, and all copies leave somebody.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use crate::report::{Compared, Findings, Row, Target, Turns};
use crate::share::contenders::kith::{Kith, KithNode};
use crate::share::contenders::libtorrent::{PORT, Session};
use crate::share::content::Content;
use crate::share::ground::{Ground, empty};
use crate::share::lab::Lab;
use crate::share::memory::Memory;
use crate::share::race::Field;
use crate::share::site::Site;
use crate::share::torrent;
use crate::statistics::median;

const BENCH: &str = "share-swarm";

const MIB: u64 = 1 << 20;

/// How many times the fluid bound it may take until everybody has everything.
const OF_BOUND_MAX: f64 = 1.2;

/// How many times libtorrent's time.
const OF_LIBTORRENT_MAX: f64 = 1.0;

#[derive(Clone, Debug, Args)]
pub(crate) struct Sizes {
    /// The size of the file.
    #[arg(long, default_value_t = 512)]
    mib: u64,
    /// How many downloaders; several runs with a comma between.
    #[arg(long, value_delimiter = ',', default_values_t = [2, 4, 8])]
    downloaders: Vec<u16>,
    /// What each may send in a second, in MB.
    #[arg(long, default_value_t = 20)]
    megabytes_per_second: u64,
    /// How many turns of each.
    #[arg(long, default_value_t = 3)]
    turns: usize,
}

pub(crate) fn run(lab: &Lab, sizes: &Sizes) -> Result<Findings> {
    let mut findings = Findings::default();
    for downloaders in &sizes.downloaders {
        let ground = Ground::clear(&lab.ground)?;
        let bytes = sizes.mib * MIB;
        let _memory = Memory::touch(bytes * (u64::from(*downloaders) + 2))?;
        let content = Content::file(&ground.folder("source")?, "large", bytes)?;
        let limit = sizes.megabytes_per_second * 1_000_000;
        let mut field = Field::default();
        let kith = Kith::limited(&lab.kith()?, limit);
        let mut kith = field.take(KithSwarm::start(&kith, *downloaders, &ground, &content));
        let others = TorrentSwarm::start(limit, *downloaders, &ground, &content);
        let mut others = field.take(others);
        let (mut ours, mut theirs) = (vec![], vec![]);
        for turn in 0..=sizes.turns {
            let seconds = field.attempt(&mut kith, |swarm| swarm.fetch(&content));
            let beside = field.attempt(&mut others, |swarm| swarm.fetch(&content));
            if turn > 0 {
                ours.extend(seconds);
                theirs.extend(beside);
            }
        }
        let bound = fluid_bound(bytes, limit, u64::from(*downloaders));
        findings
            .rows
            .extend(rows(*downloaders, bound, &ours, &theirs));
        findings.remarks.extend(field.remarks);
        if !theirs.is_empty() {
            findings.remarks.push(format!(
                "{BENCH}: libtorrent with {downloaders} downloaders takes {:.2} times the fluid bound of {bound:.1} s",
                median(&theirs) / bound
            ));
        }
    }
    Ok(findings)
}

/// The least seconds until everybody has everything, when seed and downloaders send `limit` bytes a second at most.
fn fluid_bound(bytes: u64, limit: u64, downloaders: u64) -> f64 {
    let (bytes, limit, downloaders) = (bytes as f64, limit as f64, downloaders as f64);
    let from_seed = bytes / limit;
    let from_all = downloaders * bytes / (limit * (downloaders + 1.0));
    from_seed.max(from_all)
}

fn rows(downloaders: u16, bound: f64, ours: &[f64], theirs: &[f64]) -> Vec<Row> {
    let what = format!("one seed, {downloaders} downloaders: all have it");
    let mut rows = Vec::new();
    if !ours.is_empty() {
        let target = Some(Target::AtMost(OF_BOUND_MAX));
        let mut row = Row::alone(BENCH, &what, "s", median(ours), target);
        row.compared = Some(Compared {
            with: "fluid bound",
            value: bound,
            ratio: median(ours) / bound,
        });
        rows.push(row);
    }
    if !ours.is_empty() && !theirs.is_empty() {
        let turns = Turns {
            kith: ours,
            with: "libtorrent",
            other: theirs,
        };
        let target = Some(Target::AtMost(OF_LIBTORRENT_MAX));
        rows.push(Row::of(BENCH, &what, "s", turns, target));
    }
    rows
}

/// Nodes, of which one has it.
#[derive(Debug)]
struct KithSwarm {
    _seed: KithNode,
    getters: Vec<(KithNode, PathBuf)>,
}

impl KithSwarm {
    fn start(kith: &Kith, downloaders: u16, ground: &Ground, content: &Content) -> Result<Self> {
        let seed = KithNode::start(kith, Site::LOOPBACK, ground, "seed")?;
        let mut getters = Vec::new();
        for number in 0..downloaders {
            let name = format!("getter-{number}");
            let node = KithNode::start(kith, Site::LOOPBACK, ground, &name)?;
            node.meet(&seed)?;
            getters.push((node, ground.folder(&format!("kith-out-{number}"))?));
        }
        seed.share(&content.path)?;
        Ok(Self {
            _seed: seed,
            getters,
        })
    }

    /// Lets all get it at once; the seconds until the last has it.
    fn fetch(&mut self, content: &Content) -> Result<f64> {
        let begun = Instant::now();
        let mut running = Vec::new();
        for (node, out) in &self.getters {
            let mut command = node.get(content.name(), out);
            running.push(command.stdout(Stdio::null()).spawn()?);
        }
        for mut get in running {
            ensure!(get.wait()?.success(), "a kith get failed");
        }
        let seconds = begun.elapsed().as_secs_f64();
        for (_, out) in &self.getters {
            content.ensure_arrived(out)?;
            empty(out)?;
        }
        Ok(seconds)
    }
}

/// Sessions of libtorrent, of which one has it.
#[derive(Debug)]
struct TorrentSwarm {
    _seed: Session,
    getters: Vec<(Session, PathBuf)>,
    torrent: PathBuf,
}

impl TorrentSwarm {
    fn start(limit: u64, downloaders: u16, ground: &Ground, content: &Content) -> Result<Self> {
        let torrent = ground.folder("libtorrent")?.join("content.torrent");
        torrent::write(content, None, &torrent)?;
        let mut seed = Session::start(Site::LOOPBACK, PORT, limit, ground)?;
        let folder = content.path.parent().context("it is in a folder")?;
        seed.ask(&torrent, folder, &[])?;
        seed.wait()?;
        let mut getters = Vec::new();
        for number in 0..downloaders {
            let session = Session::start(Site::LOOPBACK, PORT + 1 + number, limit, ground)?;
            getters.push((session, ground.folder(&format!("torrent-out-{number}"))?));
        }
        Ok(Self {
            _seed: seed,
            getters,
            torrent,
        })
    }

    /// As [`KithSwarm::fetch`]. Each is told of all before it, and so of everybody when the last is.
    fn fetch(&mut self, content: &Content) -> Result<f64> {
        let begun = Instant::now();
        let mut peers = vec![(Site::LOOPBACK, PORT)];
        for (number, (session, out)) in (1..).zip(&mut self.getters) {
            session.ask(&self.torrent, out, &peers)?;
            peers.push((Site::LOOPBACK, PORT + number));
        }
        for (session, _) in &self.getters {
            session.wait()?;
        }
        let seconds = begun.elapsed().as_secs_f64();
        for (session, out) in &mut self.getters {
            content.ensure_arrived(out)?;
            session.remove()?;
            empty(out)?;
        }
        Ok(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_seed_once_bounds_a_swarm_of_equals() {
        assert_eq!(fluid_bound(100, 10, 1), 10.0);
        assert_eq!(fluid_bound(100, 10, 8), 10.0);
    }
}
