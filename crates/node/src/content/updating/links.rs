//! The symbolic links of what is brought up to date: made last, as in a get that brings all, so that nothing is written through one.
//!
//! One that leads where it came to lead is its owner's, and may lead elsewhere; one that was changed here stays, and is named. One that was deleted here
//! comes again when its owner has it lead elsewhere. Each is looked at when its node is read, and once more when it is put there.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use kith_core::data::manifest::Entry;

use super::{Update, Way, in_share, is_closed, way};
use crate::content::updated::KeptWhy;
use crate::data::barrier;
use crate::data::disk;
use crate::data::hash::Stamp;
use crate::data::places::beneath;
use crate::data::staging::Staging;

/// The name of a link on its way to its place, beside what arrives.
const GROWING: &str = "link";

/// What is to become of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judged {
    /// It is not here.
    Missing,
    /// It was here, leading just there, and was deleted.
    Deleted,
    /// It is here.
    Same,
    /// Another is here, as it came, with this stamp.
    Outdated(Stamp),
    /// It does not come.
    Kept(KeptWhy),
}

impl Update {
    /// Whether a link that leads `to` is to be made at `path` beneath `folder`; what stays instead is told. Blocks.
    pub(in crate::content) fn wants_link(
        &self,
        folder: &Path,
        (prefix, path): (&str, &str),
        to: &str,
    ) -> io::Result<bool> {
        match self.judge_link(folder, (prefix, path), to)? {
            Judged::Missing | Judged::Outdated(_) => return Ok(true),
            Judged::Deleted => self.lock().updated.deleted += 1,
            Judged::Kept(why) => self.keep(path, why),
            Judged::Same => {}
        }
        Ok(false)
    }

    /// Puts the links of what was staged where they belong, and makes their names durable; what was touched since it was looked at is kept. Blocks.
    pub(in crate::content) fn link(
        &self,
        staging: &Staging,
        folder: &Path,
        prefix: &str,
    ) -> io::Result<()> {
        let mut folders = BTreeSet::new();
        let growing = staging.folder().join(GROWING);
        staging.each_link(|path, to| {
            let at = beneath(folder.to_owned(), path);
            let judged = self.judge_link(folder, (prefix, path), to)?;
            let put = match judged {
                Judged::Missing => disk::make_symlink(to, &at).map(|()| true),
                Judged::Outdated(stamp) => relink(to, &growing, &at, stamp),
                Judged::Same | Judged::Deleted => return Ok(()),
                Judged::Kept(why) => {
                    self.keep(path, why);
                    return Ok(());
                }
            };
            let why = match put {
                Ok(true) => {
                    let updated = &mut self.lock().updated;
                    match judged {
                        Judged::Missing => updated.added += 1,
                        _ => updated.replaced += 1,
                    }
                    folders.insert(disk::parent(&at).to_owned());
                    return Ok(());
                }
                Ok(false) => KeptWhy::Changed,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => KeptWhy::Occupied,
                // The folder that it lies in did not come, or is gone again.
                Err(error) if error.kind() == io::ErrorKind::NotFound => KeptWhy::Closed,
                Err(error) if is_closed(&error) => KeptWhy::Closed,
                Err(error) => return Err(error),
            };
            self.keep(path, why);
            Ok(())
        })?;
        barrier::folders(folder, &folders)
    }

    fn judge_link(
        &self,
        folder: &Path,
        (prefix, path): (&str, &str),
        to: &str,
    ) -> io::Result<Judged> {
        match self.look_at_link(folder, (path, &in_share(prefix, path)), to) {
            Err(error) if is_closed(&error) => Ok(Judged::Kept(KeptWhy::Closed)),
            looked => looked,
        }
    }

    fn look_at_link(&self, folder: &Path, paths: (&str, &str), to: &str) -> io::Result<Judged> {
        let at = beneath(folder.to_owned(), paths.0);
        let found = match way(folder, paths.0)? {
            Way::Free => fs::symlink_metadata(&at),
            Way::Missing => Err(io::ErrorKind::NotFound.into()),
            Way::Blocked => return Ok(Judged::Kept(KeptWhy::Occupied)),
        };
        let metadata = match found {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(match self.earlier.brought(folder, paths)? {
                    Some(Entry::Symlink(brought)) if brought.target == to => Judged::Deleted,
                    _ => Judged::Missing,
                });
            }
            other => other?,
        };
        if !metadata.is_symlink() {
            return Ok(Judged::Kept(KeptWhy::Occupied));
        }
        let here = fs::read_link(&at)?;
        if here == Path::new(to) {
            return Ok(Judged::Same);
        }
        let known = self.earlier.known(folder, paths)?;
        let is_ours = here.to_str().is_some_and(|here| known.is_link_ours(here));
        Ok(match is_ours {
            true => Judged::Outdated(Stamp::of(&metadata)),
            false if known.is_of_a_link() || known.was_changed() => Judged::Kept(KeptWhy::Changed),
            false => Judged::Kept(KeptWhy::Unknown),
        })
    }
}

/// Puts a link in the place of another that has this stamp; there is the one or the other at any instant. False where something else is there.
fn relink(to: &str, growing: &Path, at: &Path, stamp: Stamp) -> io::Result<bool> {
    // What an earlier run left.
    disk::remove_file(growing)?;
    disk::make_symlink(to, growing)?;
    let is_put = disk::replace_link(growing, at, stamp)?;
    disk::remove_file(growing)?;
    Ok(is_put)
}
