//! Several benchmarks, one after the other: what runs is told, how long each took, and what was found so far is kept, because together they take
//! as long as somebody may not have.

use std::path::Path;
use std::time::Instant;

use clap::{Args, ValueEnum};

use crate::report::{self, Findings, Row};
use crate::{express, forward, introducer, open, stream};

#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Which of them (a comma between the names), to go on with a run that was stopped; all when left out.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    #[command(flatten)]
    stream: stream::Options,
    #[command(flatten)]
    express: express::Options,
    #[command(flatten)]
    forward: forward::Options,
    #[command(flatten)]
    open: open::Options,
    #[command(flatten)]
    introducer: introducer::Options,
}

/// One of them, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Stream,
    Express,
    Forward,
    Open,
    Introducer,
}

/// Runs those that are wanted. After each, all that was found so far is written to `json`; one that fails is told, and the others run.
pub(crate) async fn run(options: &Options, json: Option<&Path>) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    // A file that cannot be written is better known now.
    report::keep(&findings, json)?;
    for part in Part::value_variants() {
        if !options.wants(*part) {
            continue;
        }
        let begun = Instant::now();
        let name = part.name();
        report::say(format_args!("{name} begins"))?;
        match options.run(*part).await {
            Ok(rows) => {
                let took = begun.elapsed();
                report::say(format_args!("{name} took {:.0} s", took.as_secs_f64()))?;
                findings.rows.extend(rows);
            }
            Err(error) => {
                let failure = format!("{name}: {error:#}");
                report::say(format_args!("FAILED: {failure}"))?;
                findings.failures.push(failure);
            }
        }
        report::keep(&findings, json)?;
    }
    Ok(findings)
}

impl Options {
    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    async fn run(&self, part: Part) -> anyhow::Result<Vec<Row>> {
        match part {
            Part::Stream => stream::run(&self.stream).await,
            Part::Express => express::run(&self.express).await,
            Part::Forward => forward::run(&self.forward).await,
            Part::Open => open::run(&self.open).await,
            Part::Introducer => introducer::run(&self.introducer).await,
        }
    }
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Express => "express",
            Self::Forward => "forward",
            Self::Open => "open",
            Self::Introducer => "introducer",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn wanted(line: &[&str]) -> Result<Vec<&'static str>, clap::Error> {
        let line = Line::try_parse_from([&["all"], line].concat())?;
        let parts = Part::value_variants().iter();
        let wanted = parts.filter(|part| line.options.wants(**part));
        Ok(wanted.map(|part| part.name()).collect())
    }

    #[test]
    fn a_run_goes_on_with_those_that_are_named() {
        let all = wanted(&[]).expect("sound");
        assert_eq!(all.len(), Part::value_variants().len());
        let some = wanted(&["--only", "introducer,open"]).expect("sound");
        assert_eq!(some, ["open", "introducer"]);
        assert!(wanted(&["--only", "ping"]).is_err());
        for part in all {
            assert_eq!(wanted(&["--only", part]).expect("its name"), [part]);
        }
    }
}
