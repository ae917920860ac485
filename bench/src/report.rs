//! What a benchmark found: rows of a table, for people (Markdown) and for programs (JSON).

use std::fmt::{Arguments, Write as _};
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use crate::statistics::{median, median_ratio};

/// All of it.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Findings {
    /// The lines of the table.
    pub(crate) rows: Vec<Row>,
    /// What transfers cost, where that was looked at.
    pub(crate) costs: Vec<Cost>,
    /// What no table has room for: above all what could not be measured, and why.
    pub(crate) remarks: Vec<String>,
    /// Benchmarks that failed, each with its reason.
    pub(crate) failures: Vec<String>,
}

impl From<Vec<Row>> for Findings {
    fn from(rows: Vec<Row>) -> Self {
        Self {
            rows,
            ..Self::default()
        }
    }
}

/// What one program's transfers cost: medians.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Cost {
    /// Which benchmark.
    pub(crate) bench: &'static str,
    /// Which program.
    pub(crate) program: &'static str,
    /// How long it took.
    pub(crate) seconds: f64,
    /// MB/s.
    pub(crate) rate: f64,
    /// Seconds of a processor for each GiB, at the provider.
    pub(crate) processor_provider: f64,
    /// At the getter.
    pub(crate) processor_getter: f64,
    /// The most resident memory of the provider, in MiB.
    pub(crate) resident_provider: f64,
    /// Of the getter.
    pub(crate) resident_getter: f64,
}

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// Which benchmark.
    pub(crate) bench: &'static str,
    /// What was measured.
    pub(crate) what: String,
    /// What kith had, in `unit`: the median.
    pub(crate) kith: f64,
    /// What the thing it is compared with had, in `unit`: the median.
    pub(crate) compared: Option<Compared>,
    /// The unit of both.
    pub(crate) unit: &'static str,
    /// What was asked for.
    pub(crate) target: Option<Target>,
}

/// What kith is compared with.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Compared {
    /// With what.
    pub(crate) with: &'static str,
    /// What it had.
    pub(crate) value: f64,
    /// The median of kith's value over this one's, turn by turn.
    pub(crate) ratio: f64,
}

/// What was asked for: of the ratio where there is one, else of the value.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

/// What was measured turn by turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turns<'a> {
    /// What kith had.
    pub(crate) kith: &'a [f64],
    /// What it is compared with.
    pub(crate) with: &'static str,
    /// What that had.
    pub(crate) other: &'a [f64],
}

impl Row {
    /// Medians of `turns`, and of their ratios.
    pub(crate) fn of(
        bench: &'static str,
        what: &str,
        unit: &'static str,
        turns: Turns<'_>,
        target: Option<Target>,
    ) -> Self {
        let Turns { kith, with, other } = turns;
        Self {
            bench,
            what: what.into(),
            kith: median(kith),
            compared: Some(Compared {
                with,
                value: median(other),
                ratio: median_ratio(kith, other),
            }),
            unit,
            target,
        }
    }

    /// A value that nothing is compared with.
    pub(crate) fn alone(
        bench: &'static str,
        what: &str,
        unit: &'static str,
        value: f64,
        target: Option<Target>,
    ) -> Self {
        Self {
            bench,
            what: what.into(),
            kith: value,
            compared: None,
            unit,
            target,
        }
    }

    /// Whether the target is met; `None` where there is none.
    fn is_met(&self) -> Option<bool> {
        let value = self.compared.as_ref().map_or(self.kith, |it| it.ratio);
        Some(match self.target? {
            Target::AtMost(most) => value <= most,
            Target::AtLeast(least) => value >= least,
        })
    }
}

/// Tells whoever waits how far it is: not on stdout, where the tables go.
pub(crate) fn say(what: Arguments<'_>) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stderr(), "{what}")?)
}

/// Writes what was found to `path`, where there is one.
pub(crate) fn keep(findings: &Findings, path: Option<&Path>) -> anyhow::Result<()> {
    let Some(path) = path else {
        return Ok(());
    };
    let json = serde_json::to_string_pretty(findings)?;
    std::fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))
}

/// The tables, and what is not in them.
pub(crate) fn markdown(findings: &Findings) -> String {
    let mut text = table(&findings.rows);
    if !findings.costs.is_empty() {
        text.push_str("\n\n");
        text.push_str(&table_of_costs(&findings.costs));
    }
    let failures = findings.failures.iter().map(|it| format!("FAILED: {it}"));
    for (place, remark) in (findings.remarks.iter().cloned().chain(failures)).enumerate() {
        let gap = if place == 0 { "\n\n" } else { "\n" };
        let _ = write!(text, "{gap}- {remark}");
    }
    text
}

fn table_of_costs(costs: &[Cost]) -> String {
    let mut table = String::from(
        "| benchmark | program | time | rate | CPU s/GiB provider | getter | both | resident MiB provider | getter |\n\
         |---|---|---|---|---|---|---|---|---|",
    );
    for cost in costs {
        let _ = write!(
            table,
            "\n| {} | {} | {} s | {} MB/s | {} | {} | {} | {} | {} |",
            cost.bench,
            cost.program,
            number(cost.seconds),
            number(cost.rate),
            number(cost.processor_provider),
            number(cost.processor_getter),
            number(cost.processor_provider + cost.processor_getter),
            number(cost.resident_provider),
            number(cost.resident_getter),
        );
    }
    table
}

fn table(rows: &[Row]) -> String {
    let mut table = String::from(
        "| benchmark | what | kith | compared with | ratio | target | met |\n|---|---|---|---|---|---|---|",
    );
    for row in rows {
        let unit = row.unit;
        let compared = row.compared.as_ref();
        let other = compared.map_or(String::new(), |it| {
            format!("{} {unit} ({})", number(it.value), it.with)
        });
        let ratio = compared.map_or(String::new(), |it| format!("{:.2}", it.ratio));
        let target = match row.target {
            Some(Target::AtMost(most)) => format!("≤ {most}"),
            Some(Target::AtLeast(least)) => format!("≥ {least}"),
            None => String::new(),
        };
        let met = row
            .is_met()
            .map_or("", |met| if met { "yes" } else { "**no**" });
        // Writing to a string cannot fail.
        let _ = write!(
            table,
            "\n| {} | {} | {} {unit} | {other} | {ratio} | {target} | {met} |",
            row.bench,
            row.what,
            number(row.kith),
        );
    }
    table
}

/// Three digits that mean something.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: f64, ratio: Option<f64>, target: Target) -> Row {
        Row {
            bench: "ping",
            what: "first answer".into(),
            kith: value,
            compared: ratio.map(|ratio| Compared {
                with: "bare iroh",
                value: value / ratio,
                ratio,
            }),
            unit: "ms",
            target: Some(target),
        }
    }

    #[test]
    fn a_target_is_of_the_ratio_where_there_is_one() {
        assert_eq!(
            row(3.0, Some(1.4), Target::AtMost(1.5)).is_met(),
            Some(true)
        );
        assert_eq!(
            row(1.0, Some(1.6), Target::AtMost(1.5)).is_met(),
            Some(false)
        );
        assert_eq!(row(41.0, None, Target::AtMost(40.0)).is_met(), Some(false));
        assert_eq!(
            row(1.0, Some(0.96), Target::AtLeast(0.95)).is_met(),
            Some(true)
        );
    }

    #[test]
    fn the_table_has_a_line_for_each_row() {
        let table = table(&[row(3.0, Some(1.5), Target::AtMost(1.5))]);
        let line = "| ping | first answer | 3.00 ms | 2.00 ms (bare iroh) | 1.50 | ≤ 1.5 | yes |";
        assert_eq!(table.lines().nth(2), Some(line));
    }
}
