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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TlsPin;
    use crate::introducer::{Ports, Trust};

    fn line(pin: u8) -> Introducer {
        let ports = Ports {
            tcp: 7118,
            udp: 7119,
            discovery: 0,
        };
        let trust = Trust::Pin(TlsPin([pin; 32]));
        Introducer::new(
            DeviceKey([1; 32]),
            vec![[203, 0, 113, 5].into()],
            ports,
            trust,
        )
    }

    fn known() -> Known {
        Known::new(7, Notice::new(line(2), None), &[line(1)], None)
    }

    #[test]
    fn a_row_of_the_first_version_keeps_its_bytes() {
        let hash = blake3::hash(&codec::encode(&known()));
        assert_eq!(hash.to_hex().as_str(), GOLDEN);
    }

    #[test]
    fn the_fullest_row_fits_its_bound() {
        let mut full = known();
        for pin in 3..20 {
            full = Known::new(
                u64::MAX,
                Notice::new(line(2), None),
                &[line(pin)],
                Some(&full),
            );
        }
        assert_eq!(full.replaced.len(), REPLACED_MAX);
        assert!(codec::decode::<Known>(&codec::encode(&full)).is_ok());
    }

    crate::decoding::decoder_tests! {
        known_form: Known = known();
    }

    const GOLDEN: &str = "bfb15352b60f54fd677ecdac4e41d995f4af1c157ac4e592bc2c93fd79efa856";
}
