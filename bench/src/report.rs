//! What a benchmark found: rows of a table, for people (Markdown) and for programs (JSON).

use std::fmt::Write as _;

use serde::Serialize;

use crate::statistics::{median, median_ratio};

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

    /// Whether the target is met; `None` where there is none.
    fn is_met(&self) -> Option<bool> {
        let value = self.compared.as_ref().map_or(self.kith, |it| it.ratio);
        Some(match self.target? {
            Target::AtMost(most) => value <= most,
            Target::AtLeast(least) => value >= least,
        })
    }
}

/// The table.
pub(crate) fn markdown(rows: &[Row]) -> String {
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
        let table = markdown(&[row(3.0, Some(1.5), Target::AtMost(1.5))]);
        let line = "| ping | first answer | 3.00 ms | 2.00 ms (bare iroh) | 1.50 | ≤ 1.5 | yes |";
        assert_eq!(table.lines().nth(2), Some(line));
    }
}
