//! Whether what is shared still is what was hashed, looked at before a head is given out.
//!
//! Files are compared by their stamps, folders by the time of their last change: an entry that came or went changes its folder. So
//! a look reads no file; only what changed is hashed again.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Instant;

use kith_core::data::head::Head;
use kith_core::ids::ShareId;
use kith_core::time::Time;

use crate::content::shares::{Shares, trusted};
use crate::content::store::{self, ShareRow};
use crate::data::hash::{Stamp, TICK};

/// How many files are compared between two reads of the database, which others use meanwhile.
const FILES_AT_ONCE: u32 = 1_000;

impl Shares {
    /// The share as it is now: where its files changed, they are hashed again first. What cannot be read leaves it as it was.
    pub(super) fn freshened(&self, row: ShareRow, head: Head, now: Time) -> (ShareRow, Head) {
        let share = head.share;
        if !self.looks().begin(&share) {
            return (row, head);
        }
        let begun = Instant::now();
        let fresh = match self.is_changed(&head, now) {
            Ok(true) => self.refreshed(&share, now),
            Ok(false) => Ok(None),
            Err(error) => Err(error),
        };
        self.looks().ended(&share, begun.elapsed());
        match fresh {
            Ok(Some(fresh)) => fresh,
            Ok(None) => (row, head),
            Err(error) => {
                tracing::debug!(%error, "cannot look at a share's files again");
                (row, head)
            }
        }
    }

    /// Scans again, unless a scan is under way; it is then for the next asker.
    fn refreshed(&self, share: &ShareId, now: Time) -> io::Result<Option<(ShareRow, Head)>> {
        let Some(_scanning) = self.try_scan() else {
            return Ok(None);
        };
        self.refresh(share, now).map_err(io::Error::other)?;
        let row = self.row(share)?.filter(|row| !row.revoked);
        row.map(|row| {
            let head = trusted(&row).map_err(io::Error::other)?;
            Ok((row, head))
        })
        .transpose()
    }

    fn is_changed(&self, head: &Head, now: Time) -> io::Result<bool> {
        let roots = store::run(self.database(), |connection| {
            store::roots(connection, &head.share)
        })?;
        Ok(has_changed_folder(roots, head.at, now)? || self.has_changed_file(&head.share)?)
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

/// Whether an entry came or went since `at`, in a folder beneath `roots`. A time yet to come says nothing.
fn has_changed_folder(roots: Vec<PathBuf>, at: Time, now: Time) -> io::Result<bool> {
    let since = at - TICK;
    let mut folders = roots;
    while let Some(folder) = folders.pop() {
        let metadata = fs::symlink_metadata(&folder)?;
        if !metadata.is_dir() {
            continue;
        }
        let changed = Time(u64::try_from(Stamp::of(&metadata).mtime_ms()).unwrap_or(0));
        if (since..=now).contains(&changed) {
            return Ok(true);
        }
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(false)
}
