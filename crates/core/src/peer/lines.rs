//! The lines of the introducers in use: as their owner named them, and as the introducers themselves say since.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::codec::{self, Wire};
use crate::discovery::Notice;
use crate::ids::DeviceKey;
use crate::introducer::Introducer;
use crate::row::Row;
use crate::time::Time;

/// The kind of the rows in which notices are kept, by the introducer's key.
pub(super) const LINE_KIND: &str = "line";

/// The most lines remembered as replaced, the latest: as many as a person has of one introducer in notes and old invites.
const REPLACED_MAX: usize = 8;

/// Which version of the row this is.
const VERSION: u8 = 1;

/// What is known of the introducers' lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// As the owner named them.
    pub(super) named: Vec<Introducer>,
    pub(super) known: BTreeMap<DeviceKey, Known>,
    /// When to ask all again; `None` where there are none.
    pub(super) ask_at: Option<Time>,
}

/// The newest notice of an introducer, and which lines it replaces.
#[derive(Clone, Debug, Encode, Decode)]
pub(super) struct Known {
    #[n(0)]
    version: u8,
    #[n(1)]
    pub(super) sequence: u64,
    #[n(2)]
    pub(super) notice: Notice,
    #[n(3)]
    replaced: Vec<Introducer>,
}

impl Wire for Known {
    const BYTES_MAX: usize = 64 + Notice::BYTES_MAX + REPLACED_MAX * Introducer::BYTES_MAX;
}

impl Lines {
    /// What was known before the last stop. A row that cannot be read is forgotten: the introducer tells it again.
    pub(super) fn restore(rows: Vec<Row>) -> Self {
        let read = |row: Row| {
            let key = DeviceKey(row.key.try_into().ok()?);
            let known: Known = codec::decode(&row.value?).ok()?;
            (known.version == VERSION).then_some((key, known))
        };
        Self {
            known: rows.into_iter().filter_map(read).collect(),
            ..Self::default()
        }
    }

    /// What to use at `now` for each introducer that was named.
    pub(super) fn in_force(&self, now: Time) -> Vec<Introducer> {
        let named = self.named.iter();
        named.map(|line| self.in_place_of(line, now)).collect()
    }

    fn in_place_of(&self, line: &Introducer, now: Time) -> Introducer {
        match self.known.get(&line.key) {
            Some(known) if known.replaced.contains(line) => known.notice.line_at(now),
            _ => line.clone(),
        }
    }

    /// When something is to be asked, or a new TLS key comes into use in place of one that is `in_use`.
    pub(super) fn next_due(&self, in_use: &[Introducer]) -> Option<Time> {
        let waiting = self.known.values().map(|known| &known.notice);
        let waiting = waiting.filter(|notice| in_use.contains(&notice.line));
        let changes = waiting.filter_map(|notice| Some(notice.next?.from));
        changes.chain(self.ask_at).min()
    }
}

impl Known {
    /// What a newer notice replaces: the lines `held`, and what was replaced `before`, the latest last.
    pub(super) fn new(
        sequence: u64,
        notice: Notice,
        held: &[Introducer],
        before: Option<&Self>,
    ) -> Self {
        let mut replaced = before.map_or_else(Vec::new, |known| known.replaced.clone());
        replaced.retain(|line| !held.contains(line));
        replaced.extend(held.iter().cloned());
        let surplus = replaced.len().saturating_sub(REPLACED_MAX);
        replaced.drain(..surplus);
        Self {
            version: VERSION,
            sequence,
            notice,
            replaced,
        }
    }
}
