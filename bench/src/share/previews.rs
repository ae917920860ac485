//! Small pictures of large ones: as kith makes them, a confined process for each, beside `vipsthumbnail`.
//!
//! Both have the same photographs, all cores, and the priority that kith gives its own processes. kith's are made as for somebody who waits:
//! by a node that shares them, which looks them up, runs the program, judges what it gives, and keeps it.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use futures_util::future::try_join_all;
use kith::Node;
use kith::content::{NewShare, Recipients, Worker};
use kith::core::content::preview::{Size, jpeg};
use kith::peer::{ShareName, ShareSource};

use crate::person::local_node;
use crate::report::{Findings, Row, Target, Turns};
use crate::share::contender::Missing;
use crate::share::ground::{Ground, empty};
use crate::share::lab::Lab;
use crate::share::photograph;
use crate::share::program::run as run_command;
use crate::share::site::{LOOPBACK_ADDRESS, find_program};
use crate::statistics::median;

const BENCH: &str = "previews";

const VIPS: &str = "vipsthumbnail";

/// How much of vipsthumbnail's rate kith must have.
const OF_VIPS_MIN: f64 = 0.6;

/// How far behind kith schedules the processes that make previews (nice(2)); on a machine that does other things, it decides.
const NICENESS: &str = "10";

/// How good vipsthumbnail's JPEGs are: as kith's. Nothing beside the pixels stays.
const VIPS_OUTPUT: &str = "Q=82,strip";

/// How often the program is run over a picture of a few pixels in each turn.
const STARTS: usize = 20;

#[derive(Clone, Debug, Args)]
pub(crate) struct Sizes {
    /// How many photographs of 3 MB.
    #[arg(long, default_value_t = 48)]
    pictures: usize,
    /// How many turns of each.
    #[arg(long, default_value_t = 7)]
    turns: usize,
}

/// The photographs.
#[derive(Debug)]
struct Album {
    folder: PathBuf,
    names: Vec<String>,
}

/// What was measured of previews of one size: how many a second, turn by turn.
#[derive(Debug)]
struct Rates {
    size: Size,
    kith: Vec<f64>,
    vips: Vec<f64>,
    vips_each_core: Vec<f64>,
}

pub(crate) fn run(lab: &Lab, sizes: &Sizes) -> Result<Findings> {
    let ground = Ground::clear(&lab.ground)?;
    let program = lab.kith()?;
    let folder = ground.folder("album")?;
    // An ending by which no node takes them for pictures before it is asked: what is asked for is timed, and nothing else.
    let names = (1..=sizes.pictures).map(|number| format!("IMG_{number:04}.jpe"));
    let names = names.collect::<Vec<_>>();
    let bytes = photograph::take(&folder, &names)?;
    let album = Album { folder, names };
    let has_vips = lab.wants(VIPS) && find_program(VIPS).is_some();
    let mut starts = Vec::new();
    let mut all = Size::ALL.map(|size| Rates {
        size,
        kith: vec![],
        vips: vec![],
        vips_each_core: vec![],
    });
    for turn in 0..=sizes.turns {
        let node = Sharer::start(&ground, &program, &album, turn)?;
        for rates in &mut all {
            let ours = node.rate(&album, rates.size)?;
            let (theirs, theirs_each_core) = match has_vips {
                true => (
                    vips(&ground, &album, rates.size, 1)?,
                    vips(&ground, &album, rates.size, cores())?,
                ),
                false => (f64::NAN, f64::NAN),
            };
            tracing::info!(turn, ?rates.size, ours, theirs, theirs_each_core);
            if turn > 0 {
                rates.kith.push(ours);
                rates.vips.push(theirs);
                rates.vips_each_core.push(theirs_each_core);
            }
        }
        node.end()?;
        let start = start(&program)?;
        if turn > 0 {
            starts.push(start);
        }
    }
    let mut findings = Findings::default();
    if !has_vips {
        let missing = Missing::program(VIPS, "apt install libvips-tools");
        findings.remarks.push(format!("MISSING: {missing}"));
    }
    for rates in &all {
        findings.rows.extend(rows(rates, &album, bytes, has_vips));
    }
    let what = "the process for a picture of one pixel, from its start to its end";
    let start = median(&starts);
    findings
        .rows
        .push(Row::alone(BENCH, what, "ms", start, None));
    Ok(findings)
}

fn rows(rates: &Rates, album: &Album, bytes: u64, has_vips: bool) -> Vec<Row> {
    let what = format!(
        "{} pixels, of {} JPEGs of 12 megapixels, {:.1} MB",
        rates.size.side_max(),
        album.names.len(),
        bytes as f64 / 1e6,
    );
    if !has_vips {
        let rate = median(&rates.kith);
        return vec![Row::alone(BENCH, &what, "a second", rate, None)];
    }
    let others = [
        ("vipsthumbnail of all of them", &rates.vips),
        ("vipsthumbnail, one for each core", &rates.vips_each_core),
    ];
    let target = Some(Target::AtLeast(OF_VIPS_MIN));
    let row = |(with, other): (&'static str, &Vec<f64>)| {
        let kith = &rates.kith;
        let turns = Turns { kith, with, other };
        Row::of(BENCH, &what, "a second", turns, target)
    };
    others.map(row).into()
}

/// A node that shares the photographs, and has no previews of them yet.
#[derive(Debug)]
struct Sharer {
    node: Node,
    share: ShareName,
    data: PathBuf,
}

impl Sharer {
    fn start(ground: &Ground, program: &Path, album: &Album, turn: usize) -> Result<Self> {
        let data = ground.folder(&format!("node-{turn}"))?;
        let worker = Worker::new(program, vec!["preview-worker".into()]);
        let album = album.folder.clone();
        block_on(async move {
            let builder = local_node((LOOPBACK_ADDRESS, 0).into());
            let builder = builder.data_dir(&data).previews(worker);
            let node = builder.spawn().await?;
            let new = NewShare {
                paths: vec![album],
                recipients: Recipients::Contacts,
                name: None,
                bare: false,
            };
            let shared = node.contents().share(new).await?;
            let share = ShareName::Id(shared.share.head.share);
            Ok(Self { node, share, data })
        })
    }

    /// How many previews it makes a second, asked for all at once.
    fn rate(&self, album: &Album, size: Size) -> Result<f64> {
        let (contents, me) = (self.node.contents(), self.node.peer_id());
        let asked = album.names.iter().map(|name| {
            let source = ShareSource::of_contact(me, self.share.clone(), name);
            let contents = contents.clone();
            async move { contents.preview(&source, size).await }
        });
        let begun = Instant::now();
        let made = block_on(try_join_all(asked))?;
        let took = begun.elapsed();
        for preview in &made {
            let extent = jpeg::examine(&preview.jpeg, size).context("a preview")?;
            let longer = extent.width.max(extent.height);
            ensure!(longer == size.side_max(), "a preview of {longer} pixels");
        }
        Ok(made.len() as f64 / took.as_secs_f64())
    }

    fn end(self) -> Result<()> {
        block_on(self.node.shutdown());
        Ok(std::fs::remove_dir_all(self.data)?)
    }
}

/// How many vipsthumbnail makes a second, in so many processes side by side.
fn vips(ground: &Ground, album: &Album, size: Size, processes: usize) -> Result<f64> {
    let out = ground.folder("out")?;
    let (side, into) = (size.side_max(), out.display());
    let shares = album.names.chunks(album.names.len().div_ceil(processes));
    let commands = shares.map(|names| {
        let mut command = Command::new("nice");
        command
            .args(["-n", NICENESS, VIPS, "--size", &format!("{side}x{side}")])
            .args(["--output", &format!("{into}/%s.jpg[{VIPS_OUTPUT}]")])
            .args(names)
            .current_dir(&album.folder);
        command
    });
    let commands: Vec<Command> = commands.collect();
    let begun = Instant::now();
    thread::scope(|scope| {
        let running = commands
            .into_iter()
            .map(|mut command| scope.spawn(move || run_command(&mut command)));
        let running: Vec<_> = running.collect();
        let mut ended = running.into_iter().map(|it| it.join().expect("no panic"));
        ended.try_for_each(|ended| ended.map(|_| ()))
    })?;
    let took = begun.elapsed();
    let made = std::fs::read_dir(&out)?.count();
    ensure!(made == album.names.len(), "vipsthumbnail made {made}");
    empty(&out)?;
    Ok(made as f64 / took.as_secs_f64())
}

/// How long the program takes for a picture of one pixel, in milliseconds: the median.
fn start(program: &Path) -> Result<f64> {
    // A GIF, the smallest of all (its specification, GIF89a).
    const PICTURE: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
    let mut took = Vec::new();
    for _ in 0..STARTS {
        let mut command = Command::new(program);
        let command = command
            .args(["preview-worker", "320"])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let begun = Instant::now();
        let mut running = command.spawn()?;
        let mut input = running.stdin.take().context("piped")?;
        std::io::Write::write_all(&mut input, PICTURE)?;
        drop(input);
        let output = running.wait_with_output()?;
        took.push(begun.elapsed().as_secs_f64() * 1e3);
        ensure!(
            output.status.success(),
            "the program says {}",
            output.status
        );
    }
    Ok(median(&took))
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Handle::current().block_on(future)
}
