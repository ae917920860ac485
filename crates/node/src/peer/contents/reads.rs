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
    /// What is read at a place, and whether it is not fetched yet.
    pub(super) fn take(&self, place: &Path) -> (Reading, bool) {
        let mut table = self.lock();
        if let Some(reading) = table.get(place) {
            return (reading.clone(), false);
        }
        let reading = Reading {
            readers: Readers::lasting(),
            held: Arc::new(watch::Sender::new(())),
        };
        table.insert(place.to_owned(), reading.clone());
        (reading, true)
    }

    /// It is fetched no longer.
    pub(super) fn leave(&self, place: &Path, reading: &Reading) {
        let mut table = self.lock();
        let is_it = |known: &Reading| Arc::ptr_eq(&known.held, &reading.held);
        if table.get(place).is_some_and(is_it) {
            table.remove(place);
        }
    }

    pub(super) fn places(&self) -> BTreeSet<PathBuf> {
        self.lock().keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Reading>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
