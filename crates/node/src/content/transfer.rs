//! A transfer: a tree is walked, its items become directories and files, and what is missing of them is wanted.

use std::cmp::Reverse;
use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kith_core::content::swarm::span::Span;
use kith_core::data::builder::NodeBlob;
use kith_core::data::repeats::Repeats;
use kith_core::data::walk::{Item, Walk};
use kith_core::ids::PeerId;
use tokio::sync::watch;

use self::making::{Making, Repeat};
use crate::content::asking::Answered;
use crate::content::compare;
use crate::content::error::GetError;
use crate::content::filter::Filter;
use crate::content::offered::Offered;
use crate::content::preparing::{Place, Prepared, Sorting, blocking, lost, span};
use crate::content::priorities::{Level, Levels, Priorities};
use crate::content::reader::Readers;
use crate::content::request::{AlreadyHere, Get, Progress};
use crate::content::select::Selected;
use crate::content::swarm::arriving::{DIRECTORY, Event, File};
use crate::content::swarm::fetching::Fetching;
use crate::content::underway::Underway;
use crate::content::updating::Update;
use crate::data::barrier;
use crate::data::disk::StagingError;
use crate::data::nodes::Nodes;

/// How many files may be unfinished before the walk pauses, which it does when the node that it reads is read: far more than what is asked for
/// at once lies in, and with twenty thousand that one node may list at some 25 MB.
pub(super) const FILES_AHEAD_MAX: u64 = 16 * 1024;

/// How many files may be put off: the walk goes on past them, and each is held in memory. Further ones come last instead. As many as are
/// remembered when they are whole.
const PUT_OFF_MAX: u64 = 64 * 1024;

/// How often what is written becomes durable at the latest: a slow transfer loses a second's worth to a power failure, and says so.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// A transfer under way.
pub(super) struct Transfer {
    fetching: Fetching,
    place: Place,
    /// What was prepared, and what is missing of that not asked for.
    prepared: Vec<Prepared>,
    only: Option<Filter>,
    here: Option<AlreadyHere>,
    /// How what lies there is brought up to date, and the path in the share of the folder that all of it lies in.
    update: Option<(Update, String)>,
    readers: Readers,
    priorities: Priorities,
    /// The levels by which its files are wanted now, and whether there are others.
    levels: Levels,
    levels_watch: watch::Receiver<Levels>,
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
    /// Files that have become whole, and one each that is to be made of it.
    repeated: VecDeque<(File, Repeat)>,
    /// The one that is being made.
    making: Option<Making>,
    /// What is to lie beneath the target,
    entries: u64,
    /// and what without bytes is made of it.
    repeats: Repeats,
    /// Bytes that were here, and durable, before.
    found: u64,
    /// Whether nothing is left of other versions.
    is_older_removed: bool,
    /// Links that lead out of what is fetched, or are of what is chosen.
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
        let place = Place::find(&fetching.arriving.tasks, get, selected, target).await?;
        let mut transfer = Self {
            fetching,
            place,
            prepared: Vec::new(),
            only: get.only.clone(),
            here: get.here.clone(),
            update: get.update.clone().map(|it| (it, below(get, selected))),
            readers: get.readers.clone(),
            priorities: get.priorities.clone(),
            levels,
            levels_watch,
            progress: Progress {
                total: (!is_filtered && get.update.is_none()).then_some(selected.totals().bytes),
                ..Progress::default()
            },
            unfinished: 0,
            put_off: 0,
            lacks: false,
            changed: None,
            repeated: VecDeque::new(),
            making: None,
            entries: 0,
            repeats: Repeats::default(),
            found: 0,
            is_older_removed: false,
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
                let walk = Walk::new(*node, *totals, *depth, *position);
                let tree = &transfer.fetching.arriving.tree;
                tree.walk(walk, transfer.place.staging());
            }
            Selected::File { file, position } => {
                let path = match transfer.place {
                    Place::Staging(_) | Place::Adding(..) => file.name.clone(),
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

    /// Keeps the nodes that led to what is fetched, and begins to provide what arrives, where that is wanted and it does not lie there already.
    pub(super) async fn offer(
        &self,
        get: &Get,
        answered: &Answered,
        (selected, way): (&Selected, Vec<NodeBlob>),
        target: &Path,
    ) -> Result<Option<Arc<Offered>>, GetError> {
        let Some(staging) = self.place.staging() else {
            return Ok(None);
        };
        let nodes = Arc::clone(&staging.nodes);
        let (kept, tasks) = (Arc::clone(&nodes), &self.fetching.arriving.tasks);
        blocking(tasks, target, move || {
            let mut way = way.iter();
            Ok(way.try_for_each(|node| kept.add(&node.hash, &node.bytes))?)
        })
        .await?;
        let Some(providing) = &get.providing else {
            return Ok(None);
        };
        let named = selected.folder(target).to_owned();
        let places = (staging.places(named), below(get, selected));
        let head = (answered.head.clone(), answered.signed.clone());
        let known = self.fetching.known();
        let underway = Underway::new(head, known, nodes, places, get.is_part());
        let held = self.fetching.held();
        Ok(Some(Offered::begin(providing.clone(), underway, held)))
    }

    /// The manifest, where it is kept with what arrives.
    pub(super) fn nodes(&self) -> Option<Arc<Nodes>> {
        let staging = self.place.staging();
        staging.map(|staging| Arc::clone(&staging.nodes))
    }

    /// Goes on until everything is here.
    pub(super) async fn run(
        &mut self,
        report: &mut (impl FnMut(&Progress) + Send),
    ) -> Result<(), GetError> {
        let mut durable = match self.place.staging() {
            Some(staging) => staging.syncing.durable(),
            // Nothing is written.
            None => watch::Sender::new(0).subscribe(),
        };
        let mut every = tokio::time::interval(SYNC_EVERY);
        loop {
            let has_read = self.read_node().await?;
            report(&self.progress);
            let is_walked = self.fetching.arriving.tree.is_walked();
            if is_walked || self.is_far_ahead() {
                self.want_prepared();
            }
            if is_walked {
                self.remove_older().await?;
            }
            if is_walked && self.unfinished == 0 {
                return Ok(());
            }
            self.begin_making();
            let is_making = self.making.is_some();
            if self.lacks && self.fetching.is_stranded() && !is_making && !self.want_repeats() {
                let version = self.fetching.root();
                let changed = self.changed.take();
                let changed = changed.map(|path| GetError::Changed { path, version });
                return Err(changed.unwrap_or(GetError::Gone));
            }
            tokio::select! {
                event = self.fetching.next() => {
                    match event {
                        // Whoever is there may have it under another name.
                        Err(GetError::Incomplete | GetError::Stalled)
                            if is_making || self.want_repeats() => {}
                        event => self.take(event?)?,
                    }
                    while let Some(event) = self.fetching.try_next() {
                        self.take(event)?;
                    }
                }
                made = making::made(&mut self.making) => self.take_made(made?),
                // Its sender is held by this.
                _ = self.levels_watch.changed() => self.sort_anew(),
                Ok(()) = durable.changed() => {}
                () = std::future::ready(()), if has_read => {}
                _ = every.tick() => {
                    if let Some(staging) = self.place.staging() {
                        staging.syncing.begin();
                    }
                }
            }
            self.progress.durable = self.found + *durable.borrow_and_update();
        }
    }

    /// Removes what is left of other versions: all that is wanted was taken from them.
    async fn remove_older(&mut self) -> Result<(), GetError> {
        let Some(staging) = self.place.staging() else {
            return Ok(());
        };
        if std::mem::replace(&mut self.is_older_removed, true) {
            return Ok(());
        }
        let (staging, tasks) = (Arc::clone(staging), &self.fetching.arriving.tasks);
        blocking(tasks, Path::new("an older version"), move || {
            staging.remove_older()
        })
        .await
    }

    /// Whether the walk pauses until more files are whole.
    fn is_far_ahead(&self) -> bool {
        self.unfinished.saturating_sub(self.put_off) >= FILES_AHEAD_MAX
    }

    /// Asks for what is missing of the files that were prepared.
    fn want_prepared(&mut self) {
        for prepared in self.prepared.drain(..) {
            self.fetching.want(&prepared.held, &prepared.wanted);
        }
    }

    /// Asks for the nodes that come next, and reads one that is here, unless there is enough to do without; whether it read one.
    async fn read_node(&mut self) -> Result<bool, GetError> {
        if self.is_far_ahead() {
            return Ok(false);
        }
        let arriving = Arc::clone(&self.fetching.arriving);
        let next = (arriving.tree).next(|node| self.fetching.want_node(node));
        let Some(readable) = next else {
            return Ok(false);
        };
        let tasks = arriving.tasks.clone();
        let reading = blocking(&tasks, Path::new(DIRECTORY), move || {
            Ok(arriving.tree.read(readable)?)
        });
        let items = reading.await??;
        self.prepare(items).await?;
        Ok(true)
    }

    /// How soon its files are wanted was told anew.
    fn sort_anew(&mut self) {
        self.want_prepared();
        let levels = self.priorities.levels();
        let before = std::mem::replace(&mut self.levels, levels);
        self.levels_watch.mark_unchanged();
        let levels = &self.levels;
        let sooner = (self.fetching.arriving)
            .take_repeats_if(|first, repeat| levels.of(&repeat.path) > levels.of(&first.path));
        let sooner: BTreeSet<u64> = sooner.into_iter().map(|(position, _)| position).collect();
        let mut unfinished = self.fetching.arriving.unfinished();
        let to_make: BTreeSet<u64> = self.to_make().collect();
        unfinished.retain(|(position, _)| !to_make.contains(position));
        // What is made of others may be made of what is wanted soonest.
        unfinished.sort_by_key(|(position, file)| (Reverse(levels.of(&file.path)), *position));
        let mut told = Vec::new();
        let mut put_off = 0;
        for (position, file) in unfinished {
            let (mut level, was) = (self.levels.of(&file.path), before.of(&file.path));
            let was_put_off = was == Level::Unwanted || sooner.contains(&position);
            let is_new = was_put_off && level > Level::Unwanted;
            if is_new && self.repeat(position, &file) {
                continue;
            }
            if level == Level::Unwanted && put_off >= PUT_OFF_MAX {
                level = Level::Low;
            }
            put_off += u64::from(level == Level::Unwanted);
            // A chunk goes by what was told last of what is in it.
            if level != was || is_new || level == Level::High {
                told.push((level, position, file));
            }
        }
        self.put_off = put_off + self.fetching.arriving.repeats() + self.to_make().count() as u64;
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
    fn take(&mut self, event: Event) -> Result<(), GetError> {
        match event {
            Event::Bytes { peer, bytes, whole } => {
                self.count(peer, bytes, &whole);
                Ok(())
            }
            // It lies where it is read.
            Event::Node => Ok(()),
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

    fn count(&mut self, peer: Option<PeerId>, bytes: u64, whole: &[u64]) {
        let files = whole.len() as u64;
        self.progress.bytes += bytes;
        self.progress.files += files;
        self.progress.fetched += bytes;
        self.unfinished -= files;
        *self.progress.sources.entry(peer).or_default() += bytes;
        for position in whole {
            self.take_repeats(*position);
        }
    }

    /// Counts what was written and not told yet: of those who write a file at once, who writes its last part may be heard before the others.
    pub(super) fn count_rest(&mut self) {
        while let Some(event) = self.fetching.try_next() {
            if let Event::Bytes { peer, bytes, whole } = event {
                self.count(peer, bytes, &whole);
            }
        }
    }

    /// Makes directories and files of what a node lists, and asks for what is missing of them.
    async fn prepare(&mut self, items: Vec<Item>) -> Result<(), GetError> {
        let made = items
            .iter()
            .filter(|item| !matches!(item, Item::Outside { .. }));
        self.entries += made.count() as u64;
        let place = self.place.clone();
        if let Some(staging) = place.staging() {
            let only = self.only.as_ref();
            let bare = items.iter().filter(|item| is_bare(item, only)).count();
            self.repeats
                .handle_made(bare as u64, staging.nodes.bytes())?;
        }
        let sorting = Sorting {
            only: self.only.clone(),
            levels: self.levels.clone(),
            put_off_max: PUT_OFF_MAX.saturating_sub(self.put_off),
            here: self.here.clone(),
            update: self.update.clone(),
        };
        let arriving = Arc::clone(&self.fetching.arriving);
        // Looking at a large file that came in part takes a while, and may be given up.
        let tasks = arriving.tasks.clone();
        let prepared = tasks.spawn_blocking(move || place.prepare(&arriving, items, &sorting));
        let mut prepared = prepared.await.map_err(lost)??;
        // A chunk goes by what was told last of what is in it.
        prepared.wanted.sort_by_key(|(_, priority)| *priority);
        self.progress.bytes += prepared.bytes;
        self.found += prepared.durable;
        self.progress.files += prepared.files;
        self.unfinished += prepared.unfinished;
        self.put_off += prepared.put_off;
        self.links_left_out += prepared.links_left_out;
        self.prepared.push(prepared);
        // Nothing is fetched for a folder in which something is in the way of a file that comes later: all of them are prepared first.
        if !matches!(self.place, Place::Adding(..)) {
            self.want_prepared();
        }
        Ok(())
    }

    /// Whether nothing was wanted of it.
    pub(super) fn has_nothing(&self) -> bool {
        let has_left = (self.update.as_ref()).is_some_and(|(update, _)| update.has_left());
        self.only.is_some() && self.progress.files == 0 && !has_left
    }

    /// Links, the barrier, the name; where nothing was wanted of it, nothing is left.
    pub(super) async fn finish(self, selected: &Selected, target: &Path) -> Result<(), GetError> {
        let inner = match selected {
            Selected::Directory { .. } => String::new(),
            Selected::File { file, .. } => file.name.clone(),
        };
        let has_nothing = self.has_nothing();
        let Self {
            fetching,
            place,
            entries,
            only,
            update,
            ..
        } = self;
        let at = target.to_owned();
        blocking(&fetching.arriving.tasks, target, move || {
            let Some(staging) = place.staging() else {
                return match at.is_dir() && compare::count(&at)? != entries {
                    true => Err(StagingError::TargetExists(at)),
                    false => Ok(()),
                };
            };
            if has_nothing {
                return staging.remove();
            }
            if let (Place::Adding(_, folder), Some((update, below))) = (&place, &update) {
                let places = staging.places(PathBuf::new());
                let tree = places.growing("");
                barrier::tree(&tree)?;
                update.replace(&places, folder)?;
                update.add(&tree, folder)?;
                update.link(staging, folder, below)?;
                return staging.remove();
            }
            // What was chosen of a folder is added to what is there of it, also where that has come since it was begun.
            if only.is_some() && inner.is_empty() {
                return staging.add(&at);
            }
            staging.make_links()?;
            staging.finish(&inner, &at)
        })
        .await?;
        match has_nothing {
            true => Err(GetError::NothingMatches),
            false => Ok(()),
        }
    }
}

/// The path in the share of the folder that all of it lies in.
fn below(get: &Get, selected: &Selected) -> String {
    let path = get.path.trim_matches('/');
    let below = match selected {
        Selected::Directory { .. } => path,
        Selected::File { .. } => path.rsplit_once('/').unwrap_or_default().0,
    };
    below.to_owned()
}

/// Whether something without bytes is made of an item, where these files are wanted.
fn is_bare(item: &Item, only: Option<&Filter>) -> bool {
    match item {
        Item::File { path, file, .. } => {
            file.size == 0 && only.is_none_or(|only| (only.wants)(path))
        }
        Item::Directory { .. } | Item::Symlink { .. } => only.is_none(),
        Item::Outside { .. } => false,
    }
}

mod making;
mod repeating;
