//! Many small files in a nested tree: kith beside `rsync -a`, and the others.

use anyhow::{Context as _, Result};
use clap::Args;

use crate::report::{Findings, Row, Target, Turns};
use crate::share::contenders::kith::{Kith, KithPair};
use crate::share::content::Content;
use crate::share::file::{enter_others, memory_rows};
use crate::share::ground::Ground;
use crate::share::lab::Lab;
use crate::share::memory::Memory;
use crate::share::race::Field;
use crate::share::site::Sites;

const BENCH: &str = "share-small";

const KITH: &str = "kith";

/// How many times rsync's time it may take.
const OF_RSYNC_MAX: f64 = 1.0;

/// What a small file takes of a file system at most, in bytes: its content in a page, and its inode and name.
const FILE_BYTES_MAX: u64 = 6 * 1024;

#[derive(Clone, Debug, Args)]
pub(crate) struct Sizes {
    /// How many files.
    #[arg(long, default_value_t = 10_000)]
    files: u64,
    /// How many bytes each has.
    #[arg(long, default_value_t = 4096)]
    bytes: u64,
    /// How many turns of each.
    #[arg(long, default_value_t = 7)]
    turns: usize,
}

pub(crate) fn run(lab: &Lab, sizes: &Sizes) -> Result<Findings> {
    let ground = Ground::clear(&lab.ground)?;
    let _memory = Memory::touch(3 * sizes.files * sizes.bytes.max(FILE_BYTES_MAX))?;
    let content = Content::tree(&ground.folder("source")?, "tree", sizes.files, sizes.bytes)?;
    let plain = Kith::plain(&lab.kith()?);
    let mut field = Field::default();
    let sites = Sites::LOOPBACK;
    field.enter(KithPair::start(KITH, &plain, sites, &ground, &content));
    enter_others(&mut field, lab, sites, &ground, &content);
    let outcome = field.run(&content, sizes.turns, false);
    let seconds = |name| outcome.of(name, |turn| turn.took.as_secs_f64());
    let kith = seconds(KITH).context("kith did not finish")?;
    let what = format!("{} files of {} bytes, nested", sizes.files, sizes.bytes);
    let mut rows = Vec::new();
    for name in outcome.names().into_iter().filter(|name| *name != KITH) {
        let other = seconds(name).context("it finished")?;
        let turns = Turns {
            kith: &kith,
            with: name,
            other: &other,
        };
        let target = (name == "rsync").then_some(Target::AtMost(OF_RSYNC_MAX));
        rows.push(Row::of(BENCH, &what, "s", turns, target));
    }
    rows.extend(memory_rows(BENCH, &outcome, KITH)?);
    Ok(outcome.into_findings(BENCH, rows))
}
