//! The table of files of others' shares that are read, and fetched for that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::content::Readers;

/// The files that are read of others' shares, by their places.
#[derive(Debug, Default)]
pub(in crate::peer) struct Reads(Mutex<BTreeMap<PathBuf, Reading>>);

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) readers: Readers,
    /// Each reader has a receiver.
    pub(super) held: Arc<watch::Sender<()>>,
}

impl Reads {
    /// What is read at a place, a reader's hold on it, and whether it is not fetched yet.
    pub(super) fn take(&self, place: &Path) -> (Reading, watch::Receiver<()>, bool) {
        let mut table = self.lock();
        // Held before the table is let go of: until then nobody takes it for idle.
        if let Some(reading) = table.get(place) {
            return (reading.clone(), reading.held.subscribe(), false);
        }
        let (held, hold) = watch::channel(());
        let reading = Reading {
            readers: Readers::lasting(),
            held: Arc::new(held),
        };
        table.insert(place.to_owned(), reading.clone());
        (reading, hold, true)
    }

    /// It is fetched no longer, whoever reads it.
    pub(super) fn leave(&self, place: &Path, reading: &Reading) {
        remove(&mut self.lock(), place, reading);
    }

    /// It is fetched no longer, unless somebody reads it. Whether it is so.
    pub(super) fn leave_idle(&self, place: &Path, reading: &Reading) -> bool {
        let mut table = self.lock();
        let is_idle = reading.held.receiver_count() == 0;
        if is_idle {
            remove(&mut table, place, reading);
        }
        is_idle
    }

    pub(super) fn places(&self) -> BTreeSet<PathBuf> {
        self.lock().keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Reading>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a reading out of the table, where it is still the one of its place.
fn remove(table: &mut BTreeMap<PathBuf, Reading>, place: &Path, reading: &Reading) {
    let is_it = |known: &Reading| Arc::ptr_eq(&known.held, &reading.held);
    if table.get(place).is_some_and(is_it) {
        table.remove(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_before_it_is_left_keeps_it_and_nobody_joins_what_is_left() {
        let (reads, place) = (Reads::default(), Path::new("/film"));
        let (reading, hold, is_new) = reads.take(place);
        assert!(is_new);
        drop(hold);
        let (joined, hold, is_new) = reads.take(place);
        assert!(!is_new && Arc::ptr_eq(&joined.held, &reading.held));
        assert!(!reads.leave_idle(place, &reading), "it is read");
        assert_eq!(reads.places().len(), 1);
        drop(hold);
        assert!(reads.leave_idle(place, &reading));
        let (next, _hold, is_new) = reads.take(place);
        assert!(is_new && !Arc::ptr_eq(&next.held, &reading.held));
        // The next is none of the last one's business.
        reads.leave(place, &reading);
        assert_eq!(reads.places().len(), 1);
    }
}
