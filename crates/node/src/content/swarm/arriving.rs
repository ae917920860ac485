//! What comes is verified and written.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kith_core::content::swarm::getter::Due;
use kith_core::content::swarm::span::{CHUNK_BYTES_MIN, Span, groups_within};
use kith_core::content::swarm::wire::What;
use kith_core::data::manifest::NODE_BYTES_MAX;
use kith_core::ids::{BlobHash, PeerId};
use tokio::sync::futures::OwnedNotified;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::task::TaskTracker;

use super::buffers::{Buffer, Buffers};
use super::tree::Tree;
use crate::content::error::GetError;
use crate::data::incoming::Incoming;
use crate::data::range::{Blob, Verified};

/// From how many bytes on a file that is in a tree several times is fetched once: what is smaller comes in one chunk with others, and costs less than
/// another look at the disk.
const REPEATED_BYTES_MIN: u64 = CHUNK_BYTES_MIN;

/// Files that are whole and still known by their place, because a second source may have been asked for their last chunk: more than the
/// requests that are under way can name.
const WHOLE_FILES_MAX: usize = 64 * 1024;

/// What has come of all sources of a transfer and is not written, in bytes at most: it is lost in a crash, and with what is written and
/// [not synced](crate::data::syncing::UNSYNCED_BYTES_MAX), 10 MiB, it stays below the 16 MiB that may be fetched again. What the network holds
/// unread is not in it, but what a stream is read ahead by, 8 KiB each.
///
/// Room is taken for a whole message, when its first bytes are there: whoever has some needs no more, and gives it back. It is the room of 19
/// messages of 256 KiB, nearly all that one source is read ahead, and so many sources may be in the middle of one at once. One that falls
/// silent there, or is as good as silent, keeps its part until somebody waits for it, and some seconds longer (`source.rs`).
pub(in crate::content) const UNWRITTEN_BYTES_MAX: u64 = 5 << 20;

/// What the room is counted in, in bytes: whole groups would waste much of it where messages are nodes.
const ROOM_BYTES: u64 = 1024;

/// Nothing has come.
const NOTHING: Event = Event::Bytes {
    peer: None,
    bytes: 0,
    whole: Vec::new(),
};

/// What a node of the manifest is called.
pub(in crate::content) const DIRECTORY: &str = "a directory";

/// What a transfer is told of what came.
#[derive(Debug)]
pub(in crate::content) enum Event {
    /// A node of the manifest came; it lies in the [`Tree`].
    Node,
    /// Bytes of files, verified and written.
    Bytes {
        /// From whom.
        peer: Option<PeerId>,
        /// How many that were not here.
        bytes: u64,
        /// Where the files lie on the line that are whole by them.
        whole: Vec<u64>,
    },
    /// A source has something of this no more.
    Lacks {
        /// What it is called.
        what: String,
        /// Whether its file is not what it was.
        is_changed: bool,
    },
    /// The disk did not do its part.
    Failed(GetError),
}

/// What came is not what was asked for: its sender's fault. What it was to be is named.
#[derive(Debug)]
pub(super) struct Lie(pub(super) String);

/// What came, and is verified.
#[derive(Debug)]
pub(super) enum Sound {
    /// A node.
    Node(BlobHash, Vec<u8>),
    /// Parts of files, and the bytes in which they lie.
    Parts(Vec<SoundPart>, Buffer<Vec<u8>>),
}

/// A part of a file that is verified.
#[derive(Debug)]
pub(super) struct SoundPart {
    part: Part,
    verified: Verified,
}

/// What answers something that is due, looked up once: nothing can be verified that was not expected.
#[derive(Debug)]
pub(super) enum Expected {
    /// A node of the manifest.
    Node(Blob),
    /// Parts of files, in order.
    Parts(Vec<Part>),
}

/// What became of something that was verified.
#[derive(Debug)]
pub(super) struct Written {
    /// What the transfer is to be told.
    pub(super) event: Event,
    /// Whether the disk took all of it.
    pub(super) outcome: Result<(), GetError>,
}

/// Where what arrives goes, for all sources of one transfer.
#[derive(Debug)]
pub(in crate::content) struct Arriving {
    files: Mutex<Files>,
    /// The nodes that came.
    pub(in crate::content) tree: Tree,
    pub(super) events: mpsc::UnboundedSender<Event>,
    pub(super) buffers: Buffers<Vec<u8>>,
    /// A permit for each [`ROOM_BYTES`] that may come before others are written.
    room: Arc<Semaphore>,
    /// How many wait for such permits.
    wanted: AtomicUsize,
    /// What is being written.
    pub(in crate::content) tasks: TaskTracker,
    /// Tells readers that something came.
    arrived: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Files {
    /// By where they begin on the line; those without bytes are not among them.
    placed: BTreeMap<u64, File>,
    /// Where those lie that are whole, the first first.
    whole: VecDeque<u64>,
    /// Where one of each content lies that others can be made of, of those that are worth it.
    firsts: BTreeMap<BlobHash, u64>,
    /// Those that are made of the first of their content when it is whole, by where that lies.
    repeats: BTreeMap<u64, Vec<u64>>,
    /// Whether they are let go.
    is_over: bool,
}

/// A file that arrives.
#[derive(Clone, Debug)]
pub(in crate::content) struct File {
    pub(in crate::content) incoming: Arc<Incoming>,
    pub(in crate::content) path: Arc<str>,
}

/// The groups of one file that something brings.
#[derive(Debug)]
pub(super) struct Part {
    position: u64,
    file: File,
    groups: Range<u64>,
    /// Where their encoding lies in what comes.
    encoded: Range<usize>,
}

impl Arriving {
    pub(super) fn new(events: mpsc::UnboundedSender<Event>) -> Self {
        Self {
            files: Mutex::default(),
            tree: Tree::default(),
            events,
            buffers: Buffers::default(),
            room: Arc::new(Semaphore::new(permits(UNWRITTEN_BYTES_MAX) as usize)),
            wanted: AtomicUsize::new(0),
            tasks: TaskTracker::new(),
            arrived: Arc::default(),
        }
    }

    /// This file begins here on the line.
    pub(in crate::content) fn place(&self, position: u64, file: File) {
        let mut files = self.lock();
        if files.is_over {
            return;
        }
        let is_whole = file.incoming.is_whole();
        let Blob { hash, size } = file.incoming.blob;
        if size >= REPEATED_BYTES_MIN {
            // One before it is whole, or wanted later.
            files.firsts.insert(hash, position);
        }
        files.placed.insert(position, file);
        if is_whole {
            files.forget_beyond([position]);
        }
        drop(files);
        self.arrived.notify_waiters();
    }

    /// The first file of this content, where one is worth looking for and was placed.
    pub(in crate::content) fn first(&self, blob: &Blob) -> Option<(u64, File)> {
        self.lock().first(blob)
    }

    /// This file begins here on the line, and is not asked for, because it is made of the first of its content when that is whole. False, and nothing is
    /// placed, where there is none that is on its way.
    pub(in crate::content) fn place_repeat(&self, position: u64, file: &File) -> bool {
        let mut files = self.lock();
        let first = files.first(&file.incoming.blob);
        let coming = first.filter(|(_, first)| !first.incoming.is_whole() && !files.is_over);
        let Some((first, _)) = coming else {
            return false;
        };
        files.repeats.entry(first).or_default().push(position);
        files.placed.insert(position, file.clone());
        drop(files);
        self.arrived.notify_waiters();
        true
    }

    /// The file that begins here, which is whole, and those that are to be made of it now; `None` where there are none.
    pub(in crate::content) fn take_repeats(&self, first: u64) -> Option<(File, Vec<(u64, File)>)> {
        let mut files = self.lock();
        let positions = files.repeats.remove(&first)?;
        Some((files.placed.get(&first)?.clone(), files.at(positions)))
    }

    /// Those that were to be made of others, and of which `is_needed` says, by the other and it, that they are not any more.
    pub(in crate::content) fn take_repeats_if(
        &self,
        is_needed: impl Fn(&File, &File) -> bool,
    ) -> Vec<(u64, File)> {
        let mut files = self.lock();
        let Files {
            placed, repeats, ..
        } = &mut *files;
        let mut taken = Vec::new();
        for (first, repeats) in repeats {
            repeats.retain(|repeat| match (placed.get(first), placed.get(repeat)) {
                (Some(of), Some(file)) if is_needed(of, file) => {
                    taken.push((*repeat, file.clone()));
                    false
                }
                _ => true,
            });
        }
        drop(files);
        // Whoever reads one of them finds it elsewhere now.
        self.arrived.notify_waiters();
        taken
    }

    /// How many files are to be made of others.
    pub(in crate::content) fn repeats(&self) -> u64 {
        self.lock().repeats.values().map(Vec::len).sum::<usize>() as u64
    }

    /// The file that begins here was made of another.
    pub(in crate::content) fn made(&self, position: u64) {
        self.lock().forget_beyond([position]);
        self.arrived.notify_waiters();
    }

    /// Where a file lies on the line, and it, by its path: the first of its content, where it is made of that. `None` while it is not known, and for one
    /// that was whole long ago.
    pub(in crate::content) fn find(&self, path: &str) -> Option<(u64, File)> {
        let files = self.lock();
        let mut placed = files.placed.iter();
        let (position, file) = placed.find(|(_, file)| *file.path == *path)?;
        let mut repeats = files.repeats.iter();
        let first = repeats.find(|(_, repeats)| repeats.contains(position));
        let first = first.and_then(|(first, _)| Some((first, files.placed.get(first)?)));
        let (position, file) = first.unwrap_or((position, file));
        Some((*position, file.clone()))
    }

    /// The files of which something is missing, and which are not made of others, and where they lie on the line.
    pub(in crate::content) fn unfinished(&self) -> Vec<(u64, File)> {
        let files = self.lock();
        let placed = files.placed.iter();
        let made: BTreeSet<u64> = files.repeats.values().flatten().copied().collect();
        let unfinished =
            placed.filter(|(position, file)| !file.incoming.is_whole() && !made.contains(position));
        unfinished
            .map(|(position, file)| (*position, file.clone()))
            .collect()
    }

    /// Ends when something comes after this was called.
    pub(in crate::content) fn arrived(&self) -> OwnedNotified {
        Arc::clone(&self.arrived).notified_owned()
    }

    /// What is due, by name: the file that it begins in.
    pub(super) fn named(&self, due: &Due) -> String {
        let What::Span(span) = due.what else {
            return DIRECTORY.to_owned();
        };
        let files = self.lock();
        let file = files.placed.range(..=span.start).next_back();
        file.map_or_else(String::new, |(_, file)| file.path.to_string())
    }

    /// Returns when nothing is being written any more.
    pub(in crate::content) async fn settle(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Holds its files no longer, nor any that is placed from now on. Readers know this for longer than it is written to, and the next run
    /// writes to the same files only when nobody holds them.
    pub(in crate::content) fn let_go(&self) {
        let mut files = self.lock();
        *files = Files {
            is_over: true,
            ..Files::default()
        };
    }

    /// Whether its files were let go.
    pub(super) fn is_over(&self) -> bool {
        let files = self.lock();
        files.is_over
    }

    /// What answers what is due, and its encoding's length in bytes; `None` when nothing that is known does.
    pub(super) fn expected(&self, due: &Due) -> Option<(Expected, u64)> {
        match due.what {
            What::Node(hash) if due.until <= NODE_BYTES_MAX as u64 => {
                let size = due.until;
                let blob = Blob { hash, size };
                Some((Expected::Node(blob), blob.encoded_bytes(&(0..size))))
            }
            What::Node(_) => None,
            What::Span(_) => {
                let parts = self.parts(due)?;
                let bytes = parts.last().map_or(0, |part| part.encoded.end as u64);
                Some((Expected::Parts(parts), bytes))
            }
        }
    }

    /// Waits until so many bytes may come; they may until the room is dropped, which whoever has written them does. What were more than all
    /// of it comes alone.
    pub(super) async fn room(&self, bytes: u64) -> OwnedSemaphorePermit {
        let permits = permits(bytes.min(UNWRITTEN_BYTES_MAX));
        let _wanted = Wanted::new(&self.wanted);
        let room = Arc::clone(&self.room).acquire_many_owned(permits);
        room.await.expect("it is never closed")
    }

    /// Whether somebody waits for room.
    pub(super) fn is_room_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) > 0
    }

    /// How many bytes may come now.
    #[cfg(test)]
    pub(in crate::content) fn room_left(&self) -> u64 {
        self.room.available_permits() as u64 * ROOM_BYTES
    }

    /// Writes what is verified. Blocks.
    pub(super) fn write(&self, sound: Sound, peer: Option<PeerId>) -> Written {
        let (parts, raw) = match sound {
            Sound::Parts(parts, raw) => (parts, raw),
            Sound::Node(hash, bytes) => {
                let put = self.tree.put(hash, bytes);
                return match put {
                    Ok(()) => Written {
                        event: Event::Node,
                        outcome: Ok(()),
                    },
                    Err(error) => Written {
                        event: NOTHING,
                        outcome: Err(GetError::staging(error, DIRECTORY)),
                    },
                };
            }
        };
        let (mut bytes, mut whole) = (0, Vec::new());
        let mut outcome = Ok(());
        for sound in parts {
            let (part, own) = (&sound.part, &raw.bytes[sound.part.encoded.clone()]);
            let File { incoming, path } = &part.file;
            match incoming.write_verified(&part.groups, own, &sound.verified) {
                Ok(brought) => {
                    bytes += brought.bytes;
                    if brought.is_last {
                        whole.push(part.position);
                    }
                }
                Err(error) => {
                    outcome = Err(GetError::staging(error, path));
                    break;
                }
            }
        }
        self.lock().forget_beyond(whole.iter().copied());
        self.arrived.notify_waiters();
        let event = Event::Bytes { peer, bytes, whole };
        Written { event, outcome }
    }

    fn lock(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the transfer what happened.
    pub(in crate::content) fn tell(&self, event: Event) {
        // The transfer may just have ended.
        let _ = self.events.send(event);
    }

    /// The parts that answer what is due, in order; `None` where a file of them is not known.
    fn parts(&self, due: &Due) -> Option<Vec<Part>> {
        let span = Span {
            start: due.from,
            end: due.until,
        };
        let files = self.lock();
        let (first, _) = files.placed.range(..=span.start).next_back()?;
        let mut reached = *first;
        let (mut parts, mut taken) = (Vec::new(), 0usize);
        for (position, file) in files.placed.range(*first..span.end) {
            if *position > reached {
                return None;
            }
            let size = file.incoming.blob.size;
            reached = position.saturating_add(size);
            let groups = groups_within(*position, size, span);
            if !groups.is_empty() {
                let bytes = file.incoming.blob.encoded_bytes(&groups);
                let encoded = taken..taken.checked_add(usize::try_from(bytes).ok()?)?;
                taken = encoded.end;
                parts.push(Part {
                    position: *position,
                    file: file.clone(),
                    groups,
                    encoded,
                });
            }
        }
        (reached >= span.end).then_some(parts)
    }
}

impl Expected {
    /// Verifies what came of it.
    ///
    /// # Errors
    /// [`Lie`] for any byte that does not verify, is missing or too many.
    pub(super) fn verify(self, raw: Buffer<Vec<u8>>) -> Result<Sound, Lie> {
        let parts = match self {
            Self::Node(blob) => {
                let decoded = blob.decode(&raw.bytes);
                let bytes = decoded.map_err(|_| Lie(DIRECTORY.to_owned()))?;
                return Ok(Sound::Node(blob.hash, bytes));
            }
            Self::Parts(parts) => parts,
        };
        let last = parts.last().map_or(0, |part| part.encoded.end);
        if raw.bytes.len() > last {
            let what = parts.last().map(|part| part.file.path.to_string());
            return Err(Lie(what.unwrap_or_default()));
        }
        let mut sound = Vec::with_capacity(parts.len());
        for part in parts {
            let (blob, own) = (part.file.incoming.blob, raw.bytes.get(part.encoded.clone()));
            let verified = own.and_then(|own| blob.verify(own, &part.groups).ok());
            let verified = verified.ok_or_else(|| Lie(part.file.path.to_string()))?;
            sound.push(SoundPart { part, verified });
        }
        Ok(Sound::Parts(sound, raw))
    }
}

/// Counts who waits.
struct Wanted<'a>(&'a AtomicUsize);

impl<'a> Wanted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Files {
    /// These are whole; the oldest of those that are go.
    fn forget_beyond(&mut self, whole: impl IntoIterator<Item = u64>) {
        self.whole.extend(whole);
        while self.whole.len() > WHOLE_FILES_MAX {
            let Some(position) = self.whole.pop_front() else {
                continue;
            };
            // Others are to be made of it.
            if self.repeats.contains_key(&position) {
                continue;
            }
            let Some(file) = self.placed.remove(&position) else {
                continue;
            };
            let hash = file.incoming.blob.hash;
            if self.firsts.get(&hash) == Some(&position) {
                self.firsts.remove(&hash);
            }
        }
    }

    /// The first file of this content.
    fn first(&self, blob: &Blob) -> Option<(u64, File)> {
        let position = *self.firsts.get(&blob.hash)?;
        let first = self.placed.get(&position)?;
        (first.incoming.blob == *blob).then(|| (position, first.clone()))
    }

    /// The files that begin at these places.
    fn at(&self, positions: impl IntoIterator<Item = u64>) -> Vec<(u64, File)> {
        let files = positions.into_iter().map(|position| {
            let file = self.placed.get(&position)?;
            Some((position, file.clone()))
        });
        files.flatten().collect()
    }
}

/// How many permits so many bytes take, at most [`UNWRITTEN_BYTES_MAX`].
fn permits(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(ROOM_BYTES)).expect("some thousands")
}

#[cfg(test)]
mod tests;
