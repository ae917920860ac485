//! Files that are read while they arrive.
//!
//! Whoever plays a film does not wait for its end: what is read next is asked for before everything else, and a seek asks anew.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bao_tree::io::sync::ReadAt as _;
use kith_core::content::swarm::getter::{ReaderId, TransferId};
use kith_core::content::swarm::span::Span;
use kith_core::data::path;
use thiserror::Error;
use tokio::sync::watch;

use crate::content::swarm::Getting;
use crate::content::swarm::arriving::{self, Arriving};

/// The most bytes that one read gives: a few milliseconds of the fastest line, and a small piece of memory.
pub const READ_BYTES_MAX: u64 = 1 << 20;

/// How far ahead of a reader everything else waits, in bytes: some ten seconds of the richest film, and as much as one device is
/// asked for at once.
const WINDOW_BYTES: u64 = 16 << 20;

/// How far a reader gets in its window before that moves on with it: each move has the getter think anew.
const STEP_BYTES: u64 = WINDOW_BYTES / 4;

/// Why a file could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There is no such file in what is fetched.
    #[error("there is no such file in what is fetched")]
    NotFound,
    /// The transfer ended before these bytes were here.
    #[error("the transfer ended before this part of the file was here")]
    Ended,
    /// The disk's fault.
    #[error("cannot read what has arrived: {0}")]
    Disk(#[from] io::Error),
}

/// Where the files of a transfer are read. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Readers(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    stage: watch::Sender<Stage>,
    /// The number of the next reader.
    next: AtomicU64,
}

/// How far a transfer is.
#[derive(Clone, Debug, Default)]
enum Stage {
    /// Nothing arrives now.
    #[default]
    Waiting,
    /// Its files arrive.
    Arriving(Arc<Coming>),
    /// All is here, at this place; the name is that of what is fetched, where that is one file.
    Whole(PathBuf, Option<String>),
    /// It has ended otherwise.
    Over,
}

/// What arrives.
#[derive(Debug)]
struct Coming {
    getting: Arc<Getting>,
    transfer: TransferId,
    arriving: Arc<Arriving>,
    /// What is fetched, where that is one file.
    file: Option<String>,
}

/// A file that is read while it arrives.
#[derive(Debug)]
pub struct FileReader {
    readers: Readers,
    id: ReaderId,
    path: String,
    /// Where its window begins, and on what.
    window: Option<(Arc<Coming>, u64)>,
}

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

    /// What is fetched arrives; `file` names it where it is a single one.
    pub(super) fn arrives(
        &self,
        (getting, transfer): (Arc<Getting>, TransferId),
        arriving: Arc<Arriving>,
        file: Option<String>,
    ) {
        self.0.stage.send_replace(Stage::Arriving(Arc::new(Coming {
            getting,
            transfer,
            arriving,
            file,
        })));
    }

    /// Nothing arrives for a while.
    pub(crate) fn waits(&self) {
        self.0.stage.send_replace(Stage::Waiting);
    }

    /// All is there; `file` names it where it is a single one.
    pub(super) fn is_whole(&self, target: &Path, file: Option<String>) {
        let whole = Stage::Whole(target.to_owned(), file);
        self.0.stage.send_replace(whole);
    }

    /// The transfer is over: who waits for something that has not come waits no longer.
    pub(crate) fn end(&self) {
        self.0.stage.send_if_modified(|stage| match stage {
            Stage::Whole(..) | Stage::Over => false,
            Stage::Waiting | Stage::Arriving(_) => {
                *stage = Stage::Over;
                true
            }
        });
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
            window: None,
        })
    }
}

impl FileReader {
    /// How many bytes it has. Waits until that is known.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn size(&mut self) -> Result<u64, ReadError> {
        let mut stage = self.readers.0.stage.subscribe();
        loop {
            let now = stage.borrow_and_update().clone();
            match now {
                Stage::Whole(target, file) => {
                    let metadata = tokio::fs::metadata(at(&target, file, &self.path)).await;
                    return Ok(metadata.map_err(missing)?.len());
                }
                Stage::Over => return Err(ReadError::Ended),
                Stage::Waiting => wait(&mut stage).await,
                Stage::Arriving(coming) => {
                    let arrived = coming.arriving.arrived();
                    if let Some((_, file)) = coming.find(&self.path) {
                        return Ok(file.incoming.blob.size);
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
                Stage::Whole(target, file) => {
                    let file = at(&target, file, &self.path);
                    return read(file, from, READ_BYTES_MAX).await.map_err(missing);
                }
                Stage::Over => return Err(ReadError::Ended),
                Stage::Waiting => wait(&mut stage).await,
                Stage::Arriving(coming) => {
                    let arrived = coming.arriving.arrived();
                    match self.look(&coming, from) {
                        Here::End => return Ok(Vec::new()),
                        Here::Bytes { file, count } => match read(file, from, count).await {
                            // It has just got its final name, which is told next.
                            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                                wait(&mut stage).await;
                            }
                            read => return Ok(read?),
                        },
                        Here::Missing => tokio::select! {
                            () = arrived => {}
                            () = wait(&mut stage) => {}
                        },
                    }
                }
            }
        }
    }

    /// Looks what is here, and has what follows asked for next.
    fn look(&mut self, coming: &Arc<Coming>, from: u64) -> Here {
        let Some((position, file)) = coming.find(&self.path) else {
            return Here::Missing;
        };
        let size = file.incoming.blob.size;
        if from >= size {
            return Here::End;
        }
        self.move_window(coming, position, from, size);
        match file.incoming.held_from(from) {
            0 => Here::Missing,
            held => Here::Bytes {
                file: file.incoming.path().to_owned(),
                count: held.min(READ_BYTES_MAX),
            },
        }
    }

    fn move_window(&mut self, coming: &Arc<Coming>, position: u64, from: u64, size: u64) {
        let is_near = self.window.as_ref().is_some_and(|(known, start)| {
            Arc::ptr_eq(known, coming) && (*start..start.saturating_add(STEP_BYTES)).contains(&from)
        });
        if is_near {
            return;
        }
        let end = from.saturating_add(WINDOW_BYTES).min(size);
        let span = Span {
            start: position.saturating_add(from),
            end: position.saturating_add(end),
        };
        coming.show(self.id, Some(span));
        self.window = Some((Arc::clone(coming), from));
    }
}

impl Drop for FileReader {
    fn drop(&mut self) {
        if let Some((coming, _)) = self.window.take() {
            coming.show(self.id, None);
        }
    }
}

impl Coming {
    fn find(&self, path: &str) -> Option<(u64, arriving::File)> {
        match &self.file {
            Some(file) => (path.is_empty() || path == file)
                .then(|| self.arriving.find(file))
                .flatten(),
            None => self.arriving.find(path),
        }
    }

    fn show(&self, reader: ReaderId, window: Option<Span>) {
        let transfer = self.transfer;
        self.getting
            .tell(|getter, now| getter.handle_window(now, transfer, reader, window));
    }
}

/// Waits until the transfer is at another stage. Whoever reads shares the sender, so that it is never gone.
async fn wait(stage: &mut watch::Receiver<Stage>) {
    if stage.changed().await.is_err() {
        std::future::pending().await
    }
}

fn at(target: &Path, file: Option<String>, path: &str) -> PathBuf {
    match path {
        "" => target.to_owned(),
        path if file.is_some_and(|file| file == path) => target.to_owned(),
        path => target.join(path),
    }
}

fn missing(error: io::Error) -> ReadError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::NotFound,
        _ => ReadError::Disk(error),
    }
}

/// Reads some bytes of a file, fewer at its end.
async fn read(path: PathBuf, from: u64, count: u64) -> io::Result<Vec<u8>> {
    let read = tokio::task::spawn_blocking(move || {
        let file = File::open(path)?;
        let count = count.min(file.metadata()?.len().saturating_sub(from));
        let mut bytes = vec![0; usize::try_from(count).unwrap_or(usize::MAX)];
        file.read_exact_at(from, &mut bytes)?;
        Ok(bytes)
    });
    read.await.map_err(io::Error::other)?
}
