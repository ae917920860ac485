//! A file that arrives, whole or in parts.
//!
//! One that comes in parts lies in its place at full length from the first part on, full of holes, and beside it the inner nodes that came
//! with the parts: together they tell a later run which groups are right. They stay when the file is whole, until the download is over: what was
//! written last is synced later than it is whole, and a power failure would leave a file of which nothing tells what is right.

use std::collections::{BTreeSet, VecDeque};
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use kith_core::content::swarm::ranges::Ranges;
use kith_core::content::swarm::span::Span;
use kith_core::data::manifest;

use crate::data::disk::{self, StagingError, create_file, is_identical};
use crate::data::hash::outboard_bytes;
use crate::data::pieces;
use crate::data::range::{Blob, Verified};
use crate::data::syncing::{SYNC_BYTES, Syncing, Written};

/// Files that are kept open between two parts, each with its inner nodes: a fraction of the 1,024 descriptors that a process has at
/// least, and more than the files that the parts under way belong to.
const OPEN_FILES_MAX: usize = 64;

/// Inner nodes of one file that are known to be written: those of some 64 parts of 256 KiB.
const PARENTS_KNOWN_MAX: usize = 1024;

/// A file that arrives.
#[derive(Debug)]
pub struct Incoming {
    /// What is to arrive.
    pub blob: Blob,
    path: PathBuf,
    outboard_path: PathBuf,
    executable: bool,
    modified: SystemTime,
    /// What is not here, in bytes of the file.
    missing: Mutex<Ranges>,
    /// Whether some of it came without the rest, so that there may be inner nodes beside it.
    is_in_parts: AtomicBool,
    /// Whether something was written of it since this was made, or taken over.
    is_written: AtomicBool,
    /// Bytes of it that are told when they are durable; what else is here was before.
    told: AtomicU64,
    open_files: Arc<OpenFiles>,
    syncing: Arc<Syncing>,
    /// A write under way when its transfer is given up must not meet the next one's.
    _lock: Arc<File>,
}

/// What a part has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brought {
    /// How many of its bytes were not here before.
    pub bytes: u64,
    /// Whether the file is whole by it.
    pub is_last: bool,
}

/// The files of a download that are open, the one used last behind the others.
#[derive(Debug, Default)]
pub(super) struct OpenFiles(Mutex<VecDeque<Arc<OpenFile>>>);

#[derive(Debug)]
struct OpenFile {
    path: PathBuf,
    /// Its data, and its inner nodes.
    files: Arc<[File; 2]>,
    /// Where inner nodes lie that were written: those above a part come with each part below them, and were most of its writes.
    written: Mutex<BTreeSet<u64>>,
}

impl OpenFile {
    fn data(&self) -> &File {
        &self.files[0]
    }

    fn outboard(&self) -> &File {
        &self.files[1]
    }

    fn written(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those of the inner nodes that are not here.
    #[cfg(test)]
    fn lacking<'a>(&self, parents: &[(u64, &'a [u8])]) -> Vec<(u64, &'a [u8])> {
        use std::os::unix::fs::FileExt as _;
        let lacks = |(place, parent): &&(u64, &[u8])| {
            let mut here = vec![0; parent.len()];
            let read = self.outboard().read_exact_at(&mut here, *place);
            read.is_err() || here != *parent
        };
        parents.iter().filter(lacks).copied().collect()
    }

    /// Writes those of the inner nodes that were not written before.
    fn write_parents(&self, parents: &[(u64, &[u8])]) -> io::Result<()> {
        let known = self.written();
        let new = parents.iter().filter(|(place, _)| !known.contains(place));
        let new: Vec<_> = new.copied().collect();
        drop(known);
        for run in runs(&new) {
            let pieces: Vec<&[u8]> = run.iter().map(|(_, parent)| *parent).collect();
            pieces::write(self.outboard(), run[0].0, &pieces)?;
        }
        let mut known = self.written();
        if known.len() + new.len() > PARENTS_KNOWN_MAX {
            known.clear();
        }
        known.extend(new.iter().map(|(place, _)| *place));
        Ok(())
    }
}

impl OpenFiles {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<OpenFile>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, path: &PathBuf) -> Option<Arc<OpenFile>> {
        let mut files = self.lock();
        let place = files.iter().rposition(|file| file.path == *path)?;
        files.remove(place)
    }

    /// Something else lies in its place from now on.
    pub(super) fn forget(&self, path: &PathBuf) {
        drop(self.take(path));
    }

    fn put(&self, file: Arc<OpenFile>) {
        let mut files = self.lock();
        if files.len() >= OPEN_FILES_MAX {
            files.pop_front();
        }
        files.push_back(file);
    }
}

impl Incoming {
    pub(super) fn new(
        file: &manifest::File,
        path: PathBuf,
        outboard_path: PathBuf,
        (open_files, syncing): (Arc<OpenFiles>, Arc<Syncing>),
        lock: Arc<File>,
    ) -> Self {
        let mut missing = Ranges::default();
        missing.insert(span(&(0..file.size)));
        Self {
            blob: Blob {
                hash: file.hash,
                size: file.size,
            },
            path,
            outboard_path,
            executable: file.executable,
            modified: disk::time(file.mtime_ms),
            missing: Mutex::new(missing),
            is_in_parts: AtomicBool::new(false),
            is_written: AtomicBool::new(false),
            told: AtomicU64::new(0),
            open_files,
            syncing,
            _lock: lock,
        }
    }

    /// Whether some of it is here.
    pub fn is_begun(&self) -> bool {
        let missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        !missing.covers(span(&(0..self.blob.size)))
    }

    /// Whether all of it is.
    pub fn is_whole(&self) -> bool {
        let missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        missing.iter().next().is_none()
    }

    /// An empty file in its place.
    pub(super) fn create(&self) -> io::Result<File> {
        let file = create_file(&self.path, self.executable)?;
        file.set_len(0)?;
        Ok(file)
    }

    /// All of it is in its place, as was verified.
    pub(super) fn complete(&self, file: File) -> io::Result<Brought> {
        file.set_times(self.times())?;
        let brought = self.mark(&(0..self.blob.size));
        self.settle(Arc::new([file]), vec![self.path.clone()])?;
        Ok(brought)
    }

    /// What came of it for another version, and may not be on the disk, becomes durable with what is written. So many bytes are told already, of what lay in
    /// its place before.
    pub(super) fn take_over(&self, told: u64) -> Result<(), StagingError> {
        self.told.store(told, Ordering::Release);
        if self.is_whole() {
            let mut files = vec![create_file(&self.path, self.executable)?];
            let mut paths = vec![self.path.clone()];
            if self.outboard_path.exists() {
                files.push(create_file(&self.outboard_path, false)?);
                paths.push(self.outboard_path.clone());
            }
            self.settle(files.into(), paths)?;
        } else if self.is_begun() {
            let file = self.open()?;
            let files = Arc::<[File; 2]>::clone(&file.files);
            self.open_files.put(file);
            self.settle(files, vec![self.path.clone(), self.outboard_path.clone()])?;
        }
        Ok(())
    }

    /// What is here of it, in these files, was not written by this.
    fn settle(&self, files: Arc<[File]>, paths: Vec<PathBuf>) -> io::Result<()> {
        let bytes = self.here();
        let mut unsynced = bytes;
        if bytes >= SYNC_BYTES {
            // By itself: what is fetched meanwhile does not wait for so much. Its name is left.
            files.iter().try_for_each(File::sync_data)?;
            unsynced = 1;
        }
        let room = self.syncing.admit(unsynced)?;
        self.is_written.store(true, Ordering::Release);
        let written = Written {
            #[cfg(test)]
            parts: self.parts_here(paths.len()),
            paths,
            files,
            is_new: true,
        };
        let told = self.told.fetch_max(bytes, Ordering::AcqRel);
        room.wrote(written, bytes.saturating_sub(told));
        Ok(())
    }

    /// How many bytes of it are here.
    fn here(&self) -> u64 {
        let missing: u64 = self.missing().iter().map(|it| it.end - it.start).sum();
        self.blob.size - missing
    }

    /// How many of them are told when they are durable,
    pub(super) fn told(&self) -> u64 {
        self.told.load(Ordering::Acquire)
    }

    /// and how many were before.
    pub fn durable_before(&self) -> u64 {
        self.here().saturating_sub(self.told())
    }

    /// What is here of it, and room for all of its inner nodes where it has two files.
    #[cfg(test)]
    fn parts_here(&self, files: usize) -> Vec<(usize, Range<u64>)> {
        let mut parts: Vec<_> = (1..files)
            .map(|file| (file, 0..outboard_bytes(self.blob.size)))
            .collect();
        let mut reached = 0;
        for missing in self.missing() {
            parts.push((0, reached..missing.start));
            reached = missing.end;
        }
        parts.push((0, reached..self.blob.size));
        parts
    }

    /// What is in its place is something else.
    pub(super) fn discard(&self, file: &File) -> Result<Option<Brought>, StagingError> {
        file.set_len(0)?;
        Ok(None)
    }

    /// Verifies a part, and takes it: whole groups, or up to the file's end, in their encoding.
    ///
    /// # Errors
    /// [`StagingError::Mismatch`] for bytes that do not verify, of which none were written; else what the system says.
    pub fn write(&self, part: &Range<u64>, encoded: &[u8]) -> Result<Brought, StagingError> {
        let verified = self.blob.verify(encoded, part)?;
        self.write_verified(part, encoded, &verified)
    }

    /// Takes a part whose encoding is [verified](Blob::verify).
    ///
    /// # Errors
    /// What the system says.
    pub fn write_verified(
        &self,
        part: &Range<u64>,
        encoded: &[u8],
        verified: &Verified,
    ) -> Result<Brought, StagingError> {
        if !self.is_missing(part) {
            let (bytes, is_last) = (0, false);
            return Ok(Brought { bytes, is_last });
        }
        let room = self.syncing.admit(part.end - part.start)?;
        // What lies beside it stays whole where it is begun in parts.
        let is_at_once = *part == (0..self.blob.size) && !self.is_in_parts.load(Ordering::Acquire);
        let written = if is_at_once {
            self.write_whole(&verified.groups(encoded))?
        } else {
            self.write_part(part, (encoded, verified))?
        };
        let brought = self.mark(part);
        self.told.fetch_add(brought.bytes, Ordering::AcqRel);
        room.wrote(written, brought.bytes);
        // Whoever brings a part that has come meanwhile has touched the file again.
        if self.is_whole() && self.is_in_parts.load(Ordering::Acquire) {
            self.finish()?;
        }
        Ok(brought)
    }

    /// Whether something of a part is. An empty file is, until it was written.
    fn is_missing(&self, part: &Range<u64>) -> bool {
        let missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        part.is_empty() || missing.within(span(part)).next().is_some()
    }

    /// Takes all of it at once.
    fn write_whole(&self, groups: &[&[u8]]) -> io::Result<Written> {
        let data = create_file(&self.path, self.executable)?;
        data.set_len(self.blob.size)?;
        pieces::write(&data, 0, groups)?;
        data.set_times(self.times())?;
        Ok(Written {
            paths: vec![self.path.clone()],
            files: Arc::new([data]),
            is_new: true,
            #[cfg(test)]
            parts: vec![(0, 0..self.blob.size)],
        })
    }

    /// Takes a part of it, with its inner nodes.
    fn write_part(
        &self,
        part: &Range<u64>,
        (encoded, verified): (&[u8], &Verified),
    ) -> Result<Written, StagingError> {
        let parents = verified.parents(encoded);
        let file = self.open()?;
        pieces::write(file.data(), part.start, &verified.groups(encoded))?;
        // Of two who write their first part at once, one must count as the first.
        let is_begun = self.is_begun();
        #[cfg(test)]
        let lacking = file.lacking(&parents);
        file.write_parents(&parents)?;
        let files = Arc::<[File; 2]>::clone(&file.files);
        self.open_files.put(file);
        Ok(Written {
            paths: vec![self.path.clone(), self.outboard_path.clone()],
            files,
            // What an earlier run left has durable names.
            is_new: !self.is_written.swap(true, Ordering::AcqRel) && !is_begun,
            #[cfg(test)]
            parts: std::iter::once((0, part.clone()))
                .chain(runs(&lacking).map(|run| {
                    let bytes: usize = run.iter().map(|(_, parent)| parent.len()).sum();
                    (1, run[0].0..run[0].0 + bytes as u64)
                }))
                .collect(),
        })
    }

    /// A part of it is here.
    pub(super) fn mark(&self, part: &Range<u64>) -> Brought {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        let is_empty = part.is_empty();
        let part = span(part);
        let bytes = missing.within(part).map(|part| part.bytes()).sum();
        missing.remove(part);
        // Of two who bring the last part at once, one does.
        let is_whole = missing.iter().next().is_none();
        Brought {
            bytes,
            is_last: is_whole && (bytes > 0 || is_empty),
        }
    }

    fn finish(&self) -> io::Result<()> {
        match self.open_files.take(&self.path) {
            Some(file) => file.data().set_times(self.times()),
            None => create_file(&self.path, self.executable)?.set_times(self.times()),
        }
    }

    fn times(&self) -> fs::FileTimes {
        fs::FileTimes::new().set_modified(self.modified)
    }

    /// The open files; whoever is done puts them back.
    fn open(&self) -> Result<Arc<OpenFile>, StagingError> {
        if let Some(file) = self.open_files.take(&self.path) {
            return Ok(file);
        }
        self.is_in_parts.store(true, Ordering::Release);
        let data = create_file(&self.path, self.executable)?;
        data.set_len(self.blob.size)?;
        let outboard = create_file(&self.outboard_path, false)?;
        outboard.set_len(outboard_bytes(self.blob.size))?;
        Ok(Arc::new(OpenFile {
            path: self.path.clone(),
            files: Arc::new([data, outboard]),
            written: Mutex::default(),
        }))
    }

    /// Keeps what an earlier run left, where it is as it should be.
    pub(super) fn resume(&self) -> Result<(), StagingError> {
        let mut valid = Vec::new();
        if self.path.exists() && self.outboard_path.exists() {
            let file = self.open()?;
            valid = self.blob.valid(file.data(), file.outboard())?;
            self.open_files.put(file);
        } else if is_identical(&self.path, &self.blob)? {
            create_file(&self.path, self.executable)?.set_times(self.times())?;
            valid.push(0..self.blob.size);
        }
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        for part in valid {
            missing.remove(span(&part));
        }
        let is_whole = missing.iter().next().is_none();
        drop(missing);
        if is_whole && self.is_in_parts.load(Ordering::Acquire) {
            self.finish()?;
        }
        Ok(())
    }

    /// Where it grows.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes are here from `from` on, without a gap.
    pub fn held_from(&self, from: u64) -> u64 {
        let missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        let size = self.blob.size;
        let gap = missing.within(span(&(from..size))).next();
        gap.map_or(size, |gap| gap.start).saturating_sub(from)
    }

    /// What is not here: whole groups, or up to the end, in order.
    pub fn missing(&self) -> Vec<Range<u64>> {
        let missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        missing.iter().map(|part| part.start..part.end).collect()
    }
}

fn span(range: &Range<u64>) -> Span {
    Span {
        start: range.start,
        end: range.end,
    }
}

/// Inner nodes that lie one behind the other in the outboard are written together.
fn runs<'p, 'a>(
    parents: &'p [(u64, &'a [u8])],
) -> impl Iterator<Item = &'p [(u64, &'a [u8])]> + use<'p, 'a> {
    parents.chunk_by(|(place, parent), (next, _)| place + parent.len() as u64 == *next)
}
