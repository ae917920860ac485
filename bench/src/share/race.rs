//! Contenders in turns (A B A B …): each gets the same content, which is compared with the original afterwards.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::report::{Cost, Findings, Row, Target, Turns};
use crate::share::contender::{Contender, Missing};
use crate::share::content::Content;
use crate::share::ground::empty;
use crate::share::program::run;
use crate::share::watch::{Used, Watch, settle};
use crate::statistics::median;

/// One measured transfer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    /// From the command to its end.
    pub(crate) took: Duration,
    /// The same, and until it was on the disk; as `took` where that was not asked.
    pub(crate) synced: Duration,
    /// What the provider used.
    pub(crate) provider: Used,
    /// What the getter used.
    pub(crate) getter: Used,
}

/// Who takes part, and who cannot.
#[derive(Debug, Default)]
pub(crate) struct Field {
    contenders: Vec<Box<dyn Contender>>,
    /// What could not be measured, and why.
    pub(crate) remarks: Vec<String>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    bytes: u64,
    entries: Vec<(&'static str, Vec<Turn>)>,
    remarks: Vec<String>,
}

impl Field {
    /// Lets one take part that could be started; else says loudly that it does not.
    pub(crate) fn enter<C: Contender + 'static>(&mut self, started: Result<C>) {
        if let Some(contender) = self.take(started) {
            self.contenders.push(Box::new(contender));
        }
    }

    /// What could be started; else says loudly that it is not there.
    pub(crate) fn take<T>(&mut self, started: Result<T>) -> Option<T> {
        match started {
            Ok(started) => Some(started),
            Err(error) => {
                self.leave_out(&error);
                None
            }
        }
    }

    /// What somebody who takes part does; who fails in it takes part no longer.
    pub(crate) fn attempt<C, T>(
        &mut self,
        contender: &mut Option<C>,
        act: impl FnOnce(&mut C) -> Result<T>,
    ) -> Option<T> {
        match act(contender.as_mut()?) {
            Ok(done) => Some(done),
            Err(error) => {
                self.leave_out(&error);
                *contender = None;
                None
            }
        }
    }

    fn leave_out(&mut self, error: &anyhow::Error) {
        let word = match error.downcast_ref::<Missing>() {
            Some(_) => "MISSING",
            None => "FAILED",
        };
        let remark = format!("{word}: {error:#}");
        tracing::warn!("{remark}");
        self.remarks.push(remark);
    }

    /// Runs `turns` turns of each, and one before them that is not counted; on a disk, until the content is on it.
    pub(crate) fn run(mut self, content: &Content, turns: usize, on_disk: bool) -> Outcome {
        let mut measured: Vec<Vec<Turn>> = self.contenders.iter().map(|_| Vec::new()).collect();
        for number in 0..=turns {
            let mut place = 0;
            while let Some(contender) = self.contenders.get_mut(place) {
                match take_turn(contender.as_mut(), content, on_disk) {
                    Ok(turn) => {
                        tracing::info!(number, took = ?turn.took, "{}", contender.name());
                        if number > 0 {
                            measured[place].push(turn);
                        }
                        place += 1;
                    }
                    Err(error) => {
                        let error = error.context(contender.name());
                        self.leave_out(&error);
                        drop(self.contenders.remove(place));
                        measured.remove(place);
                    }
                }
            }
        }
        let names = self.contenders.iter().map(|contender| contender.name());
        Outcome {
            bytes: content.bytes,
            entries: names.zip(measured).collect(),
            remarks: self.remarks,
        }
    }
}

fn take_turn(contender: &mut dyn Contender, content: &Content, on_disk: bool) -> Result<Turn> {
    contender.prepare()?;
    if on_disk {
        // What others left to be written is not this one's affair.
        run(&mut Command::new("sync"))?;
    }
    let watch = Watch::start(contender.provider(), contender.getter())?;
    let begun = Instant::now();
    contender.fetch(&watch)?;
    let took = begun.elapsed();
    let mut synced = took;
    if let Some(out) = contender.out().filter(|_| on_disk) {
        sync(&out.join(content.name()))?;
        synced = begun.elapsed();
    }
    let [provider, getter] = watch.end()?;
    if let Some(out) = contender.out() {
        content.ensure_arrived(out)?;
    }
    contender.forget()?;
    if let Some(out) = contender.out() {
        empty(out)?;
    }
    settle(&contender.provider())?;
    settle(&contender.getter())?;
    Ok(Turn {
        took,
        synced,
        provider,
        getter,
    })
}

fn sync(path: &Path) -> Result<()> {
    let file = File::open(path).with_context(|| format!("{} is not there", path.display()))?;
    Ok(file.sync_all()?)
}

impl Outcome {
    /// The names of all who finished.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.entries.iter().map(|(name, _)| *name).collect()
    }

    /// Something of each turn of one of them.
    pub(crate) fn of(&self, name: &str, value: impl Fn(&Turn) -> f64) -> Option<Vec<f64>> {
        let (_, turns) = self.entries.iter().find(|(entry, _)| *entry == name)?;
        Some(turns.iter().map(value).collect())
    }

    /// The rate of a time, in MB/s.
    pub(crate) fn rate(&self, took: Duration) -> f64 {
        self.bytes as f64 / 1e6 / took.as_secs_f64()
    }

    /// A row with the rates of two of them, if both finished.
    pub(crate) fn row_of_rates(
        &self,
        bench: &'static str,
        what: &str,
        (name, took): (&'static str, fn(&Turn) -> Duration),
        (with, took_with): (&'static str, fn(&Turn) -> Duration),
        target: Option<Target>,
    ) -> Option<Row> {
        let kith = self.of(name, |turn| self.rate(took(turn)))?;
        let other = self.of(with, |turn| self.rate(took_with(turn)))?;
        let turns = Turns {
            kith: &kith,
            with,
            other: &other,
        };
        Some(Row::of(bench, what, "MB/s", turns, target))
    }

    /// The rows with what each cost.
    pub(crate) fn into_findings(self, bench: &'static str, rows: Vec<Row>) -> Findings {
        let costs = self.entries.iter().map(|(name, turns)| {
            let middle = |value: &dyn Fn(&Turn) -> f64| {
                median(&turns.iter().map(value).collect::<Vec<f64>>())
            };
            let gibibytes = self.bytes as f64 / f64::from(1 << 30);
            let per_gibibyte = |used: Used| used.processor.as_secs_f64() / gibibytes;
            let mebibytes = |used: Used| used.resident_max as f64 / f64::from(1 << 20);
            Cost {
                bench,
                program: name,
                seconds: middle(&|turn| turn.took.as_secs_f64()),
                rate: middle(&|turn| self.rate(turn.took)),
                processor_provider: middle(&|turn| per_gibibyte(turn.provider)),
                processor_getter: middle(&|turn| per_gibibyte(turn.getter)),
                resident_provider: middle(&|turn| mebibytes(turn.provider)),
                resident_getter: middle(&|turn| mebibytes(turn.getter)),
            }
        });
        Findings {
            rows,
            costs: costs.collect(),
            remarks: self.remarks,
            ..Findings::default()
        }
    }
}
