//! What a transfer does on the disk: items become directories and files, and what is missing of them becomes jobs.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kith_core::content::wire::RANGE_BYTES_MAX;
use kith_core::data::walk::{Item, Walk};
use kith_core::ids::BlobHash;

use crate::content::compare;
use crate::content::error::GetError;
use crate::content::request::{AlreadyHere, Filter, Get, Progress};
use crate::content::select::Selected;
use crate::content::streams::Streams;
use crate::content::worker::{Done, Job};
use crate::data::disk::{self, Occupied, StagingError};
use crate::data::local::Candidate;
use crate::data::staging::Staging;

/// How many ranges are queued before the walk pauses: as many as all streams can have under way.
const QUEUE_MAX: usize = 1_024;

/// Where what arrives goes.
#[derive(Clone)]
enum Place {
    /// Into a staging folder.
    Staging(Arc<Staging>),
    /// Nowhere: the target exists, and is compared.
    Target(PathBuf),
}

/// A transfer under way.
pub(super) struct Transfer {
    walk: Option<Walk>,
    place: Place,
    only: Option<Filter>,
    here: Option<AlreadyHere>,
    ranges: VecDeque<Job>,
    symlinks: Vec<(String, String)>,
    /// How far it is.
    pub(super) progress: Progress,
    entries: u64,
    /// Links that lead out of what is fetched.
    pub(super) links_left_out: u64,
}

/// What became of some items on the disk.
#[derive(Default)]
struct Prepared {
    ranges: Vec<Job>,
    symlinks: Vec<(String, String)>,
    bytes: u64,
    files: u64,
    links_left_out: u64,
}

impl Transfer {
    /// Looks at the target, and begins.
    pub(super) async fn begin(
        get: &Get,
        selected: &Selected,
        target: &Path,
    ) -> Result<Self, GetError> {
        let (at, hash) = (target.to_owned(), selected.hash());
        let is_filtered = get.only.is_some();
        let filter = get
            .only
            .as_ref()
            .map_or_else(String::new, |only| only.name.clone());
        let is_directory = matches!(selected, Selected::Directory { .. });
        let staged = get.staged.clone();
        let place = blocking(target, move || {
            let same_kind = match disk::occupied(&at)? {
                Occupied::Free => {
                    let staging = Staging::open(&at, &hash, &filter)?;
                    staged.tell(staging.folder().to_owned());
                    return Ok(Place::Staging(Arc::new(staging)));
                }
                Occupied::Folder => is_directory,
                Occupied::File => !is_directory,
                Occupied::Other => false,
            };
            if same_kind && !is_filtered {
                Ok(Place::Target(at))
            } else {
                Err(StagingError::TargetExists(at))
            }
        })
        .await?;
        let mut transfer = Self {
            walk: None,
            place,
            only: get.only.clone(),
            here: get.here.clone(),
            ranges: VecDeque::new(),
            symlinks: Vec::new(),
            progress: Progress {
                total: (!is_filtered).then_some(selected.totals().bytes),
                ..Progress::default()
            },
            entries: 0,
            links_left_out: 0,
        };
        match selected {
            Selected::Directory {
                node,
                totals,
                depth,
                ..
            } => {
                transfer.walk = Some(Walk::new(*node, *totals, *depth));
            }
            Selected::File(file) => {
                let path = match transfer.place {
                    Place::Staging(_) => file.name.clone(),
                    Place::Target(_) => String::new(),
                };
                let file = file.clone();
                transfer.prepare(vec![Item::File { path, file }]).await?;
            }
        }
        Ok(transfer)
    }

    /// Gives the streams what they have room for: nodes first, because they bring more to do.
    pub(super) fn fill(&mut self, streams: &mut Streams) {
        while self.ranges.len() < QUEUE_MAX && !streams.are_busy() {
            let Some(wanted) = self.walk.as_mut().and_then(Walk::poll_wanted) else {
                break;
            };
            let (ticket, hash) = (wanted.ticket, wanted.node);
            streams.give(Job::Node { ticket, hash });
        }
        while !streams.are_busy() {
            let Some(job) = self.ranges.pop_front() else {
                break;
            };
            streams.give(job);
        }
    }

    /// Takes in what has arrived.
    pub(super) async fn take(&mut self, done: Done) -> Result<(), GetError> {
        match done {
            Done::Range { bytes, is_last } => {
                self.progress.bytes += bytes;
                self.progress.files += u64::from(is_last);
                self.progress.fetched += bytes;
                Ok(())
            }
            Done::Node { ticket, bytes } => {
                let Some(walk) = &mut self.walk else {
                    return Err(GetError::Protocol("a node that nobody asked for"));
                };
                let items = walk.handle_node(ticket, &bytes)?;
                self.prepare(items).await
            }
        }
    }

    /// Makes directories and files, and queues what is missing of them.
    async fn prepare(&mut self, items: Vec<Item>) -> Result<(), GetError> {
        self.entries += items.len() as u64;
        let (place, only, here) = (self.place.clone(), self.only.clone(), self.here.clone());
        let prepared = tokio::task::spawn_blocking(move || match place {
            Place::Staging(staging) => {
                let here = here.map_or_else(BTreeMap::new, |here| here(&hashes(&items)));
                prepare_all(&staging, items, only.as_ref(), &here)
            }
            Place::Target(target) => compare_all(&target, &items),
        });
        let prepared = prepared.await.map_err(lost)??;
        self.ranges.extend(prepared.ranges);
        self.symlinks.extend(prepared.symlinks);
        self.progress.bytes += prepared.bytes;
        self.progress.files += prepared.files;
        self.links_left_out += prepared.links_left_out;
        Ok(())
    }

    /// Links, the barrier, the name.
    pub(super) async fn finish(self, selected: &Selected, target: &Path) -> Result<(), GetError> {
        let inner = match selected {
            Selected::Directory { .. } => String::new(),
            Selected::File(file) => file.name.clone(),
        };
        let at = target.to_owned();
        blocking(target, move || match self.place {
            Place::Staging(staging) => {
                for (path, link) in &self.symlinks {
                    staging.symlink(path, link)?;
                }
                staging.finish(&inner, &at)
            }
            Place::Target(_) => {
                if at.is_dir() && compare::count(&at)? != self.entries {
                    return Err(StagingError::TargetExists(at));
                }
                Ok(())
            }
        })
        .await
    }
}

/// The content of the files among some items.
fn hashes(items: &[Item]) -> Vec<BlobHash> {
    let hashes = items.iter().filter_map(|item| match item {
        Item::File { file, .. } => Some(file.hash),
        _ => None,
    });
    hashes.collect()
}

fn prepare_all(
    staging: &Staging,
    items: Vec<Item>,
    only: Option<&Filter>,
    here: &BTreeMap<BlobHash, Vec<Candidate>>,
) -> Result<Prepared, GetError> {
    let mut prepared = Prepared::default();
    for item in items {
        match item {
            Item::Directory { path } if only.is_none() => {
                staging
                    .directory(&path)
                    .map_err(|error| GetError::staging(error, &path))?;
            }
            Item::File { path, file } if only.is_none_or(|only| (only.wants)(&path)) => {
                let disk = |error| GetError::staging(error, &path);
                if only.is_some() {
                    staging.parents(&path).map_err(disk)?;
                }
                let candidates = here.get(&file.hash).map_or(&[][..], Vec::as_slice);
                let (incoming, missing) = staging
                    .incoming_from(&path, &file, candidates)
                    .map_err(disk)?;
                let (incoming, path) = (Arc::new(incoming), Arc::<str>::from(path));
                let jobs = missing.into_iter().map(|range| Job::Range {
                    incoming: Arc::clone(&incoming),
                    path: Arc::clone(&path),
                    offset: range * RANGE_BYTES_MAX,
                });
                let before = prepared.ranges.len();
                prepared.ranges.extend(jobs);
                let missing = &prepared.ranges[before..];
                prepared.bytes += file.size - missing.iter().map(Job::bytes).sum::<u64>();
                prepared.files += u64::from(missing.is_empty());
            }
            Item::Symlink { path, target } if only.is_none() => {
                prepared.symlinks.push((path, target))
            }
            Item::Outside { .. } => prepared.links_left_out += 1,
            Item::Directory { .. } | Item::File { .. } | Item::Symlink { .. } => {}
        }
    }
    Ok(prepared)
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
            prepared.files += 1;
        }
    }
    Ok(prepared)
}

async fn blocking<T: Send + 'static>(
    target: &Path,
    work: impl FnOnce() -> Result<T, StagingError> + Send + 'static,
) -> Result<T, GetError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(lost)?
        .map_err(|error| GetError::staging(error, &target.to_string_lossy()))
}

/// The runtime is stopping.
fn lost(error: tokio::task::JoinError) -> GetError {
    GetError::Disk {
        path: "the target".to_owned(),
        error: io::Error::other(error),
    }
}
