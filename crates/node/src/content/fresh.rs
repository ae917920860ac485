//! Whether what is shared still is what was hashed: looked at before a head is given out, and when something was seen to change.
//!
//! Files are compared by their stamps, folders by the time of their last change: an entry that came or went changes its folder. So
//! a look reads no file; only what changed is hashed again. When a look is made is [`Looks`](super::looks::Looks)' to say.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use kith_core::data::head::Head;
use kith_core::ids::ShareId;
use kith_core::time::Time;

use crate::content::folders;
use crate::content::looks::Begun;
use crate::content::shares::Shares;
use crate::content::store;
use crate::content::watch::Watch;
use crate::data::hash::{Stamp, TICK};

/// How many files are compared between two reads of the database, which others use meanwhile.
const FILES_AT_ONCE: u32 = 1_000;

/// How long nothing is looked at when no share is there, or none is due.
const IDLE: Duration = Duration::from_secs(60);

impl Shares {
    /// Looks at every share that is due, one after the other, each watched before. When the next is due.
    pub(super) fn tend(&self, watch: &mut Option<Watch>, now: Time) -> io::Result<Instant> {
        let mine = self.mine()?;
        let is_there = |share: &ShareId| mine.iter().any(|mine| mine.head.share == *share);
        for copy in self.looks().take_others(is_there) {
            if let Err(error) = self.examine_anew(&copy) {
                tracing::debug!(%error, "a copy is not provided any more");
            }
        }
        self.looks().retain(is_there);
        self.absent().retain(is_there);
        if mine.is_empty() {
            *watch = None;
        } else {
            let watch = watch.get_or_insert_with(|| Watch::new(self.looks_handle()));
            watch.retain(is_there);
        }
        for mine in &mine {
            let share = &mine.head.share;
            let at = Instant::now();
            if self.looks().due(share, at) > at {
                continue;
            }
            if let Some(watch) = watch {
                let is_watched = watch.follow(share, &mine.roots);
                self.looks().set_watched(share, is_watched);
            }
            self.look(&mine.head, now);
        }
        let at = Instant::now();
        let due = mine
            .iter()
            .map(|mine| self.looks().due(&mine.head.share, at));
        Ok(due.min().unwrap_or(at + IDLE).min(at + IDLE))
    }

    /// Removes the outboards of files, and copies of pictures, that are in no share any more. Not while a scan is under way: it saves outboards first, and then
    /// says of which files.
    pub(super) fn sweep(&self) -> io::Result<u64> {
        let Some(_scanning) = self.try_scan() else {
            return Ok(0);
        };
        let removed = self.outboards().sweep(|hash| self.is_in_a_share(hash))?;
        Ok(removed + self.sweep_bare()?)
    }

    /// Looks at a share, if it is time to: where its files changed, they are hashed again, and it has a new head. What cannot be read leaves it as
    /// it was, and is told ([`placed`](super::placed)). Blocks.
    pub(super) fn look(&self, head: &Head, now: Time) {
        let share = &head.share;
        let started = Instant::now();
        let Some(begun) = self.looks().begin(share, started) else {
            return;
        };
        let looked = self.looked(head, begun, now);
        let is_made = !matches!(looked, Ok(Looked::Unsure));
        let ended = Instant::now();
        self.looks()
            .ended(share, ended, ended.duration_since(started), is_made);
        if let Err(error) = looked {
            tracing::debug!(%error, "cannot look at a share's files again");
        }
        self.note_place(share);
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
        let changed = Stamp::of(&folder?.metadata).mtime_ms();
        let changed = Time(u64::try_from(changed).unwrap_or(0));
        if (since..=now).contains(&changed) {
            return Ok(true);
        }
    }
    Ok(false)
}
