//! What a transfer does on the disk before anything comes: where it goes, and what of some items is made, is held, and is wanted so or so soon.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kith_core::content::swarm::getter::Priority;
use kith_core::content::swarm::span::Span;
use kith_core::data::manifest;
use kith_core::data::walk::Item;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use crate::content::compare;
use crate::content::error::GetError;
use crate::content::filter::Filter;
use crate::content::priorities::{Level, Levels};
use crate::content::request::{AlreadyHere, Get};
use crate::content::select::Selected;
use crate::content::swarm::arriving::{Arriving, File};
use crate::content::updating::{self, Judged, Update};
use crate::data::disk::{self, Occupied, StagingError};
use crate::data::hash::Stamp;
use crate::data::incoming::{Brought, Incoming};
use crate::data::local::{self, Candidate};
use crate::data::range::Blob;
use crate::data::staging::{Download, Staging};

/// Where what arrives goes.
#[derive(Clone)]
pub(super) enum Place {
    /// Into a staging folder.
    Staging(Arc<Staging>),
    /// Into a staging folder, and from there to what is in the target, which is a folder already.
    Adding(Arc<Staging>, PathBuf),
    /// Nowhere: the target exists, and is compared.
    Target(PathBuf),
}

/// What became of some items on the disk.
#[derive(Default)]
pub(super) struct Prepared {
    /// What is here, on the line.
    pub(super) held: Vec<Span>,
    /// What is not, and how soon it is wanted.
    pub(super) wanted: Vec<(Span, Priority)>,
    /// Bytes that are here,
    pub(super) bytes: u64,
    /// and those among them that were before, and so are durable; of the others it is told when they are.
    pub(super) durable: u64,
    /// Files that are whole,
    pub(super) files: u64,
    /// and those that are not;
    pub(super) unfinished: u64,
    /// of these, those that are put off.
    pub(super) put_off: u64,
    /// Links that lead out of what is fetched, or lie among files that are chosen.
    pub(super) links_left_out: u64,
}

/// What becomes of which items.
pub(super) struct Sorting {
    /// Which files are wanted at all,
    pub(super) only: Option<Filter>,
    /// and how soon.
    pub(super) levels: Levels,
    /// How many more files may be put off.
    pub(super) put_off_max: u64,
    /// What need not be fetched.
    pub(super) here: Option<AlreadyHere>,
    /// How what lies there is brought up to date, and the path in the share of what is fetched.
    pub(super) update: Option<(Update, String)>,
}

impl Place {
    /// By what is under the target's name.
    ///
    /// # Errors
    /// [`GetError::TargetExists`] for something else; else what the disk says.
    pub(super) async fn find(
        tasks: &TaskTracker,
        get: &Get,
        selected: &Selected,
        target: &Path,
    ) -> Result<Self, GetError> {
        let (at, hash) = (target.to_owned(), selected.hash());
        let filter = get.only.as_ref().map(|only| only.name.clone());
        let is_directory = matches!(selected, Selected::Directory { .. });
        let files = selected.totals().files;
        let (staged, share, is_updated) = (get.staged.clone(), get.share, get.update.is_some());
        blocking(tasks, target, move || {
            let open = || {
                let download = Download {
                    share: &share,
                    tree: &hash,
                    filter: filter.as_deref().unwrap_or_default(),
                };
                let staging = Staging::open(&at, download)?;
                staged.tell(staging.folder().to_owned());
                Ok::<_, StagingError>(Arc::new(staging))
            };
            let same_kind = match disk::occupied(&at)? {
                Occupied::Free => {
                    let staging = open()?;
                    if filter.is_none() {
                        staging.ask_files(files)?;
                    }
                    return Ok(Self::Staging(staging));
                }
                // One that is the root of a file system of its own takes nothing that was staged beside it.
                Occupied::Folder
                    if is_directory
                        && (filter.is_some() || is_updated)
                        && disk::is_one_device(disk::parent(&at), &std::fs::metadata(&at)?)? =>
                {
                    return Ok(Self::Adding(open()?, at));
                }
                Occupied::File if !is_directory && is_updated => {
                    return Ok(Self::Adding(open()?, disk::parent(&at).to_owned()));
                }
                Occupied::Folder => is_directory,
                Occupied::File => !is_directory,
                Occupied::Other => false,
            };
            if same_kind {
                Ok(Self::Target(at))
            } else {
                Err(StagingError::TargetExists(at))
            }
        })
        .await
    }

    /// The staging folder, where there is one.
    pub(super) fn staging(&self) -> Option<&Arc<Staging>> {
        match self {
            Self::Staging(staging) | Self::Adding(staging, _) => Some(staging),
            Self::Target(_) => None,
        }
    }

    /// Makes directories and files of some items, or compares them. Blocks.
    ///
    /// # Errors
    /// What the disk says; [`GetError::TargetExists`] where the target, or a file in it, is not what is fetched.
    pub(super) fn prepare(
        &self,
        arriving: &Arriving,
        items: Vec<Item>,
        sorting: &Sorting,
    ) -> Result<Prepared, GetError> {
        match self {
            Self::Staging(staging) => prepare_all(staging, None, arriving, items, sorting),
            Self::Adding(staging, target) => {
                prepare_all(staging, Some(target), arriving, items, sorting)
            }
            Self::Target(target) => compare_all(target, &items),
        }
    }
}

/// `target` is the folder that the files are added to, where it is there already.
fn prepare_all(
    staging: &Staging,
    target: Option<&Path>,
    arriving: &Arriving,
    items: Vec<Item>,
    sorting: &Sorting,
) -> Result<Prepared, GetError> {
    let mut prepared = Prepared::default();
    let only = sorting.only.as_ref();
    let here = sorting.here.as_ref();
    let here = here.map_or_else(BTreeMap::new, |here| here(&blobs(&items)));
    for item in items {
        match item {
            Item::Directory { path } if only.is_none() => {
                if let (Some(target), Some((update, below))) = (target, &sorting.update)
                    && !update
                        .may_have_directory(target, (below, &path))
                        .map_err(|error| GetError::staging(error.into(), &path))?
                {
                    continue;
                }
                // Those above it may have been deleted where it is brought up to date.
                let above = match sorting.update {
                    Some(_) => staging.parents(&path),
                    None => Ok(()),
                };
                above
                    .and_then(|()| staging.directory(&path))
                    .map_err(|error| GetError::staging(error, &path))?;
            }
            Item::File {
                path,
                file,
                position,
            } if only.is_none_or(|only| (only.wants)(&path)) => {
                let is_to_come = prepared
                    .judge(staging, target, (path.as_str(), &file), sorting)
                    .map_err(|error| GetError::staging(error.into(), &path))?;
                if !is_to_come {
                    continue;
                }
                let mut candidates = here.get(&file.hash).cloned().unwrap_or_default();
                candidates.extend(twin(arriving, &file));
                let incoming = prepare_file(
                    staging,
                    target,
                    (path.as_str(), &file),
                    &candidates,
                    sorting,
                )
                .map_err(|error| GetError::staging(error, &path))?;
                if file.size == 0 {
                    prepared.files += 1;
                    continue;
                }
                let file = File {
                    incoming: Arc::new(incoming),
                    path: path.into(),
                };
                if !prepared.place_repeat(position, &file, (arriving, sorting)) {
                    prepared.place(position, &file, sorting);
                    arriving.place(position, file);
                }
            }
            Item::Symlink { path, target: to } if only.is_none() => {
                let kept = keep_link(staging, target, (&path, &to), sorting);
                kept.map_err(|error| GetError::staging(error, &path))?;
            }
            // Of what is chosen no links are made: what they lead to need not be chosen, too.
            Item::Symlink { path, .. } | Item::Outside { path } => {
                let is_wanted = only.is_none_or(|only| (only.wants)(&path));
                prepared.links_left_out += u64::from(is_wanted);
            }
            Item::Directory { .. } | Item::File { .. } => {}
        }
    }
    Ok(prepared)
}

/// Keeps a link until all else is there, and the folders that it lies in; not where what lies there stays.
fn keep_link(
    staging: &Staging,
    target: Option<&Path>,
    (path, to): (&str, &str),
    sorting: &Sorting,
) -> Result<(), StagingError> {
    if let (Some(target), Some((update, below))) = (target, &sorting.update) {
        if !update.wants_link(target, (below, path), to)? {
            return Ok(());
        }
        // Those above it may have been deleted.
        staging.parents(path)?;
    }
    staging.symlink(path, to)
}

/// Where the same content has come already in this transfer.
fn twin(arriving: &Arriving, file: &manifest::File) -> Option<Candidate> {
    let blob = Blob {
        hash: file.hash,
        size: file.size,
    };
    let (_, first) = arriving.first(&blob)?;
    candidate(&first).filter(|_| first.incoming.is_whole())
}

/// A file that is whole, for others to be made of.
fn candidate(file: &File) -> Option<Candidate> {
    let path = file.incoming.path().to_owned();
    let metadata = std::fs::metadata(&path).ok()?;
    Some((path, Stamp::of(&metadata)))
}

/// Makes a file of one that is whole: what that brought; `None` where it could not be made of it, or something of it has come. Blocks.
///
/// # Errors
/// What the disk says of the new file.
pub(super) fn make_repeat(first: &File, repeat: &File) -> Result<Option<Brought>, StagingError> {
    if repeat.incoming.is_begun() {
        return Ok(None);
    }
    // Who writes a part of it that came twice touches it once more.
    let candidate = candidate(first);
    let brought = local::bring(&repeat.incoming, candidate.as_slice())?;
    if brought.is_none() && repeat.incoming.is_begun() {
        // Something of it came meanwhile, and went again. The next run looks what is there.
        return Err(io::Error::from(io::ErrorKind::Interrupted).into());
    }
    Ok(brought)
}

/// Where a file grows, or lies in the target.
fn prepare_file(
    staging: &Staging,
    target: Option<&Path>,
    (path, file): (&str, &manifest::File),
    candidates: &[Candidate],
    sorting: &Sorting,
) -> Result<Incoming, StagingError> {
    // What is brought up to date was looked at.
    if sorting.update.is_none()
        && let Some(target) = target
        && let Some(lying) = staging.lying(target, path, file)?
    {
        return Ok(lying);
    }
    if sorting.only.is_some() || sorting.update.is_some() {
        staging.parents(path)?;
    }
    let candidates = match sorting.levels.of(path) {
        Level::Unwanted => &[],
        _ => candidates,
    };
    let incoming = staging.incoming_from(path, file, candidates)?;
    if file.size == 0 {
        incoming.write(&(0..0), &[])?;
    }
    Ok(incoming)
}

impl Prepared {
    /// Whether a file is to come: not where what lies there stays.
    fn judge(
        &mut self,
        staging: &Staging,
        target: Option<&Path>,
        (path, file): (&str, &manifest::File),
        sorting: &Sorting,
    ) -> io::Result<bool> {
        let (Some(target), Some((update, below))) = (target, &sorting.update) else {
            return Ok(true);
        };
        let judged = update.judge(target, (below, path), file)?;
        match judged {
            Judged::Missing | Judged::Outdated => return Ok(true),
            Judged::Same => {
                self.bytes += file.size;
                self.durable += file.size;
                self.files += 1;
            }
            Judged::Deleted | Judged::Kept(_) => {}
        }
        updating::forget_staged(&staging.places(PathBuf::new()), path)?;
        Ok(false)
    }

    /// Places a file of which nothing is here, and which is made of another that is on its way, and wanted as soon; whether it is.
    fn place_repeat(
        &mut self,
        position: u64,
        file: &File,
        (arriving, sorting): (&Arriving, &Sorting),
    ) -> bool {
        let level = |file: &File| sorting.levels.of(&file.path);
        let is_soon = arriving
            .first(&file.incoming.blob)
            .is_some_and(|(_, first)| level(&first) >= level(file));
        let is_made = is_soon
            && self.put_off < sorting.put_off_max
            && !file.incoming.is_begun()
            && arriving.place_repeat(position, file);
        self.unfinished += u64::from(is_made);
        self.put_off += u64::from(is_made);
        is_made
    }

    /// What is here of a file, and what is not.
    fn place(&mut self, position: u64, file: &File, sorting: &Sorting) {
        let size = file.incoming.blob.size;
        let missing = file.incoming.missing();
        let mut priority = sorting.levels.of(&file.path).priority();
        if !missing.is_empty() && priority.is_none() {
            match self.put_off < sorting.put_off_max {
                true => self.put_off += 1,
                false => priority = Some(Priority::Low),
            }
        }
        let (mut reached, mut missing_bytes) = (0, 0);
        for missing in missing {
            add(&mut self.held, span(position, reached, missing.start));
            if let Some(priority) = priority {
                let wanted = span(position, missing.start, missing.end);
                self.want(wanted, priority);
            }
            missing_bytes += missing.end - missing.start;
            reached = missing.end;
        }
        add(&mut self.held, span(position, reached, size));
        self.bytes += size - missing_bytes;
        self.durable += file.incoming.durable_before();
        match missing_bytes {
            0 => self.files += 1,
            _ => self.unfinished += 1,
        }
    }

    /// Wants a span; it becomes one with the last where they touch and are wanted alike.
    fn want(&mut self, span: Span, priority: Priority) {
        match self.wanted.last_mut() {
            Some((last, alike)) if *alike == priority && last.end == span.start => {
                last.end = span.end;
            }
            _ => self.wanted.push((span, priority)),
        }
    }
}

/// A part of the file that begins at `position`, on the line.
pub(super) fn span(position: u64, start: u64, end: u64) -> Span {
    Span {
        start: position.saturating_add(start),
        end: position.saturating_add(end),
    }
}

/// The content of the files among some items.
fn blobs(items: &[Item]) -> Vec<Blob> {
    let blobs = items.iter().filter_map(|item| match item {
        Item::File { file, .. } => Some(Blob {
            hash: file.hash,
            size: file.size,
        }),
        _ => None,
    });
    blobs.collect()
}

/// Adds a span to ascending ones; it becomes one with the last where they touch.
fn add(spans: &mut Vec<Span>, span: Span) {
    match spans.last_mut() {
        _ if span.bytes() == 0 => {}
        Some(last) if last.end == span.start => last.end = span.end,
        _ => spans.push(span),
    }
}

fn compare_all(target: &Path, items: &[Item]) -> Result<Prepared, GetError> {
    let are_there = compare::are_there(target, items);
    if !are_there.map_err(|error| GetError::staging(error.into(), &target.to_string_lossy()))? {
        return Err(GetError::TargetExists(target.to_owned()));
    }
    let mut prepared = Prepared::default();
    for item in items {
        if let Item::File { file, .. } = item {
            prepared.bytes += file.size;
            prepared.durable += file.size;
            prepared.files += 1;
        }
    }
    Ok(prepared)
}

/// Does something on the disk, away from the runtime's workers.
///
/// Where this is given up, the work goes on to its end, and its outcome goes with it: whoever waits for the tasks finds the staging folder free.
pub(super) async fn blocking<T: Send + 'static>(
    tasks: &TaskTracker,
    target: &Path,
    work: impl FnOnce() -> Result<T, StagingError> + Send + 'static,
) -> Result<T, GetError> {
    let (outcome, done) = oneshot::channel();
    let task = tasks.spawn_blocking(move || drop(outcome.send(work())));
    task.await.map_err(lost)?;
    let worked = done.await.expect("it was sent");
    worked.map_err(|error| GetError::staging(error, &target.to_string_lossy()))
}

/// The runtime is stopping.
pub(super) fn lost(error: tokio::task::JoinError) -> GetError {
    GetError::Disk {
        path: "the target".to_owned(),
        error: io::Error::other(error),
    }
}
