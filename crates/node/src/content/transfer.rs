//! What a transfer does on the disk: items become directories and files, and what is missing of them is wanted.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kith_core::content::swarm::span::Span;
use kith_core::data::walk::{Item, Walk};
use kith_core::ids::BlobHash;
use tokio::sync::watch;

use crate::content::compare;
use crate::content::error::GetError;
use crate::content::preparing::{Sorting, compare_all, prepare, span};
use crate::content::priorities::{Level, Levels, Priorities};
use crate::content::reader::Readers;
use crate::content::request::{AlreadyHere, Filter, Get, Progress};
use crate::content::select::Selected;
use crate::content::swarm::arriving::Event;
use crate::content::swarm::fetching::Fetching;
use crate::data::disk::{self, Occupied, StagingError};
use crate::data::staging::Staging;

/// How many files may be unfinished before the walk pauses: far more than what is asked for at once lies in, at some 10 MB.
const FILES_AHEAD_MAX: u64 = 16 * 1024;

/// How many files may be put off: the walk goes on past them, and each is held in memory. Further ones come last instead. As many as are
/// remembered when they are whole.
const PUT_OFF_MAX: u64 = 64 * 1024;

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
    fetching: Fetching,
    walk: Option<Walk>,
    /// Which requests of the walk wait for a node.
    tickets: BTreeMap<BlobHash, Vec<u64>>,
    /// A node that there was no room for.
    held_back: Option<BlobHash>,
    place: Place,
    only: Option<Filter>,
    here: Option<AlreadyHere>,
    readers: Readers,
    priorities: Priorities,
    /// The levels by which its files are wanted now, and whether there are others.
    levels: Levels,
    levels_watch: watch::Receiver<Levels>,
    symlinks: Vec<(String, String)>,
    /// How far it is.
    pub(super) progress: Progress,
    /// Files of which something is missing.
    unfinished: u64,
    /// Those among them that are put off, or were when they were last counted.
    put_off: u64,
    /// Whether some provider had something no more.
    lacks: bool,
    /// A file that has changed at a provider.
    changed: Option<String>,
    entries: u64,
    /// Links that lead out of what is fetched.
    pub(super) links_left_out: u64,
}

impl Transfer {
    /// Looks at the target, and begins.
    pub(super) async fn begin(
        fetching: Fetching,
        get: &Get,
        selected: &Selected,
        target: &Path,
    ) -> Result<Self, GetError> {
        let is_filtered = get.only.is_some();
        let mut levels_watch = get.priorities.subscribe();
        let levels = levels_watch.borrow_and_update().clone();
        let mut transfer = Self {
            fetching,
            walk: None,
            tickets: BTreeMap::new(),
            held_back: None,
            place: place(get, selected, target).await?,
            only: get.only.clone(),
            here: get.here.clone(),
            readers: get.readers.clone(),
            priorities: get.priorities.clone(),
            levels,
            levels_watch,
            symlinks: Vec::new(),
            progress: Progress {
                total: (!is_filtered).then_some(selected.totals().bytes),
                ..Progress::default()
            },
            unfinished: 0,
            put_off: 0,
            lacks: false,
            changed: None,
            entries: 0,
            links_left_out: 0,
        };
        match selected {
            Selected::Directory {
                node,
                totals,
                depth,
                position,
                ..
            } => {
                transfer.walk = Some(Walk::new(*node, *totals, *depth, *position));
            }
            Selected::File { file, position } => {
                let path = match transfer.place {
                    Place::Staging(_) => file.name.clone(),
                    Place::Target(_) => String::new(),
                };
                let (file, position) = (file.clone(), *position);
                let item = Item::File {
                    path,
                    file,
                    position,
                };
                transfer.prepare(vec![item]).await?;
            }
        }
        Ok(transfer)
    }

    /// Goes on until everything is here.
    pub(super) async fn run(
        &mut self,
        report: &mut (impl FnMut(&Progress) + Send),
    ) -> Result<(), GetError> {
        loop {
            self.want_nodes();
            report(&self.progress);
            let is_walked = self.walk.as_ref().is_none_or(Walk::is_done);
            if is_walked && self.unfinished == 0 {
                return Ok(());
            }
            if self.lacks && !self.fetching.has_sources() {
                let changed = self.changed.take();
                return Err(changed.map_or(GetError::Gone, GetError::Changed));
            }
            let event = tokio::select! {
                event = self.fetching.next() => event?,
                // Its sender is held by this.
                _ = self.levels_watch.changed() => {
                    self.sort_anew();
                    continue;
                }
            };
            self.take(event).await?;
            while let Some(event) = self.fetching.try_next() {
                self.take(event).await?;
            }
        }
    }

    /// Asks for the nodes that come next, unless there is enough to do without.
    fn want_nodes(&mut self) {
        while self.unfinished.saturating_sub(self.put_off) < FILES_AHEAD_MAX {
            let node = match self.held_back.take() {
                Some(node) => node,
                None => {
                    let Some(wanted) = self.walk.as_mut().and_then(Walk::poll_wanted) else {
                        return;
                    };
                    let tickets = self.tickets.entry(wanted.node).or_default();
                    tickets.push(wanted.ticket);
                    wanted.node
                }
            };
            if !self.fetching.want_node(node) {
                self.held_back = Some(node);
                return;
            }
        }
    }

    /// How soon its files are wanted was told anew.
    fn sort_anew(&mut self) {
        let levels = self.priorities.levels();
        let before = std::mem::replace(&mut self.levels, levels);
        self.levels_watch.mark_unchanged();
        self.put_off = 0;
        let mut told = Vec::new();
        for (position, file) in self.fetching.arriving.unfinished() {
            let mut level = self.levels.of(&file.path);
            if level == Level::Unwanted && self.put_off >= PUT_OFF_MAX {
                level = Level::Low;
            }
            self.put_off += u64::from(level == Level::Unwanted);
            // A chunk goes by what was told last of what is in it.
            if level != before.of(&file.path) || level == Level::High {
                told.push((level, position, file));
            }
        }
        told.sort_by_key(|(level, ..)| *level);
        for (level, position, file) in told {
            let missing = file.incoming.missing().into_iter();
            let missing: Vec<Span> = missing
                .map(|part| span(position, part.start, part.end))
                .collect();
            self.fetching.want_anew(&missing, level.priority());
        }
        self.readers.levels_changed();
    }

    /// Takes in what has happened.
    async fn take(&mut self, event: Event) -> Result<(), GetError> {
        match event {
            Event::Bytes { peer, bytes, files } => {
                self.progress.bytes += bytes;
                self.progress.files += files;
                self.progress.fetched += bytes;
                self.unfinished -= files;
                *self.progress.sources.entry(peer).or_default() += bytes;
                Ok(())
            }
            Event::Node { hash, bytes } => {
                // Asked of a second source, it comes twice.
                for ticket in self.tickets.remove(&hash).unwrap_or_default() {
                    if let Some(walk) = &mut self.walk {
                        let items = walk.handle_node(ticket, &bytes)?;
                        self.prepare(items).await?;
                    }
                }
                Ok(())
            }
            Event::Lacks { what, is_changed } => {
                self.lacks = true;
                if is_changed {
                    self.changed = Some(what);
                }
                Ok(())
            }
            Event::Failed(error) => Err(error),
        }
    }

    /// Makes directories and files, and asks for what is missing of them.
    async fn prepare(&mut self, items: Vec<Item>) -> Result<(), GetError> {
        self.entries += items.len() as u64;
        let place = self.place.clone();
        let sorting = Sorting {
            only: self.only.clone(),
            levels: self.levels.clone(),
            put_off_max: PUT_OFF_MAX.saturating_sub(self.put_off),
            here: self.here.clone(),
        };
        let arriving = Arc::clone(&self.fetching.arriving);
        let prepared = tokio::task::spawn_blocking(move || match place {
            Place::Staging(staging) => prepare(&staging, &arriving, items, &sorting),
            Place::Target(target) => compare_all(&target, &items),
        });
        let mut prepared = prepared.await.map_err(lost)??;
        // A chunk goes by what was told last of what is in it.
        prepared.wanted.sort_by_key(|(_, priority)| *priority);
        self.symlinks.extend(prepared.symlinks);
        self.progress.bytes += prepared.bytes;
        self.progress.files += prepared.files;
        self.unfinished += prepared.unfinished;
        self.put_off += prepared.put_off;
        self.links_left_out += prepared.links_left_out;
        self.fetching.want(&prepared.held, &prepared.wanted);
        Ok(())
    }

    /// Links, the barrier, the name.
    pub(super) async fn finish(self, selected: &Selected, target: &Path) -> Result<(), GetError> {
        let inner = match selected {
            Selected::Directory { .. } => String::new(),
            Selected::File { file, .. } => file.name.clone(),
        };
        let Self {
            place,
            symlinks,
            entries,
            ..
        } = self;
        let at = target.to_owned();
        blocking(target, move || match place {
            Place::Staging(staging) => {
                for (path, link) in &symlinks {
                    staging.symlink(path, link)?;
                }
                staging.finish(&inner, &at)
            }
            Place::Target(_) => {
                if at.is_dir() && compare::count(&at)? != entries {
                    return Err(StagingError::TargetExists(at));
                }
                Ok(())
            }
        })
        .await
    }
}

/// Where what arrives goes, by what is under the target's name.
async fn place(get: &Get, selected: &Selected, target: &Path) -> Result<Place, GetError> {
    let (at, hash) = (target.to_owned(), selected.hash());
    let is_filtered = get.only.is_some();
    let filter = get
        .only
        .as_ref()
        .map_or_else(String::new, |only| only.name.clone());
    let is_directory = matches!(selected, Selected::Directory { .. });
    let staged = get.staged.clone();
    blocking(target, move || {
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
    .await
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
