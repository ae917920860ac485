//! Whether what is shared still is what was hashed: looked at before a head is given out, and when something was seen to change.
//!
//! Files are compared by their stamps, folders by the time of their last change: an entry that came or went changes its folder. So
//! a look reads no file; only what changed is hashed again. When a look is made is [`Looks`](super::looks::Looks)' to say.
//!
//! A disk that does not answer keeps whoever looks at it. So each look is made by a thread of its own, one for each share, and no other waits for one that
//! takes long.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use kith_core::data::head::Head;
use kith_core::ids::ShareId;
use kith_core::time::Time;
use tokio::sync::oneshot;

use crate::content::folders;
use crate::content::looks::{Begun, Looks};
use crate::content::shares::{Mine, Shares};
use crate::content::store;
use crate::content::watch::Watch;
use crate::data::hash::{Stamp, TICK};

/// How many files are compared between two reads of the database, which others use meanwhile.
const FILES_AT_ONCE: u32 = 1_000;

/// How long nothing is looked at when no share is there, or none is due.
const IDLE: Duration = Duration::from_secs(60);

/// How long nobody waits for a look at another share: looks take milliseconds, and who hashes some gigabytes, or waits for a disk, does so beside the others.
const LOOK_WITHIN: Duration = Duration::from_secs(10);

/// How many watchers disks that do not answer may keep, until what lies elsewhere is followed by looks alone: Linux grants a user 128 of them.
const LENT_MAX: usize = 8;

/// What watches shared folders, and what disks that do not answer keep of it: that goes on to watch what it watched before.
#[derive(Default)]
pub(super) struct Watches {
    watch: Option<Watch>,
    /// Where the others come back from.
    lent: Vec<mpsc::Receiver<Watch>>,
}

impl Shares {
    /// Looks at every share that is due, one after the other, each watched before. One that takes long is looked at beside the others. When the next is
    /// due.
    pub(super) fn tend(self: &Arc<Self>, watches: &mut Watches, now: Time) -> io::Result<Instant> {
        let mine = self.mine()?;
        let is_there = |share: &ShareId| mine.iter().any(|mine| mine.head.share == *share);
        for copy in self.looks().take_others(is_there) {
            self.reread_aside(copy);
        }
        self.looks().retain(is_there);
        self.absent().retain(is_there);
        watches.settle(self.looks(), mine.is_empty());
        if let Some(watch) = &mut watches.watch {
            watch.retain(is_there);
        }
        let at = Instant::now();
        let due = |mine: &&Mine| self.looks().due(&mine.head.share, at) <= at;
        let due: Vec<&Mine> = mine.iter().filter(due).collect();
        let silent = self.silent(due.iter().map(|mine| mine.head.share))?;
        for mine in due {
            let share = &mine.head.share;
            if silent.contains(share) {
                self.note_silent(share);
            } else if let Some(begun) = self.looks().begin(share, Instant::now()) {
                self.follow_and_look(mine, begun, watches, now);
            }
        }
        let at = Instant::now();
        let due = mine
            .iter()
            .map(|mine| self.looks().due(&mine.head.share, at));
        Ok(due.min().unwrap_or(at + IDLE).min(at + IDLE))
    }

    /// Watches a share, if there is something to do so with, and looks at it; waits for that, but not for long.
    fn follow_and_look(
        self: &Arc<Self>,
        mine: &Mine,
        begun: Begun,
        watches: &mut Watches,
        now: Time,
    ) {
        let (share, roots) = (mine.head.share, mine.roots.clone());
        let (back, comes_back) = mpsc::channel();
        let watch = watches.take(self);
        let is_lent = watch.is_some();
        let follow = move |shares: &Self| {
            let Some(mut watch) = watch else {
                // It is looked at more often.
                drop(back);
                return shares.looks().set_watched(&share, false);
            };
            let is_watched = watch.follow(&share, &roots);
            shares.looks().set_watched(&share, is_watched);
            // Who lent it may have gone.
            let _ = back.send(watch);
        };
        let (ends, ended) = mpsc::channel::<()>();
        let looking = Looking::new(self, share);
        let head = mine.head.clone();
        aside("look", move || {
            let _ends = ends;
            follow(looking.shares());
            looking.look(&head, begun, now);
        });
        let begun = Instant::now();
        if is_lent {
            watches.take_back(self.looks(), comes_back);
        }
        // Nothing is ever sent: it is over when the other end is dropped.
        let _ = ended.recv_timeout(LOOK_WITHIN.saturating_sub(begun.elapsed()));
    }

    /// Has a copy read once more in which something changed, by a thread of its own, one for each copy; waits for that, but not for long.
    fn reread_aside(self: &Arc<Self>, copy: ShareId) {
        if !self.rereading().insert(copy) {
            return;
        }
        let shares = Arc::clone(self);
        let (ends, ended) = mpsc::channel::<()>();
        let reread = move || {
            let _ends = ends;
            if let Err(error) = shares.examine_anew(&copy) {
                tracing::debug!(%error, "a copy is not provided any more");
            }
            shares.rereading().remove(&copy);
        };
        if !aside("reread", reread) {
            self.rereading().remove(&copy);
        }
        let _ = ended.recv_timeout(LOOK_WITHIN);
    }

    /// [`Shares::look`] by a thread that nobody has to wait for: what this gives ends when it is over.
    pub(super) fn look_aside(self: &Arc<Self>, head: Head, now: Time) -> oneshot::Receiver<()> {
        let (ends, ended) = oneshot::channel();
        if let Some(begun) = self.looks().begin(&head.share, Instant::now()) {
            let looking = Looking::new(self, head.share);
            aside("look", move || {
                let _ends = ends;
                looking.look(&head, begun, now);
            });
        }
        ended
    }

    /// Removes the outboards of files, and copies of pictures, that are in no share any more. Not while a scan is under way: it saves outboards first, and then
    /// says of which files.
    pub(super) fn sweep(&self) -> io::Result<u64> {
        let Some(_scanning) = self.try_scan_alone() else {
            return Ok(0);
        };
        let removed = self.outboards().sweep(|hash| self.is_in_a_share(hash))?;
        Ok(removed + self.sweep_bare()?)
    }

    /// Looks at a share, if it is time to: where its files changed, they are hashed again, and it has a new head. What cannot be read leaves it as
    /// it was, and is told ([`placed`](super::placed)). Blocks.
    #[cfg(test)]
    pub(super) fn look(self: &Arc<Self>, head: &Head, now: Time) {
        if let Some(begun) = self.looks().begin(&head.share, Instant::now()) {
            Looking::new(self, head.share).look(head, begun, now);
        }
    }

    /// Scans again where something changed, unless a scan is under way: it is then for a later look.
    fn looked(&self, head: &Head, begun: Begun, now: Time) -> io::Result<Looked> {
        if !begun.seen && !self.is_changed(head, now)? && !self.lacks_left_out(&head.share)? {
            return Ok(Looked::Sure);
        }
        let Some(_scanning) = self.try_scan() else {
            return Ok(Looked::Unsure);
        };
        self.refresh(&head.share, now).map_err(io::Error::other)?;
        Ok(Looked::Sure)
    }

    fn is_changed(&self, head: &Head, now: Time) -> io::Result<bool> {
        let (roots, row) = store::run(self.database(), |connection| {
            let roots = store::paths(connection, &head.share)?;
            Ok((roots, store::share(connection, &head.share)?))
        })?;
        let since = row.map_or(head.at, |row| row.scanned_at.max(head.at));
        Ok(has_changed_folder(roots, since, now)? || self.has_changed_file(&head.share)?)
    }

    fn has_changed_file(&self, share: &ShareId) -> io::Result<bool> {
        let mut after = None;
        loop {
            let stamps = store::run(self.database(), |connection| {
                store::stamps(connection, share, after.as_ref(), FILES_AT_ONCE)
            })?;
            for (_, path, stamp) in &stamps {
                match fs::symlink_metadata(path) {
                    Ok(metadata) if metadata.is_file() && Stamp::of(&metadata) == *stamp => {}
                    _ => return Ok(true),
                }
            }
            match stamps.into_iter().next_back() {
                Some((hash, path, _)) => after = Some((hash, path)),
                None => return Ok(false),
            }
        }
    }
}

/// A look that was begun, and is over when this is dropped: one that comes to no end of its own is to be made later.
struct Looking {
    shares: Arc<Shares>,
    share: ShareId,
    started: Instant,
    is_made: bool,
}

impl Looking {
    fn new(shares: &Arc<Shares>, share: ShareId) -> Self {
        Self {
            shares: Arc::clone(shares),
            share,
            started: Instant::now(),
            is_made: false,
        }
    }

    fn shares(&self) -> &Shares {
        &self.shares
    }

    /// Blocks for as long as the disk does not answer that the share lies on, if it answered a moment ago.
    fn look(mut self, head: &Head, begun: Begun, now: Time) {
        let silent = self.shares.silent(std::iter::once(self.share));
        if silent.is_ok_and(|silent| silent.contains(&self.share)) {
            return self.shares.note_silent(&self.share);
        }
        self.started = Instant::now();
        let looked = self.shares.looked(head, begun, now);
        self.is_made = !matches!(looked, Ok(Looked::Unsure));
        if let Err(error) = looked {
            tracing::debug!(%error, "cannot look at a share's files again");
        }
        self.shares.note_place(&self.share);
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        let ended = Instant::now();
        let took = ended.duration_since(self.started);
        let looks = self.shares.looks();
        looks.ended(&self.share, ended, took, self.is_made);
    }
}

impl Watches {
    /// Takes what has come back; nothing is watched where nothing is shared.
    fn settle(&mut self, looks: &Looks, is_idle: bool) {
        if is_idle {
            *self = Self::default();
        }
        let before = std::mem::take(&mut self.lent);
        for lent in before {
            match (lent.try_recv(), &self.watch) {
                (Ok(watch), None) => self.watch = Some(watch),
                // What only this watched the other one is to watch.
                (Ok(_), Some(_)) => looks.unwatch_all(),
                (Err(TryRecvError::Empty), _) => self.lent.push(lent),
                // Whoever had it is no more.
                (Err(TryRecvError::Disconnected), _) => looks.unwatch_all(),
            }
        }
    }

    /// What watches, to be lent; `None` where too many do not come back.
    fn take(&mut self, shares: &Shares) -> Option<Watch> {
        let watch = self.watch.take();
        watch.or_else(|| (self.lent.len() < LENT_MAX).then(|| Watch::new(shares.looks_handle())))
    }

    /// Waits until what was lent comes back, but not for long: it may come later.
    fn take_back(&mut self, looks: &Looks, comes_back: mpsc::Receiver<Watch>) {
        match comes_back.recv_timeout(LOOK_WITHIN) {
            Ok(watch) => self.watch = Some(watch),
            Err(RecvTimeoutError::Timeout) => self.lent.push(comes_back),
            // Whoever had it is no more.
            Err(RecvTimeoutError::Disconnected) => looks.unwatch_all(),
        }
    }
}

/// Does something by a thread that nobody has to wait for; false where there is none.
fn aside(name: &str, work: impl FnOnce() + Send + 'static) -> bool {
    let thread = thread::Builder::new().name(name.to_owned());
    let spawned = thread.spawn(work);
    let spawned =
        spawned.inspect_err(|error| tracing::warn!(%error, "no thread to look at disks with"));
    spawned.is_ok()
}

/// What came of a look.
enum Looked {
    /// The share's head is what lies there.
    Sure,
    /// Something may have changed.
    Unsure,
}

/// Whether an entry came or went since `at`, in a folder beneath `roots`. A time yet to come says nothing.
fn has_changed_folder(roots: Vec<PathBuf>, at: Time, now: Time) -> io::Result<bool> {
    let since = at - TICK;
    for folder in roots.iter().flat_map(|root| folders::beneath(root)) {
        let folder = match folder {
            // It is left out of the share, or gone, which the folder that it lay in tells.
            Err(error) if is_closed_or_gone(&error) => continue,
            folder => folder?,
        };
        let changed = Stamp::of(&folder.metadata).mtime_ms();
        let changed = Time(u64::try_from(changed).unwrap_or(0));
        if (since..=now).contains(&changed) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_closed_or_gone(error: &io::Error) -> bool {
    let kind = error.kind();
    matches!(
        kind,
        io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watcher_that_does_not_come_back_any_more_leaves_nothing_watched() {
        let (looks, share) = (Looks::default(), ShareId([1; 32]));
        looks.set_watched(&share, true);
        let (lost, comes_back) = mpsc::channel();
        drop(lost);
        Watches::default().take_back(&looks, comes_back);
        assert!(!looks.is_watched(&share));
    }
}
