//! Files that are read: while they arrive, afterwards, and where they lie.
//!
//! Whoever plays a film does not wait for its end: what is read next is asked for before everything else, and a seek asks anew. Of a file
//! that is put off nothing else is asked for.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bao_tree::io::sync::ReadAt as _;
use kith_core::content::swarm::getter::ReaderId;
use kith_core::data::path;
use kith_core::ids::{BlobHash, ShareId};
use thiserror::Error;
use tokio::sync::watch;

use crate::content::coming::{Coming, groups};
use crate::content::lying::Lying;
use crate::data::hash::{self, Stamp};

/// The most bytes that one read gives: a few milliseconds of the fastest line, and a small piece of memory.
pub const READ_BYTES_MAX: u64 = 1 << 20;

/// How far ahead of a reader everything else waits, in bytes: some ten seconds of the richest film, and as much as one device is
/// asked for at once.
const WINDOW_BYTES: u64 = 16 << 20;

/// How far a reader gets in its window before that moves on with it: each move has the getter think anew.
const STEP_BYTES: u64 = WINDOW_BYTES / 4;

/// Of how many files that are asked for while they arrive it is remembered what they hold: more than one player plays.
const ARRIVED_MAX: usize = 64;

/// Why a file could not be read.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There is no such file, or it is not for us.
    #[error("there is no such file, or it is not for you")]
    NotFound,
    /// It was for us, and is not any more.
    #[error("{0}")]
    NotAllowed(String),
    /// Nobody who has it is there.
    #[error("{0}")]
    Away(String),
    /// It is not any more what it was when it was shared.
    #[error(
        "the file has changed since it was shared; it is looked at anew, try again in a moment"
    )]
    Changed,
    /// What came is not what was promised.
    #[error("{0}")]
    NotVerified(String),
    /// The transfer ended, or rests, before these bytes were here.
    #[error("the transfer ended before this part of the file was here")]
    Ended,
    /// It could not be fetched, for another reason.
    #[error("{0}")]
    Failed(String),
    /// The disk's fault.
    #[error("cannot read what has arrived: {0}")]
    Disk(Arc<io::Error>),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Disk(Arc::new(error))
    }
}

/// Where the files of a transfer are read. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Readers(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    stage: watch::Sender<Stage>,
    share: Mutex<Option<ShareId>>,
    /// What files hold that were asked for while they arrived, by path, and their stamps since all is there.
    arrived: Mutex<BTreeMap<String, (BlobHash, Option<Stamp>)>>,
    /// The number of the next reader.
    next: AtomicU64,
    /// Whether the end of one transfer is not the end: another follows.
    is_lasting: bool,
}

/// How far a transfer is.
#[derive(Clone, Debug, Default)]
enum Stage {
    /// Nothing arrives now.
    #[default]
    Waiting,
    /// Its files arrive.
    Arriving(Arc<Coming>),
    /// All is here, at this place.
    Whole(PathBuf),
    /// The one file was here all along.
    Lying(Lying),
    /// It has ended otherwise.
    Over(ReadError),
}

/// A file that is read.
#[derive(Debug)]
pub struct FileReader {
    readers: Readers,
    id: ReaderId,
    path: String,
    /// Nothing behind this place is read, in bytes of the file.
    until: u64,
    /// Where its window begins, and on what.
    window: Option<(Arc<Coming>, u64, Arc<str>)>,
    /// What fetches it lives at least as long as this.
    _hold: Option<Hold>,
}

/// Which of its versions a file is that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileVersion {
    /// How many bytes it has.
    pub size: u64,
    /// Letters, digits and `-`: of another content another.
    pub tag: String,
}

impl FileVersion {
    /// By the hash of its content.
    fn of_content(hash: &BlobHash, size: u64) -> Self {
        let tag = hash.to_string();
        Self { size, tag }
    }

    /// By its stamp, as whenever it is asked whether a file is what it was: hashing what was fetched for each range costs too much.
    fn of_stamp(stamp: Stamp) -> Self {
        Self {
            size: stamp.size,
            tag: format!("{}-{:x}-{:x}", stamp.size, stamp.mtime_ns, stamp.ctime_ns),
        }
    }
}

/// Something that is kept for as long as a file is read.
pub(crate) type Hold = Box<dyn Any + Send + Sync>;

/// What there is to read.
enum Here {
    /// Bytes of this file, at this place in it.
    Bytes { file: PathBuf, count: u64 },
    /// Nothing behind the end.
    End,
    /// Not yet.
    Missing,
}

impl Readers {
    /// Of what does not arrive.
    pub(crate) fn ended() -> Self {
        let ended = Self::default();
        ended.end();
        ended
    }

    /// Of what was fetched to this place.
    pub(crate) fn of_target(target: &Path) -> Self {
        let whole = Self::default();
        whole.is_whole(target);
        whole
    }

    /// Of a file that lies here.
    pub(crate) fn of_lying(lying: Lying) -> Self {
        let readers = Self::default();
        readers.0.stage.send_replace(Stage::Lying(lying));
        readers
    }

    /// Of what is fetched by one transfer after the other, until it is [`Readers::fail`].
    pub(crate) fn lasting() -> Self {
        Self(Arc::new(Shared {
            is_lasting: true,
            ..Shared::default()
        }))
    }

    /// What is fetched of this share arrives.
    pub(super) fn arrives(&self, share: ShareId, coming: Coming) {
        *self.0.share.lock().unwrap_or_else(PoisonError::into_inner) = Some(share);
        self.arrived().clear();
        let arriving = Stage::Arriving(Arc::new(coming));
        self.0.stage.send_replace(arriving);
    }

    /// The share that it is of; `None` until something arrives.
    pub(crate) fn share(&self) -> Option<ShareId> {
        *self.0.share.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How soon its files are wanted is told anew: what is read stays wanted.
    pub(super) fn levels_changed(&self) {
        if let Stage::Arriving(coming) = &*self.0.stage.borrow() {
            coming.levels_changed();
        }
    }

    /// Nothing arrives for a while.
    pub(crate) fn waits(&self) {
        let before = self.0.stage.send_replace(Stage::Waiting);
        before.let_go();
    }

    /// All that arrived is there, verified, and just as it came.
    pub(super) fn has_arrived(&self, target: &Path) {
        let mut arrived = self.arrived();
        for (path, (_, stamp)) in &mut *arrived {
            let metadata = std::fs::symlink_metadata(at(target, path));
            *stamp = metadata.ok().map(|metadata| Stamp::of(&metadata));
        }
        drop(arrived);
        let whole = Stage::Whole(target.to_owned());
        self.0.stage.send_replace(whole);
    }

    fn arrived(&self) -> MutexGuard<'_, BTreeMap<String, (BlobHash, Option<Stamp>)>> {
        let arrived = self.0.arrived.lock();
        arrived.unwrap_or_else(PoisonError::into_inner)
    }

    /// All is there, whatever it is.
    pub(crate) fn is_whole(&self, target: &Path) {
        self.arrived().clear();
        self.0.stage.send_replace(Stage::Whole(target.to_owned()));
    }

    /// The transfer is over: who waits for something that has not come waits no longer, unless another transfer follows.
    pub(crate) fn end(&self) {
        match self.0.is_lasting {
            true => self.leave(Stage::Waiting),
            false => self.leave(Stage::Over(ReadError::Ended)),
        }
    }

    /// It is over, and whoever waits is told why.
    pub(crate) fn fail(&self, why: ReadError) {
        self.leave(Stage::Over(why));
    }

    /// Comes to another stage, unless it has come to an end.
    fn leave(&self, to: Stage) {
        self.0.stage.send_if_modified(|stage| match stage {
            Stage::Whole(_) | Stage::Lying(_) | Stage::Over(_) => false,
            Stage::Waiting | Stage::Arriving(_) => {
                std::mem::replace(stage, to).let_go();
                true
            }
        });
    }

    /// Ends when nothing of what arrives now is being written any more. It is waited for once that has been given up.
    pub(crate) fn settled(&self) -> impl Future<Output = ()> + use<> {
        let arriving = match &*self.0.stage.borrow() {
            Stage::Arriving(coming) => Some(Arc::clone(&coming.arriving)),
            _ => None,
        };
        async move {
            if let Some(arriving) = arriving {
                arriving.settle().await;
            }
        }
    }

    /// A file, by its path below what is fetched, written with `/`; empty, or its name, for what is fetched, where that is one file. It
    /// need not be known yet.
    ///
    /// # Errors
    /// [`ReadError::NotFound`] for a path that can be none.
    pub fn open(&self, path: &str) -> Result<FileReader, ReadError> {
        let names = path::split(path).map_err(|_| ReadError::NotFound)?;
        Ok(FileReader {
            readers: self.clone(),
            id: ReaderId(self.0.next.fetch_add(1, Ordering::Relaxed)),
            path: names.join("/"),
            until: u64::MAX,
            window: None,
            _hold: None,
        })
    }
}

impl Stage {
    /// What arrived is not held any more, though some who read it may not know yet that this is over.
    fn let_go(self) {
        if let Self::Arriving(coming) = self {
            coming.arriving.let_go();
        }
    }
}

impl FileReader {
    /// The same, and something that lives as long as it.
    pub(crate) fn holding(mut self, hold: Hold) -> Self {
        self._hold = Some(hold);
        self
    }

    /// Nothing from this place on, in bytes of the file, is read; and nothing of it is asked for on this reader's behalf.
    #[must_use]
    pub fn until(mut self, end: u64) -> Self {
        self.until = end;
        self
    }

    /// How many bytes it has. Waits until that is known.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn size(&mut self) -> Result<u64, ReadError> {
        Ok(self.version().await?.size)
    }

    /// Which version it is. Waits until that is known.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn version(&mut self) -> Result<FileVersion, ReadError> {
        let mut stage = self.readers.0.stage.subscribe();
        loop {
            let now = stage.borrow_and_update().clone();
            match now {
                Stage::Whole(target) => {
                    let path = self.path.clone();
                    let arrived = self.readers.arrived().get(&path).copied();
                    return blocking(move || {
                        let file = hash::open_in_place(&at(&target, &path));
                        let metadata = file.and_then(|file| file.metadata());
                        let stamp = Stamp::of(&metadata.map_err(missing)?);
                        Ok(match arrived {
                            Some((hash, Some(then))) if then == stamp => {
                                FileVersion::of_content(&hash, stamp.size)
                            }
                            _ => FileVersion::of_stamp(stamp),
                        })
                    })
                    .await;
                }
                Stage::Lying(lying) => {
                    return Ok(FileVersion::of_content(&lying.hash, lying.size));
                }
                Stage::Over(why) => return Err(why),
                Stage::Waiting => wait(&mut stage).await,
                Stage::Arriving(coming) if !coming.may_have(&self.path) => {
                    return Err(ReadError::NotFound);
                }
                Stage::Arriving(coming) => {
                    let arrived = coming.arriving.arrived();
                    if let Some((_, file)) = coming.find(&self.path) {
                        let blob = &file.incoming.blob;
                        let mut arrived = self.readers.arrived();
                        if arrived.len() < ARRIVED_MAX {
                            arrived.insert(self.path.clone(), (blob.hash, None));
                        }
                        return Ok(FileVersion::of_content(&blob.hash, blob.size));
                    }
                    tokio::select! {
                        () = arrived => {}
                        () = wait(&mut stage) => {}
                    }
                }
            }
        }
    }

    /// The bytes from `from` on that are here: at least one and at most [`READ_BYTES_MAX`], or none behind the end. Waits for the first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn read(&mut self, from: u64) -> Result<Vec<u8>, ReadError> {
        let mut stage = self.readers.0.stage.subscribe();
        loop {
            let now = stage.borrow_and_update().clone();
            match now {
                Stage::Whole(target) => {
                    let path = self.path.clone();
                    let count = self.count(from);
                    return blocking(move || {
                        read(&at(&target, &path), from, count).map_err(missing)
                    })
                    .await;
                }
                Stage::Lying(lying) => {
                    let count = self.count(from);
                    return blocking(move || lying.read(from, count).ok_or(ReadError::Changed))
                        .await;
                }
                Stage::Over(why) => return Err(why),
                Stage::Waiting => wait(&mut stage).await,
                Stage::Arriving(coming) if !coming.may_have(&self.path) => {
                    return Err(ReadError::NotFound);
                }
                Stage::Arriving(coming) => {
                    let arrived = coming.arriving.arrived();
                    match self.look(&coming, from) {
                        Here::End => return Ok(Vec::new()),
                        Here::Bytes { file, count } => {
                            let read = move || read(&file, from, count).map_err(missing);
                            match blocking(read).await {
                                // It has just got its final name, which is told next.
                                Err(ReadError::NotFound) => wait(&mut stage).await,
                                read => return read,
                            }
                        }
                        Here::Missing => tokio::select! {
                            () = arrived => {}
                            () = wait(&mut stage) => {}
                        },
                    }
                }
            }
        }
    }

    /// How many bytes one read gives from there on.
    fn count(&self, from: u64) -> u64 {
        READ_BYTES_MAX.min(self.until.saturating_sub(from))
    }

    /// Looks what is here, and has what follows asked for next.
    fn look(&mut self, coming: &Arc<Coming>, from: u64) -> Here {
        let Some((position, file)) = coming.find(&self.path) else {
            return Here::Missing;
        };
        let size = file.incoming.blob.size;
        if from >= size.min(self.until) {
            return Here::End;
        }
        let path = coming.read_as(&self.path, &file);
        self.move_window((coming, path), position, from, size);
        match file.incoming.held_from(from) {
            0 => Here::Missing,
            held => Here::Bytes {
                file: file.incoming.path().to_owned(),
                count: held.min(self.count(from)),
            },
        }
    }

    fn move_window(
        &mut self,
        (coming, path): (&Arc<Coming>, Arc<str>),
        position: u64,
        from: u64,
        size: u64,
    ) {
        let is_near = self.window.as_ref().is_some_and(|(known, start, of)| {
            Arc::ptr_eq(known, coming)
                && *of == path
                && (*start..start.saturating_add(STEP_BYTES)).contains(&from)
        });
        if is_near {
            return;
        }
        let end = from.saturating_add(WINDOW_BYTES).min(self.until);
        let span = groups(position, from..end, size);
        coming.show(self.id, &path, Some(span));
        self.window = Some((Arc::clone(coming), from, path));
    }
}

impl Drop for FileReader {
    fn drop(&mut self) {
        if let Some((coming, _, path)) = self.window.take() {
            coming.show(self.id, &path, None);
        }
    }
}

/// Waits until the transfer is at another stage. Whoever reads shares the sender, so that it is never gone.
async fn wait(stage: &mut watch::Receiver<Stage>) {
    if stage.changed().await.is_err() {
        std::future::pending().await
    }
}

/// Where a file lies in what was fetched; `path` is empty, or its name, where that is one file.
fn at(target: &Path, path: &str) -> PathBuf {
    let is_its_name = || target.file_name().is_some_and(|name| name == path);
    match path {
        "" => target.to_owned(),
        _ if is_its_name() && target.is_file() => target.to_owned(),
        path => target.join(path),
    }
}

fn missing(error: io::Error) -> ReadError {
    match error.kind() {
        io::ErrorKind::NotFound
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::IsADirectory
        // No regular file.
        | io::ErrorKind::InvalidInput => ReadError::NotFound,
        _ => error.into(),
    }
}

/// Reads some bytes of a file, fewer at its end. Blocks.
fn read(path: &Path, from: u64, count: u64) -> io::Result<Vec<u8>> {
    let file = hash::open_in_place(path)?;
    let count = count.min(file.metadata()?.len().saturating_sub(from));
    let mut bytes = vec![0; usize::try_from(count).unwrap_or(usize::MAX)];
    file.read_exact_at(from, &mut bytes)?;
    Ok(bytes)
}

/// Does what waits for the disk away from the runtime's workers.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, ReadError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(io::Error::other)?
}
