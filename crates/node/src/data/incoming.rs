//! A file that arrives, in one range or in many.
//!
//! A large one lies in its place at full length from the first range on, full of holes, and beside it the inner nodes that came with the
//! ranges: together they tell a later run which groups are right.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kith_core::content::wire::RANGE_BYTES_MAX;
use kith_core::data::manifest;

use crate::data::disk::{StagingError, create_file, is_identical};
use crate::data::hash::outboard_bytes;
use crate::data::range::Blob;

/// A file that arrives.
#[derive(Debug)]
pub struct Incoming {
    /// What is to arrive.
    pub blob: Blob,
    path: PathBuf,
    outboard_path: PathBuf,
    executable: bool,
    modified: SystemTime,
    open: Mutex<Option<Open>>,
    ranges_left: AtomicU64,
    /// A write under way when its transfer is given up must not meet the next one's.
    _lock: Arc<File>,
}

/// The open files of one that arrives in several ranges.
#[derive(Debug)]
struct Open {
    data: File,
    outboard: File,
}

impl Incoming {
    pub(super) fn new(
        file: &manifest::File,
        path: PathBuf,
        outboard_path: PathBuf,
        lock: Arc<File>,
    ) -> Self {
        Self {
            blob: Blob {
                hash: file.hash,
                size: file.size,
            },
            path,
            outboard_path,
            executable: file.executable,
            modified: time(file.mtime_ms),
            open: Mutex::default(),
            ranges_left: AtomicU64::new(0),
            _lock: lock,
        }
    }

    /// Says how many ranges are to come.
    pub(super) fn expect(&self, ranges: u64) {
        self.ranges_left.store(ranges, Ordering::Release);
    }

    /// Where it grows.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// An empty file in its place.
    pub(super) fn create(&self) -> io::Result<File> {
        let file = create_file(&self.path, self.executable)?;
        file.set_len(0)?;
        Ok(file)
    }

    /// All of it is in its place, as was verified.
    pub(super) fn complete(&self, file: &File) -> io::Result<()> {
        self.expect(0);
        self.seal(file)
    }

    /// What is in its place is something else: false.
    pub(super) fn discard(&self, file: &File) -> Result<bool, StagingError> {
        file.set_len(0)?;
        Ok(false)
    }

    /// Whether it arrives in one range, and can be written at once.
    pub fn is_single(&self) -> bool {
        self.blob.size <= RANGE_BYTES_MAX
    }

    /// Takes a range; true when it was the last one missing.
    ///
    /// # Errors
    /// [`StagingError::Mismatch`] for bytes that do not verify, of which none were written; else what the system says.
    pub fn write(&self, encoded: &[u8], offset: u64) -> Result<bool, StagingError> {
        if self.is_single() {
            let bytes = self.blob.decode(encoded, 0, RANGE_BYTES_MAX)?;
            let mut data = create_file(&self.path, self.executable)?;
            data.set_len(0)?;
            data.write_all(&bytes)?;
            self.seal(&data)?;
            return Ok(true);
        }
        let (data, outboard) = self.handles()?;
        self.blob
            .decode_into(encoded, offset, RANGE_BYTES_MAX, &data, &outboard)?;
        if self.ranges_left.fetch_sub(1, Ordering::AcqRel) > 1 {
            return Ok(false);
        }
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        self.seal(&data)?;
        fs::remove_file(&self.outboard_path)?;
        Ok(true)
    }

    fn seal(&self, data: &File) -> io::Result<()> {
        data.set_times(fs::FileTimes::new().set_modified(self.modified))
    }

    /// The open files, opened at the first range.
    fn handles(&self) -> Result<(File, File), StagingError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let open = match &mut *open {
            Some(open) => open,
            none => {
                let data = create_file(&self.path, self.executable)?;
                data.set_len(self.blob.size)?;
                let outboard = create_file(&self.outboard_path, false)?;
                outboard.set_len(outboard_bytes(self.blob.size))?;
                none.insert(Open { data, outboard })
            }
        };
        Ok((open.data.try_clone()?, open.outboard.try_clone()?))
    }

    /// Which of the ranges an earlier run did not leave, or not as they should be.
    pub(super) fn missing(&self, all: std::ops::Range<u64>) -> Result<Vec<u64>, StagingError> {
        if is_identical(&self.path, &self.blob)? {
            self.seal(&create_file(&self.path, self.executable)?)?;
            return Ok(Vec::new());
        }
        if self.is_single() || !self.path.exists() || !self.outboard_path.exists() {
            return Ok(all.collect());
        }
        let (data, outboard) = self.handles()?;
        let valid = self.blob.valid_pieces(&data, &outboard, RANGE_BYTES_MAX)?;
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        Ok(all
            .filter(|range| valid.binary_search(range).is_err())
            .collect())
    }
}

fn time(mtime_ms: i64) -> SystemTime {
    let distance = Duration::from_millis(mtime_ms.unsigned_abs());
    let time = if mtime_ms < 0 {
        UNIX_EPOCH.checked_sub(distance)
    } else {
        UNIX_EPOCH.checked_add(distance)
    };
    time.unwrap_or(UNIX_EPOCH)
}
