//! Watching the folders of shares, so that a change is noticed when it happens.
//!
//! Each folder is watched by itself, and the number of watches is bounded: what lies beyond is noticed by the rescan now and then. A watch
//! only says that something happened; what it was, a look finds out.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use kith_core::ids::ShareId;
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::folders;
use super::looks::Looks;
use crate::data::places;

/// The most folders watched in all: half of what the smallest Linux grants all programs of a user, at a KiB of its memory each.
const WATCHES_MAX: usize = 4_096;

/// Watches the folders of shares.
pub(super) struct Watch {
    /// `None` where the system has no more watchers to give.
    watcher: Option<RecommendedWatcher>,
    table: Arc<Mutex<Table>>,
}

/// Which folder is watched for whom.
#[derive(Debug, Default)]
struct Table {
    folders: BTreeMap<PathBuf, Interests>,
}

/// What of a folder matters to whom: everything, or one name.
type Interests = BTreeSet<(ShareId, Option<OsString>)>;

/// What became of one more folder to watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Added {
    Watched,
    /// This one cannot be.
    Refused,
    /// No further one can be.
    Full,
}

impl Watch {
    /// Begins to tell `looks` what is seen.
    pub(super) fn new(looks: Arc<Looks>) -> Self {
        let table = Arc::<Mutex<Table>>::default();
        let seen = Arc::clone(&table);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let now = Instant::now();
            for share in lock(&seen).concerned(event) {
                looks.see(&share, now);
            }
        });
        let watcher = watcher
            .inspect_err(|error| tracing::warn!(%error, "shared folders are not watched"))
            .ok();
        Self { watcher, table }
    }

    /// Watches what lies beneath `roots` now for `share`, and what is gone no longer. Whether all of it is watched.
    pub(super) fn follow(&mut self, share: &ShareId, roots: &[PathBuf]) -> bool {
        // First the end of old watches: a renamed folder is still watched under its old name.
        self.forget(share, Path::is_dir);
        let mut is_all = true;
        for root in roots {
            // Where it lies tells of a folder that is moved away, and comes back.
            if let (Some(parent), Some(name)) = (root.parent(), root.file_name()) {
                let added = self.add(share, parent.to_owned(), Some(name.to_owned()));
                if !root.is_dir() {
                    is_all &= added == Added::Watched;
                    continue;
                }
            }
            for folder in folders::beneath(root) {
                // What cannot be read is left out of the share.
                let Ok(folder) = folder else { continue };
                match self.add(share, folder.path, None) {
                    Added::Watched => {}
                    // One that cannot be read keeps no other from being watched.
                    Added::Refused => is_all = false,
                    Added::Full => {
                        is_all = false;
                        break;
                    }
                }
            }
        }
        is_all
    }

    /// Watches nothing any more for shares that are no more.
    pub(super) fn retain(&mut self, is_there: impl Fn(&ShareId) -> bool) {
        let shares: BTreeSet<ShareId> = lock(&self.table)
            .folders
            .values()
            .flatten()
            .map(|(share, _)| *share)
            .collect();
        for share in shares.iter().filter(|share| !is_there(share)) {
            self.forget(share, |_| false);
        }
    }

    /// Watches one folder; anew where it is watched already, because it may be another one under the same name.
    fn add(&mut self, share: &ShareId, folder: PathBuf, name: Option<OsString>) -> Added {
        let Some(watcher) = &mut self.watcher else {
            return Added::Full;
        };
        let mut table = lock(&self.table);
        if !table.folders.contains_key(&folder) && table.folders.len() >= WATCHES_MAX {
            return Added::Full;
        }
        let interests = table.folders.entry(folder.clone()).or_default();
        interests.insert((*share, name));
        drop(table);
        match watcher.watch(&folder, RecursiveMode::NonRecursive) {
            Ok(()) => Added::Watched,
            Err(error) => {
                tracing::debug!(%error, "a shared folder is not watched");
                lock(&self.table).folders.remove(&folder);
                match error.kind {
                    notify::ErrorKind::MaxFilesWatch => Added::Full,
                    _ => Added::Refused,
                }
            }
        }
    }

    fn forget(&mut self, share: &ShareId, is_kept: impl Fn(&Path) -> bool) {
        let mut idle = Vec::new();
        lock(&self.table).folders.retain(|folder, interests| {
            interests.retain(|(of, _)| of != share || is_kept(folder));
            if interests.is_empty() {
                idle.push(folder.clone());
            }
            !interests.is_empty()
        });
        // Not under the lock: the watcher answers on the thread that may be waiting for it.
        for folder in idle {
            if let Some(watcher) = &mut self.watcher {
                // A folder that is gone is watched no longer anyway.
                let _ = watcher.unwatch(&folder);
            }
        }
    }
}

impl Table {
    /// The shares that an event concerns.
    fn concerned(&self, event: notify::Result<Event>) -> BTreeSet<ShareId> {
        let all = || self.folders.values().flatten().map(|(share, _)| *share);
        let Ok(event) = event else {
            return all().collect();
        };
        if event.need_rescan() {
            return all().collect();
        }
        let is_read = match event.kind {
            EventKind::Access(kind) => kind != AccessKind::Close(AccessMode::Write),
            _ => false,
        };
        if is_read {
            return BTreeSet::new();
        }
        let mut concerned = BTreeSet::new();
        for path in &event.paths {
            let name = path.file_name();
            if name.is_some_and(|name| name.to_str().is_some_and(places::is_of_download)) {
                continue;
            }
            let itself = self.folders.get(path).into_iter().flatten();
            concerned.extend(itself.filter(|(_, only)| only.is_none()));
            let parent = path.parent().and_then(|parent| self.folders.get(parent));
            concerned.extend(
                parent
                    .into_iter()
                    .flatten()
                    .filter(|(_, only)| only.as_deref().is_none_or(|only| Some(only) == name)),
            );
        }
        concerned.into_iter().map(|(share, _)| *share).collect()
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARE: ShareId = ShareId([1; 32]);

    fn table() -> Table {
        let mut table = Table::default();
        let mut watch = |folder: &str, share, name: Option<&str>| {
            let interests = table.folders.entry(folder.into()).or_default();
            interests.insert((share, name.map(OsString::from)));
        };
        watch("/shared", SHARE, None);
        watch("/home", ShareId([2; 32]), Some("one.txt"));
        table
    }

    fn event(kind: EventKind, path: &str) -> notify::Result<Event> {
        Ok(Event::new(kind).add_path(path.into()))
    }

    #[test]
    fn only_what_changes_something_shared_concerns_its_share() {
        use notify::event::{CreateKind, ModifyKind, RemoveKind};
        let (table, none) = (table(), BTreeSet::new());
        let created = EventKind::Create(CreateKind::File);
        let changed = EventKind::Modify(ModifyKind::Any);
        let opened = EventKind::Access(AccessKind::Open(AccessMode::Any));
        let removed = EventKind::Remove(RemoveKind::Folder);
        let concerned = |kind, path| table.concerned(event(kind, path));
        assert_eq!(concerned(created, "/shared/new"), [SHARE].into());
        assert_eq!(concerned(removed, "/shared"), [SHARE].into());
        assert_eq!(concerned(opened, "/shared/new"), none);
        let staging = "/shared/.kith-0123456789abcdef.partial";
        assert_eq!(concerned(created, staging), none);
        let other = ShareId([2; 32]);
        assert_eq!(concerned(changed, "/home/one.txt"), [other].into());
        assert_eq!(concerned(changed, "/home/another.txt"), none);
    }

    #[test]
    fn where_events_were_lost_every_share_is_concerned() {
        use notify::event::Flag;
        let lost = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert_eq!(table().concerned(Ok(lost)).len(), 2);
        let failed = notify::Error::generic("a test");
        assert_eq!(table().concerned(Err(failed)).len(), 2);
    }
}
