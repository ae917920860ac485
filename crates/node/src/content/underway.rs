//! A snapshot that is being fetched, or some files of it, and is provided meanwhile: as far as it is here, to whoever may have the copy that it becomes.
//!
//! It is read where it grows and, from the moment it has its name, there, until the copy was examined (see
//! [`copies`](crate::content::copies)). Stamps cannot tell whether a growing file is what it was; so what was read is verified, as the one who gets it
//! will, and never sent where it is not right.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use kith_core::content::swarm::getter::TransferId;
use kith_core::content::swarm::ranges::Ranges;
use kith_core::content::swarm::{Holdings, Part, Tiling};
use kith_core::content::wire::GROUP_BYTES;
use kith_core::data::head::Head;
use kith_core::data::path;
use kith_core::ids::{BlobHash, ShareId};

use crate::content::swarm::Getting;
use crate::data::encoding::Encoding;
use crate::data::hash;
use crate::data::nodes::Nodes;
use crate::data::outboard::Outboards;
use crate::data::places::Places;
use crate::data::range::Blob;

/// Files that are kept open: those that a handful of askers are at.
const OPEN_FILES_MAX: usize = 16;

/// Files from this size on are kept open, and their inner nodes are not made anew for each part: smaller ones come in one part or a few.
const OPEN_FILE_BYTES_MIN: u64 = 1 << 20;

/// A snapshot on its way.
#[derive(Debug)]
pub struct Underway {
    /// What it is.
    pub(super) head: Head,
    /// The same, as its owner signed it.
    pub(super) signed: Vec<u8>,
    getting: Arc<Getting>,
    transfer: TransferId,
    nodes: Arc<Nodes>,
    places: Places,
    /// The path in the share below which all of it lies; what lies elsewhere is not fetched.
    below: String,
    /// Whether that are some files of the share only.
    is_part: bool,
    /// What is here, when no more will come.
    done: OnceLock<Part>,
    open: Mutex<VecDeque<Arc<Open>>>,
}

/// A file that is kept open.
#[derive(Debug)]
struct Open {
    path: String,
    file: File,
    inner: Inner,
}

/// The inner nodes of a file.
#[derive(Debug)]
enum Inner {
    /// They lie here.
    File(File),
    /// They were made just now; none for a file of one group.
    Made(Vec<u8>),
}

impl Underway {
    /// What the transfer of this number brings, of which the nodes are in `nodes` and the files at `places`, by their paths below `below`.
    pub(super) fn new(
        (head, signed): (Head, Vec<u8>),
        (getting, transfer): (Arc<Getting>, TransferId),
        nodes: Arc<Nodes>,
        (places, below): (Places, String),
        is_part: bool,
    ) -> Self {
        Self {
            head,
            signed,
            getting,
            transfer,
            nodes,
            places,
            below,
            is_part,
            done: OnceLock::new(),
            open: Mutex::default(),
        }
    }

    /// Which share, and which of its snapshots.
    pub(super) fn key(&self) -> (ShareId, BlobHash) {
        (self.head.share, self.head.manifest)
    }

    /// All that was wanted of it is here, whether its transfer is still known or not.
    pub(super) fn complete(&self) {
        let part = match self.is_part {
            true => self.getting.part(self.transfer),
            false => None,
        };
        let whole = || Part {
            chunks: Holdings::all(self.chunks()),
            edges: Ranges::default(),
        };
        self.done.get_or_init(|| part.unwrap_or_else(whole));
    }

    /// What is here, where no more will come.
    pub(super) fn done(&self) -> Option<&Part> {
        self.done.get()
    }

    /// The chunks that are here.
    pub(super) fn held(&self) -> Holdings {
        if let Some(part) = self.done() {
            return part.chunks.clone();
        }
        let whole = self.getting.whole(self.transfer);
        whole.unwrap_or_else(|| Holdings::none(self.chunks()))
    }

    fn chunks(&self) -> u32 {
        Tiling::new(self.head.totals.bytes).count()
    }

    /// A node of its manifest, if it has come.
    pub(super) fn node(&self, hash: &BlobHash) -> io::Result<Option<Vec<u8>>> {
        self.nodes.get(hash)
    }

    /// Encodes groups of a file, behind what `encoded` has. False where they are not here, or not right: of what was added then nothing is of
    /// use. Blocks.
    pub(super) fn read(
        &self,
        (path, blob): (&str, Blob),
        groups: &Range<u64>,
        outboards: &Outboards,
        encoded: &mut Encoding,
    ) -> io::Result<bool> {
        let Some(path) = path::below(path, &self.below) else {
            return Ok(false);
        };
        let open = match self.kept(path) {
            Some(open) => open,
            None => Arc::new(self.open(path, blob, outboards)?),
        };
        let before = encoded.len();
        match &open.inner {
            Inner::File(file) => blob.encode(&open.file, file, groups, encoded)?,
            Inner::Made(bytes) => blob.encode(&open.file, bytes.as_slice(), groups, encoded)?,
        }
        let is_right = blob.verify(&encoded.as_ref()[before..], groups).is_ok();
        if is_right && blob.size >= OPEN_FILE_BYTES_MIN {
            self.keep(open);
        }
        Ok(is_right)
    }

    fn open(&self, path: &str, blob: Blob, outboards: &Outboards) -> io::Result<Open> {
        let open = hash::open_in_place;
        // It may get its name at any moment.
        let file = open(&self.places.growing(path)).or_else(|_| open(&self.places.named(path)))?;
        let inner = match File::open(self.places.outboard(path)) {
            _ if blob.size <= GROUP_BYTES => Inner::Made(Vec::new()),
            Ok(outboard) => Inner::File(outboard),
            // It came at once, or has its name by now.
            Err(_) => made(&file, blob, outboards)?,
        };
        let path = path.to_owned();
        Ok(Open { path, file, inner })
    }

    fn kept(&self, path: &str) -> Option<Arc<Open>> {
        self.lock().iter().find(|open| open.path == *path).cloned()
    }

    fn keep(&self, file: Arc<Open>) {
        let mut open = self.lock();
        open.retain(|known| known.path != file.path);
        if open.len() >= OPEN_FILES_MAX {
            open.pop_front();
        }
        open.push_back(file);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Open>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The inner nodes of a file that is whole. Those of large ones are saved: they are needed when the copy is provided.
fn made(file: &File, blob: Blob, outboards: &Outboards) -> io::Result<Inner> {
    if blob.size < OPEN_FILE_BYTES_MIN {
        return Ok(Inner::Made(hash::hash_small(file, blob.size)?.1));
    }
    if let Ok(outboard) = outboards.load(&blob.hash, blob.size) {
        return Ok(Inner::File(outboard));
    }
    match outboards.hash_open(file, blob.size)? {
        (hash, Some(outboard)) if hash == blob.hash => Ok(Inner::File(outboard)),
        // It is not what it was.
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// By share and snapshot.
type BySnapshot = BTreeMap<(ShareId, BlobHash), Vec<Arc<Underway>>>;

/// All that are under way. As many as transfers at the most.
#[derive(Debug, Default)]
pub struct Underways(Mutex<BySnapshot>);

impl Underways {
    /// One begins. Others of the same may be under way to somewhere else, or of other files of it.
    pub(super) fn begin(&self, underway: &Arc<Underway>) {
        let mut all = self.lock();
        let same = all.entry(underway.key()).or_default();
        same.push(Arc::clone(underway));
    }

    /// It ends, if it was not ended before.
    pub(super) fn end(&self, underway: &Arc<Underway>) {
        let mut all = self.lock();
        if let Some(same) = all.get_mut(&underway.key()) {
            same.retain(|known| !Arc::ptr_eq(known, underway));
            if same.is_empty() {
                all.remove(&underway.key());
            }
        }
    }

    /// All of a share end.
    pub(super) fn end_share(&self, share: &ShareId) {
        self.lock().retain(|(of, _), _| of != share);
    }

    /// A snapshot of a share; the newest where none is named.
    pub(super) fn find(&self, share: &ShareId, root: Option<&BlobHash>) -> Option<Arc<Underway>> {
        let all = self.lock();
        let found = match root {
            Some(root) => all.get(&(*share, *root)).and_then(|same| same.first()),
            None => {
                let of_share = all.iter().filter(|((of, _), _)| of == share);
                let of_share = of_share.flat_map(|(_, same)| same);
                of_share.max_by_key(|it| (it.head.epoch, it.head.sequence))
            }
        };
        found.cloned()
    }

    /// All that brings something of a snapshot.
    pub(super) fn of(&self, snapshot: &(ShareId, BlobHash)) -> Vec<Arc<Underway>> {
        self.lock().get(snapshot).cloned().unwrap_or_default()
    }

    /// Adds the chunks of a snapshot that have come, to those that are here.
    pub(super) fn add_held(&self, snapshot: &(ShareId, BlobHash), held: &mut Holdings) {
        for underway in self.of(snapshot) {
            for chunk in underway.held().iter() {
                held.insert(chunk);
            }
        }
    }

    /// The shares of which something is under way.
    pub(super) fn shares(&self) -> Vec<ShareId> {
        self.lock().keys().map(|(share, _)| *share).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BySnapshot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
