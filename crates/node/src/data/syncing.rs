//! What arrives becomes durable while more arrives, so that a power failure costs little.
//!
//! What is written and not on the disk yet is bounded: from half the bound on it is synced, by a thread of its own, and whoever would write beyond the
//! bound waits for that. So receiving and verifying go on, and a disk that does not keep up slows the transfer down in the end, as it
//! would at its barrier. A few files are synced by themselves, with the folders that name them; of many at once the file system is, which is faster
//! and waits for what other programs have written.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::data::barrier;

/// What is written and not synced at most, in bytes: with what sources sent and waits to be written, 5 MiB of all together, less than the 16 MiB
/// that a power failure may cost.
pub const UNSYNCED_BYTES_MAX: u64 = 10 << 20;

/// From how much on it is synced: as much may come meanwhile.
pub(super) const SYNC_BYTES: u64 = UNSYNCED_BYTES_MAX / 2;

/// The most files synced by themselves.
const SINGLE_MAX: usize = 64;

/// Files that were written to: what they hold is durable when all of them are synced.
#[derive(Debug)]
pub(super) struct Written {
    /// Where they are.
    pub(super) paths: Vec<PathBuf>,
    /// They themselves.
    pub(super) files: Arc<[File]>,
    /// Whether they may have been made since the last sync, and so their names are not durable either.
    pub(super) is_new: bool,
    /// What was written of each, in bytes, for tests that lose it.
    #[cfg(test)]
    pub(super) parts: Vec<(usize, std::ops::Range<u64>)>,
}

/// Sees to it that what is written beneath a folder becomes durable.
#[derive(Debug)]
pub struct Syncing {
    folder: PathBuf,
    state: Mutex<State>,
    /// There may be room.
    changed: Condvar,
    /// Bytes of files that were synced since this was made.
    durable: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes that are about to be written.
    reserved: u64,
    written: Batch,
    /// Bytes that are being synced; `None` where nothing is.
    syncing: Option<u64>,
    failed: Option<io::ErrorKind>,
    #[cfg(test)]
    parts_syncing: Vec<tests::Part>,
    #[cfg(test)]
    parts_synced: Vec<tests::Part>,
}

/// What is synced together.
#[derive(Debug, Default)]
struct Batch {
    bytes: u64,
    /// Of those, bytes of files that were not there before.
    new_bytes: u64,
    files: Vec<Written>,
    /// Whether there were more files than are synced by themselves.
    is_many: bool,
    #[cfg(test)]
    parts: Vec<tests::Part>,
}

/// Room for bytes that are about to be written, until they were, or were not.
#[derive(Debug)]
pub(super) struct Room<'a> {
    syncing: &'a Arc<Syncing>,
    bytes: u64,
}

impl Syncing {
    /// For what is written beneath `folder`, which is durable so far.
    pub(super) fn new(folder: PathBuf) -> Arc<Self> {
        Arc::new(Self {
            folder,
            state: Mutex::default(),
            changed: Condvar::new(),
            durable: watch::Sender::new(0),
        })
    }

    /// How many bytes of files have become durable.
    pub fn durable(&self) -> watch::Receiver<u64> {
        self.durable.subscribe()
    }

    /// Begins to sync what was written, unless that is under way.
    pub fn begin(self: &Arc<Self>) {
        self.start(&mut self.lock());
    }

    /// Waits until so many bytes may be written.
    ///
    /// # Errors
    /// When what was written before cannot be made durable.
    pub(super) fn admit(self: &Arc<Self>, bytes: u64) -> io::Result<Room<'_>> {
        let mut state = self.lock();
        loop {
            if let Some(kind) = state.failed {
                return Err(kind.into());
            }
            let unsynced = state.unsynced();
            if unsynced == 0 || unsynced + bytes <= UNSYNCED_BYTES_MAX {
                state.reserved += bytes;
                return Ok(Room {
                    syncing: self,
                    bytes,
                });
            }
            self.start(&mut state);
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn start(self: &Arc<Self>, state: &mut State) {
        if state.syncing.is_some() || state.written.bytes == 0 {
            return;
        }
        let batch = std::mem::take(&mut state.written);
        state.syncing = Some(batch.bytes);
        #[cfg(test)]
        state.parts_syncing.clone_from(&batch.parts);
        let syncing = Arc::clone(self);
        let thread = std::thread::Builder::new().name("sync".to_owned());
        if let Err(error) = thread.spawn(move || syncing.sync(&batch)) {
            state.syncing = None;
            state.failed = Some(error.kind());
        }
    }

    fn sync(self: &Arc<Self>, batch: &Batch) {
        let synced = batch.sync(&self.folder);
        let mut state = self.lock();
        state.syncing = None;
        match synced {
            Ok(()) => {
                self.durable.send_modify(|bytes| *bytes += batch.new_bytes);
                #[cfg(test)]
                state.parts_synced.extend(batch.parts.iter().cloned());
            }
            Err(error) => {
                tracing::warn!(%error, "what arrives cannot be made durable");
                state.failed = Some(error.kind());
            }
        }
        if state.written.bytes >= SYNC_BYTES {
            self.start(&mut state);
        }
        drop(state);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn unsynced(&self) -> u64 {
        self.reserved + self.written.bytes + self.syncing.unwrap_or(0)
    }
}

impl Room<'_> {
    /// They were written; `new_bytes` of them were not there before.
    pub(super) fn wrote(self, written: Written, new_bytes: u64) {
        let mut state = self.syncing.lock();
        let batch = &mut state.written;
        batch.bytes += self.bytes;
        batch.new_bytes += new_bytes;
        batch.take(written);
        if batch.bytes >= SYNC_BYTES {
            self.syncing.start(&mut state);
        }
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.syncing.lock().reserved -= self.bytes;
        self.syncing.changed.notify_all();
    }
}

impl Batch {
    fn take(&mut self, written: Written) {
        #[cfg(test)]
        self.parts.extend(tests::parts(&written));
        let same = |known: &&mut Written| Arc::ptr_eq(&known.files, &written.files);
        if let Some(known) = self.files.iter_mut().find(same) {
            known.is_new |= written.is_new;
        } else if self.files.len() < SINGLE_MAX && !self.is_many {
            self.files.push(written);
        } else {
            self.is_many = true;
            // Their descriptors are needed elsewhere.
            self.files.clear();
        }
    }

    fn sync(&self, folder: &Path) -> io::Result<()> {
        if self.is_many {
            return barrier::file_system(folder);
        }
        for file in self.files.iter().flat_map(|written| written.files.iter()) {
            file.sync_data()?;
        }
        let new = self.files.iter().filter(|written| written.is_new);
        let mut folders = BTreeSet::new();
        for written in new {
            for path in &written.paths {
                let above = path.ancestors().skip(1);
                folders.extend(above.take_while(|above| above.starts_with(folder)));
            }
        }
        // The name of the whole, too.
        folders.extend(folder.parent().filter(|_| !folders.is_empty()));
        folders
            .into_iter()
            .try_for_each(|folder| match barrier::folder(folder) {
                // It has got its final name just now, behind a barrier.
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                synced => synced,
            })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;
    use std::ops::Range;
    use std::os::unix::fs::FileExt as _;

    use super::*;

    /// A part of a file that was written; whether the file is new.
    pub(super) type Part = (PathBuf, Range<u64>, bool);

    pub(super) fn parts(written: &Written) -> Vec<Part> {
        let part = |(file, range): &(usize, Range<u64>)| {
            (written.paths[*file].clone(), range.clone(), written.is_new)
        };
        written.parts.iter().map(part).collect()
    }

    impl Syncing {
        /// Loses what is not synced, as a power failure may: files without a durable name, and bytes. How many bytes were not.
        pub(in crate::data) fn lose(&self) -> u64 {
            let state = self.lock();
            // What was written again, as inner nodes are, is what it was before.
            let kept: Vec<_> = (state.parts_synced.iter())
                .filter_map(|(path, range, _)| {
                    let mut bytes = nothing(range);
                    let file = File::open(path).ok()?;
                    file.read_exact_at(&mut bytes, range.start).ok()?;
                    Some((path, range.start, bytes))
                })
                .collect();
            let syncing = state.parts_syncing.iter();
            let parts = syncing.filter(|_| state.syncing.is_some());
            for (path, range, is_new) in parts.chain(&state.written.parts) {
                if *is_new {
                    // Lost with an earlier part.
                    let _ = fs::remove_file(path);
                } else {
                    write(path, range.start, &nothing(range));
                }
            }
            for (path, start, bytes) in kept {
                write(path, start, &bytes);
            }
            state.unsynced()
        }
    }

    fn nothing(range: &Range<u64>) -> Vec<u8> {
        vec![0; usize::try_from(range.end - range.start).expect("a part")]
    }

    /// Writes into a file that is still there.
    fn write(path: &Path, start: u64, bytes: &[u8]) {
        if let Ok(file) = File::options().write(true).open(path) {
            file.write_all_at(bytes, start).expect("written over");
        }
    }
}
