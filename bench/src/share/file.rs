//! One large file: kith beside bare streams and everybody else.

use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::report::{Findings, Row, Target};
use crate::share::contenders::aria2::Aria2;
use crate::share::contenders::bare::{BareStream, Stream};
use crate::share::contenders::kith::{Kith, KithPair};
use crate::share::contenders::libtorrent::Libtorrent;
use crate::share::contenders::rsync::{self, Rsync};
use crate::share::contenders::sendme::Sendme;
use crate::share::contenders::syncthing::Syncthing;
use crate::share::contenders::transmission::{Transmission, Transport};
use crate::share::content::Content;
use crate::share::ground::Ground;
use crate::share::lab::Lab;
use crate::share::memory::Memory;
use crate::share::race::{Field, Outcome, Turn};
use crate::share::site::Sites;

const BENCH: &str = "share-file";

const KITH: &str = "kith";

const QUIC_ALONE: &str = "kith, QUIC alone";

const UNSYNCED: &str = "kith, no fsync";

const MIB: u64 = 1 << 20;

/// How much of a bare TLS stream's rate a transfer must have, with its verifying and writing.
const OF_TLS_MIN: f64 = 0.65;

/// How much of a bare iroh stream's it must have over QUIC alone.
const OF_IROH_MIN: f64 = 0.75;

/// How many times as fast as each peer that encrypts.
const OF_ENCRYPTED_MIN: f64 = 3.0;

/// How many times as fast as libtorrent without encryption.
const OF_PLAIN_MIN: f64 = 2.0;

/// The most memory of either side, in MiB.
pub(crate) const RESIDENT_MIB_MAX: f64 = 150.0;

#[derive(Clone, Debug, Args)]
pub(crate) struct Sizes {
    /// The size of the file.
    #[arg(long, default_value_t = 2048)]
    mib: u64,
    /// How many turns of each.
    #[arg(long, default_value_t = 5)]
    turns: usize,
    /// The ground is on a disk: measure with and without the final fsync.
    #[arg(long)]
    disk: bool,
}

pub(crate) fn run(lab: &Lab, sizes: &Sizes) -> Result<Findings> {
    let ground = Ground::clear(&lab.ground)?;
    let bytes = sizes.mib * MIB;
    // The original, a copy, which some write twice, and what programs keep beside it.
    let _memory = Memory::touch(3 * bytes + bytes / 8)?;
    if sizes.disk {
        ground.touch(2 * bytes)?;
    }
    let content = Content::file(&ground.folder("source")?, "large", bytes)?;
    let mut field = field(lab, sizes.disk, &ground, &content)?;
    if !sizes.disk {
        for (name, stream) in [
            ("bare-tls", Stream::Tls),
            ("bare-tls-files", Stream::TlsOfFiles),
            ("bare-iroh", Stream::Iroh),
        ] {
            if lab.wants(name) {
                let started = BareStream::start(stream, Sites::LOOPBACK, &ground, &content);
                field.enter(started);
            }
        }
    }
    let outcome = field.run(&content, sizes.turns, sizes.disk);
    if sizes.disk {
        on_disk(outcome, sizes.mib)
    } else {
        in_memory(outcome, sizes.mib)
    }
}

fn field(lab: &Lab, on_disk: bool, ground: &Ground, content: &Content) -> Result<Field> {
    let sites = Sites::LOOPBACK;
    let program = lab.kith()?;
    let plain = Kith::plain(&program);
    let mut field = Field::default();
    field.enter(KithPair::start(KITH, &plain, sites, ground, content));
    if on_disk {
        let unsynced = Kith::unsynced(&program).map_err(anyhow::Error::new);
        let start = |kith| KithPair::start(UNSYNCED, &kith, sites, ground, content);
        field.enter(unsynced.and_then(start));
    } else if lab.wants("kith-quic") {
        let quic = Kith::quic_alone(&program);
        field.enter(KithPair::start(QUIC_ALONE, &quic, sites, ground, content));
    }
    if on_disk && lab.wants("rsync") {
        field.enter(Rsync::start_syncing(sites, ground, content));
    }
    enter_others(&mut field, lab, sites, ground, content);
    Ok(field)
}

/// Lets other people's programs take part, as far as they are wanted and installed.
pub(crate) fn enter_others(
    field: &mut Field,
    lab: &Lab,
    sites: Sites,
    ground: &Ground,
    content: &Content,
) {
    if lab.wants("rsync") {
        field.enter(Rsync::start(sites, ground, content));
    }
    if lab.wants("libtorrent") {
        field.enter(Libtorrent::start(sites, ground, content));
    }
    if lab.wants("aria2") {
        field.enter(Aria2::start(sites, ground, content));
    }
    if lab.wants("transmission-tcp") {
        let started = Transmission::start(Transport::Tcp, sites, ground, content);
        field.enter(started);
    }
    // It is so slow that everybody else would wait for hours.
    if lab.names("transmission") {
        let started = Transmission::start(Transport::Own, sites, ground, content);
        field.enter(started);
    }
    if lab.wants("sendme") {
        field.enter(Sendme::start(sites, ground, content));
    }
    if lab.wants("syncthing") {
        field.enter(Syncthing::start(sites, ground, content));
    }
}

fn target(name: &str) -> Option<Target> {
    Some(Target::AtLeast(match name {
        "bare TLS on TCP" => OF_TLS_MIN,
        "bare iroh stream" => OF_IROH_MIN,
        "libtorrent, plain TCP" => OF_PLAIN_MIN,
        "sendme" | "syncthing" | "transmission" | "transmission, TCP" => OF_ENCRYPTED_MIN,
        _ => return None,
    }))
}

fn took(turn: &Turn) -> Duration {
    turn.took
}

fn synced(turn: &Turn) -> Duration {
    turn.synced
}

fn in_memory(outcome: Outcome, mib: u64) -> Result<Findings> {
    let names = outcome.names();
    let mut rows = Vec::new();
    for name in names.iter().filter(|name| !name.starts_with(KITH)) {
        let base = match *name {
            // Only like is compared with like: a kith that may use TLS says nothing of what QUIC costs.
            "bare iroh stream" if !names.contains(&QUIC_ALONE) => continue,
            "bare iroh stream" => QUIC_ALONE,
            _ => KITH,
        };
        let way = if base == QUIC_ALONE {
            " over QUIC alone"
        } else {
            ""
        };
        let what = format!("one file{way}, {mib} MiB, tmpfs");
        let row = outcome.row_of_rates(BENCH, &what, (base, took), (name, took), target(name));
        rows.push(row.context("kith did not finish")?);
    }
    rows.extend(memory_rows(BENCH, &outcome, KITH)?);
    Ok(outcome.into_findings(BENCH, rows))
}

/// The most memory of both sides of kith.
pub(crate) fn memory_rows(
    bench: &'static str,
    outcome: &Outcome,
    name: &str,
) -> Result<[crate::report::Row; 2]> {
    let mebibytes = |bytes: u64| bytes as f64 / MIB as f64;
    let provider = outcome.of(name, |turn| mebibytes(turn.provider.resident_max));
    let getter = outcome.of(name, |turn| mebibytes(turn.getter.resident_max));
    let (provider, getter) = provider.zip(getter).context("kith did not finish")?;
    let target = Some(Target::AtMost(RESIDENT_MIB_MAX));
    let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    let row = |what: &str, values: &[f64]| {
        crate::report::Row::alone(bench, what, "MiB", most(values), target)
    };
    Ok([
        row("most resident memory, provider", &provider),
        row("most resident memory, getter", &getter),
    ])
}

fn on_disk(outcome: Outcome, mib: u64) -> Result<Findings> {
    let synced_what = format!("one file, {mib} MiB, disk, with the final fsync");
    let unsynced_what = format!("one file, {mib} MiB, disk, without it");
    let row =
        |what: &str, kith, other| outcome.row_of_rates(BENCH, what, (kith, took), other, None);
    let mut rows: Vec<Row> = Vec::new();
    rows.extend(row(&synced_what, KITH, (UNSYNCED, took)));
    for name in outcome.names() {
        if name.starts_with(KITH) {
            continue;
        }
        // Who syncs by itself has nothing left to be synced.
        let synced = row(&synced_what, KITH, (name, synced));
        rows.push(synced.context("kith did not finish")?);
        if name != rsync::SYNCING {
            rows.extend(row(&unsynced_what, UNSYNCED, (name, took)));
        }
    }
    Ok(outcome.into_findings(BENCH, rows))
}
