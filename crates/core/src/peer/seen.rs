//! When contacts were here last. It is for their owner's eyes alone: nobody is told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use minicbor::{Decode, Encode};

use crate::codec::{self, Wire};
use crate::ids::PeerId;
use crate::row::Row;
use crate::time::Time;

/// The kind of the rows in which it is kept, by PeerId.
pub(super) const SEEN_KIND: &str = "seen";

/// How long what changed waits to be written, so that who comes and goes all the time costs one write a minute.
const WRITE_AFTER: Duration = Duration::from_secs(60);

/// How often it is written of those who stay: as much as a crash forgets of them, by which nobody takes one day for another.
const WRITE_EVERY: Duration = Duration::from_secs(60 * 60);

/// Which version of the row this is.
const VERSION: u8 = 1;

/// A row's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct Seen {
    #[n(0)]
    version: u8,
    #[n(1)]
    at: Time,
}

impl Wire for Seen {
    /// The array's head, the version and the time.
    const BYTES_MAX: usize = 1 + 1 + 9;
}

/// When each was here last; at most one entry for each in the address book.
#[derive(Debug, Default)]
pub(super) struct LastSeen {
    at: BTreeMap<PeerId, Time>,
    /// Those of whom another time is written.
    unwritten: BTreeSet<PeerId>,
    /// When something is to be written.
    due: Option<Time>,
}

impl LastSeen {
    /// What was known before the last stop. A row that cannot be read is forgotten: the next visit tells anew.
    pub(super) fn restore(rows: Vec<Row>) -> Self {
        let read = |row: Row| {
            let peer = PeerId(row.key.try_into().ok()?);
            let seen: Seen = codec::decode(&row.value?).ok()?;
            (seen.version == VERSION).then_some((peer, seen.at))
        };
        Self {
            at: rows.into_iter().filter_map(read).collect(),
            ..Self::default()
        }
    }

    /// When `peer` was here last, as far as it has been noticed.
    pub(super) fn get(&self, peer: &PeerId) -> Option<Time> {
        self.at.get(peer).copied()
    }

    /// `peer` is here at this moment.
    pub(super) fn see(&mut self, now: Time, peer: PeerId) {
        self.at.insert(peer, now);
        self.unwritten.insert(peer);
        let soon = now + WRITE_AFTER;
        self.due = Some(self.due.map_or(soon, |due| due.min(soon)));
    }

    /// `peer` is no contact any more. What deletes its row, where it may have one.
    pub(super) fn forget(&mut self, peer: &PeerId) -> Option<Row> {
        self.unwritten.remove(peer);
        self.at.remove(peer).map(|_| row(peer, None))
    }

    /// When [`LastSeen::write`] is to be called.
    pub(super) fn next_due(&self) -> Option<Time> {
        self.due
    }

    /// What is to be kept now, while these are `here`.
    pub(super) fn write(&mut self, now: Time, here: BTreeSet<PeerId>) -> Vec<Row> {
        self.due = (!here.is_empty()).then(|| now + WRITE_EVERY);
        for peer in here {
            self.at.insert(peer, now);
            self.unwritten.insert(peer);
        }
        let changed = std::mem::take(&mut self.unwritten).into_iter();
        changed.map(|peer| row(&peer, self.get(&peer))).collect()
    }
}

fn row(peer: &PeerId, at: Option<Time>) -> Row {
    let version = VERSION;
    Row {
        kind: SEEN_KIND,
        key: peer.0.to_vec(),
        value: at.map(|at| codec::encode(&Seen { version, at })),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Time = Time(1_700_000_000_000);
    const ANN: PeerId = PeerId([1; 32]);
    const BOB: PeerId = PeerId([2; 32]);

    fn written(rows: &[Row]) -> LastSeen {
        LastSeen::restore(rows.to_vec())
    }

    #[test]
    fn who_came_and_went_is_written_once_and_known_after_a_restart() {
        let mut seen = LastSeen::default();
        assert_eq!(seen.next_due(), None);
        seen.see(NOW, ANN);
        let left = NOW + Duration::from_secs(5);
        seen.see(left, ANN);
        let due = seen.next_due().expect("something to write");
        assert_eq!(due, NOW + WRITE_AFTER);
        let rows = seen.write(due, BTreeSet::new());
        assert_eq!(rows.len(), 1);
        assert_eq!(written(&rows).get(&ANN), Some(left));
        assert_eq!(seen.next_due(), None);
    }

    #[test]
    fn who_stays_is_written_each_hour_and_keeps_nobody_else_awake() {
        let mut seen = LastSeen::default();
        seen.see(NOW, ANN);
        seen.see(NOW, BOB);
        let first = seen.write(NOW + WRITE_AFTER, BTreeSet::from([ANN]));
        assert_eq!(first.len(), 2);
        let due = seen.next_due().expect("one is here");
        assert_eq!(due, NOW + WRITE_AFTER + WRITE_EVERY);
        let second = seen.write(due, BTreeSet::from([ANN]));
        assert_eq!(second.len(), 1);
        assert_eq!(written(&second).get(&ANN), Some(due));
        assert_eq!(seen.get(&BOB), Some(NOW));
    }

    #[test]
    fn of_who_is_removed_nothing_stays() {
        let mut seen = LastSeen::default();
        seen.see(NOW, ANN);
        let gone = seen.forget(&ANN).expect("it may be written");
        assert_eq!((gone.key, gone.value), (ANN.0.to_vec(), None));
        assert_eq!(seen.write(NOW, BTreeSet::new()), []);
        assert_eq!(seen.forget(&ANN), None);
    }

    #[test]
    fn the_row_of_the_first_version_keeps_its_bytes() {
        let row = row(&ANN, Some(Time(7)));
        assert_eq!(row.value, Some(vec![0x82, 1, 7]));
    }

    crate::decoding::decoder_tests! {
        seen: Seen = Seen { version: VERSION, at: NOW };
    }

    proptest! {
        #[test]
        fn no_row_makes_the_start_fail(
            key in proptest::collection::vec(any::<u8>(), 30..34),
            value in proptest::collection::vec(any::<u8>(), 0..16),
        ) {
            LastSeen::restore(vec![Row { kind: SEEN_KIND, key, value: Some(value) }]);
        }
    }
}
