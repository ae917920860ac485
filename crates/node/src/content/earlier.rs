//! What a share was when it was got: by that it shows which files here nobody has touched since, so that another version may take their place, and
//! which were deleted here.
//!
//! What is got is written down before anything of it gets its name (`was`), whether it becomes a copy or not. What is known of a path of a folder is said by the
//! newest version by which something was to come to just that path, and that came to its end: what it had came, or was left as it was. One that did not come to its end may
//! have brought what it had, or may not; and of what came to no folder of this name all that was ever got counts as if it may have.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use kith_core::data::manifest::{self, Entry, Found, Node};
use kith_core::data::path;
use kith_core::ids::{BlobHash, ShareId};

use crate::content::filter::Filter;
use crate::content::kept::{Kept, Why};
use crate::content::known::{self, trusted};
use crate::content::shares::Shares;
use crate::content::was::{Version, Was};
use crate::content::{store, was};
use crate::data::hash::{self, Stamp};
use crate::data::nodes::Nodes;
use crate::data::places::beneath;

/// Nodes that are kept at hand: those on the way to a file, and to the next ones.
const NODES_MAX: usize = 32;

/// A share as it was when it was got last, as far as that is known.
#[derive(Debug)]
pub struct Earlier {
    shares: Arc<Shares>,
    share: ShareId,
    /// What was written down, the version got last first,
    was: Vec<Got>,
    /// and the copy.
    copy: Option<BlobHash>,
    nodes: Mutex<VecDeque<(BlobHash, Arc<Node>)>>,
}

/// A version that was got.
#[derive(Debug)]
struct Got {
    was: Was,
    /// Read when it is asked for.
    rest: OnceLock<Rest>,
}

/// Which paths are none of its own.
struct Rest {
    kept: Kept,
    only: Option<Filter>,
}

/// What is written down of a version and a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// It was not to come there.
    Nothing,
    /// It was, and did not.
    Kept(Why),
    /// What it has there came, or came perhaps if it was cut off.
    Comes,
}

impl std::fmt::Debug for Rest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Rest").finish_non_exhaustive()
    }
}

/// What is known of a path in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// What came there last; `None` where nothing is known to have come, or something else was left there since.
    brought: Option<Entry>,
    /// Files that may have come there, too,
    maybe: Vec<manifest::File>,
    /// and where links lead that may.
    maybe_links: Vec<String>,
    /// What was to come and did not: a run that was killed may have brought it since.
    since: Vec<Entry>,
    /// Whether what came there last was changed here.
    was_changed: bool,
    /// Whether no others may.
    is_decided: bool,
}

impl Known {
    /// Whether a file of this content is as it came.
    pub(super) fn is_ours(&self, content: &BlobHash) -> bool {
        (self.files().chain(self.files_since())).any(|file| file.hash == *content)
    }

    /// Whether it is, and may be run as it might when it came.
    pub(super) fn is_mode_ours(&self, content: &BlobHash, executable: bool) -> bool {
        (self.files().chain(self.files_since()))
            .any(|file| file.hash == *content && file.executable == executable)
    }

    /// Whether it tells of a file that came there, or may have.
    pub(super) fn is_of_a_file(&self) -> bool {
        self.files().next().is_some()
    }

    /// Whether it tells of a link that came there, or may have.
    pub(super) fn is_of_a_link(&self) -> bool {
        matches!(self.brought, Some(Entry::Symlink(_))) || !self.maybe_links.is_empty()
    }

    /// Whether what came there was seen to be another than it was when it came.
    pub(super) fn was_changed(&self) -> bool {
        self.was_changed
    }

    /// Whether it is, and has the time that it had when it came.
    pub(super) fn is_time_ours(&self, content: &BlobHash, mtime_ms: i64) -> bool {
        (self.files().chain(self.files_since()))
            .any(|file| file.hash == *content && file.mtime_ms == mtime_ms)
    }

    /// Whether a link that leads there is as it came.
    pub(super) fn is_link_ours(&self, target: &str) -> bool {
        let came = self.brought.iter().chain(&self.since);
        let came = came.filter_map(|entry| match entry {
            Entry::Symlink(came) => Some(&came.target),
            Entry::Directory(_) | Entry::File(_) => None,
        });
        came.chain(&self.maybe_links).any(|came| came == target)
    }

    /// One more thing that may have come there.
    fn add(&mut self, entry: Entry) {
        match entry {
            Entry::File(file) if !self.maybe.contains(&file) => self.maybe.push(file),
            Entry::Symlink(link) if !self.maybe_links.contains(&link.target) => {
                self.maybe_links.push(link.target);
            }
            _ => {}
        }
    }

    fn files(&self) -> impl Iterator<Item = &manifest::File> {
        files_of(&self.brought).chain(&self.maybe)
    }

    fn files_since(&self) -> impl Iterator<Item = &manifest::File> {
        files_of(&self.since)
    }
}

/// The files among these.
fn files_of<'a>(
    entries: impl IntoIterator<Item = &'a Entry>,
) -> impl Iterator<Item = &'a manifest::File> {
    entries.into_iter().filter_map(|entry| match entry {
        Entry::File(file) => Some(file),
        Entry::Directory(_) | Entry::Symlink(_) => None,
    })
}

impl Earlier {
    /// What is known of a share of somebody else. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub fn of(shares: &Arc<Shares>, share: ShareId) -> io::Result<Self> {
        let (copy, was) = store::run(shares.database(), |connection| {
            let copy = known::copy(connection, &share)?.map(|copy| copy.head);
            Ok((copy, was::versions(connection, &share)?))
        })?;
        let got = |was| Got {
            was,
            rest: OnceLock::new(),
        };
        Ok(Self {
            shares: Arc::clone(shares),
            share,
            was: was.into_iter().map(got).collect(),
            copy: copy.and_then(|head| Some(trusted(&head).ok()?.manifest)),
            nodes: Mutex::default(),
        })
    }

    /// What came last to a path below `folder`, and in the share. Blocks.
    pub(super) fn brought(&self, folder: &Path, paths: (&str, &str)) -> io::Result<Option<Entry>> {
        Ok(self.written_down(folder, paths)?.brought)
    }

    /// What is known of a path below `folder`, and in the share. Blocks.
    pub(super) fn known(&self, folder: &Path, paths: (&str, &str)) -> io::Result<Known> {
        let (mut known, in_share) = (self.written_down(folder, paths)?, paths.1);
        if known.is_decided {
            return Ok(known);
        }
        self.may_be(self.copy, in_share, &mut known)?;
        if known.maybe.is_empty() && known.maybe_links.is_empty() {
            let all = self.was.iter().map(|got| got.was.manifest);
            self.may_be(all, in_share, &mut known)?;
        }
        Ok(known)
    }

    /// What was written down of that folder, as far as it decides.
    fn written_down(&self, folder: &Path, (path, in_share): (&str, &str)) -> io::Result<Known> {
        let at = beneath(was::place(folder), path);
        let mut known = Known::default();
        for got in &self.was {
            match self.said(got, &at)? {
                Said::Nothing => continue,
                Said::Kept(why) => {
                    known.since.extend(self.at(got.was.manifest, in_share)?);
                    if why == Why::Waiting {
                        continue;
                    }
                    known.was_changed = why == Why::Changed;
                    known.is_decided = true;
                    return Ok(known);
                }
                Said::Comes => {}
            }
            match self.at(got.was.manifest, in_share)? {
                None => {}
                // Of chosen files no links are made, and no folders but those that they lie in.
                Some(Entry::Symlink(_) | Entry::Directory(_)) if got.was.only.is_some() => {}
                Some(Entry::Directory(_)) if !got.was.is_whole => {}
                Some(entry) if !got.was.is_whole => known.add(entry),
                brought => {
                    (known.brought, known.is_decided) = (brought, true);
                    return Ok(known);
                }
            }
        }
        Ok(known)
    }

    /// Whether a file ever came to a path below `folder`, and in the share, or may have: also where something else was left there since. Blocks.
    pub(super) fn has_come(
        &self,
        folder: &Path,
        (path, in_share): (&str, &str),
    ) -> io::Result<bool> {
        let at = beneath(was::place(folder), path);
        for got in &self.was {
            if self.said(got, &at)? == Said::Comes
                && let Some(Entry::File(_)) = self.at(got.was.manifest, in_share)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What is written down of a version and a place.
    fn said(&self, got: &Got, at: &Path) -> io::Result<Said> {
        let Some(below) = was::below(&got.was.target, at) else {
            return Ok(Said::Nothing);
        };
        let rest = self.rest(got)?;
        if let Some(why) = rest.kept.why(&below) {
            return Ok(Said::Kept(why));
        }
        let is_wanted = |only: &Filter| below == "." || (only.wants)(&below);
        Ok(match rest.only.as_ref().is_none_or(is_wanted) {
            true => Said::Comes,
            false => Said::Nothing,
        })
    }

    /// What a file or link was in some versions may have come, wherever those were got to.
    fn may_be(
        &self,
        roots: impl IntoIterator<Item = BlobHash>,
        in_share: &str,
        known: &mut Known,
    ) -> io::Result<()> {
        for root in roots {
            if let Some(entry) = self.at(root, in_share)? {
                known.add(entry);
            }
        }
        Ok(())
    }

    fn rest<'a>(&self, got: &'a Got) -> io::Result<&'a Rest> {
        if let Some(rest) = got.rest.get() {
            return Ok(rest);
        }
        let (kept, only) = store::run(self.shares.database(), |connection| {
            was::rest(connection, &got.was)
        })?;
        // Of a filter that cannot be read nothing is known but that it was none for all.
        let nothing = || Filter {
            name: String::new(),
            wants: Arc::new(|_| false),
        };
        let only = only.map(|name| Filter::named(&name).unwrap_or_else(nothing));
        Ok(got.rest.get_or_init(|| Rest { kept, only }))
    }

    /// What lies at a path of a version.
    fn at(&self, root: BlobHash, path: &str) -> io::Result<Option<Entry>> {
        let Ok(names) = path::split(path) else {
            return Ok(None);
        };
        let mut at = Some(root);
        let mut found = None;
        for name in names {
            // Nothing lies below a file.
            let Some(node) = at.take() else {
                return Ok(None);
            };
            found = self.entry(node, name)?;
            if let Some(Entry::Directory(directory)) = &found {
                at = Some(directory.node);
            }
        }
        Ok(found)
    }

    fn entry(&self, mut at: BlobHash, name: &str) -> io::Result<Option<Entry>> {
        // Parts lie below each other a few times at most, and each node below another.
        while let Some(node) = self.node(at)? {
            match node.find(name) {
                Found::Entry(entry) => return Ok(Some(entry.clone())),
                Found::Part(part) => at = part.node,
                Found::Nothing => return Ok(None),
            }
        }
        Ok(None)
    }

    fn node(&self, hash: BlobHash) -> io::Result<Option<Arc<Node>>> {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, node)) = nodes.iter().find(|(known, _)| *known == hash) {
            return Ok(Some(Arc::clone(node)));
        }
        let bytes = store::run(self.shares.database(), |connection| {
            was::node(connection, &self.share, &hash)
        })?;
        let Some(node) = bytes.and_then(|bytes| Node::decode(&bytes).ok()) else {
            return Ok(None);
        };
        let node = Arc::new(node);
        if nodes.len() >= NODES_MAX {
            nodes.pop_front();
        }
        nodes.push_back((hash, Arc::clone(&node)));
        Ok(Some(node))
    }

    /// What the file at this place holds: by what was written down of it, or else by hashing it.
    pub(super) fn content(&self, path: &Path, stamp: Stamp) -> io::Result<BlobHash> {
        let known = store::run(self.shares.database(), |connection| {
            store::known(connection, path, stamp)
        })?;
        match known {
            Some(known) => Ok(known.hash),
            None => Ok(hash::hash_file(path)?.hash),
        }
    }
}

/// Where it is written down what is got.
#[derive(Clone, Debug)]
pub struct Record {
    shares: Arc<Shares>,
    version: Version,
}

impl Record {
    /// Of a version of a share that is got to `target`, or these files of it.
    pub(super) fn new(
        shares: &Arc<Shares>,
        share: ShareId,
        manifest: BlobHash,
        (target, only): (&Path, Option<&Filter>),
    ) -> Self {
        let target: PathBuf = was::place(target);
        let only = only.map(|only| only.name.clone()).unwrap_or_default();
        Self {
            shares: Arc::clone(shares),
            version: Version {
                share,
                manifest,
                target,
                only,
            },
        }
    }

    /// It is about to get its name, file by file or at once. Blocks.
    pub(super) fn begin(&self, nodes: &Nodes) -> io::Result<()> {
        if nodes.bytes() > was::BYTES_MAX {
            return Ok(());
        }
        // One that cannot be read any more is missing from what is remembered.
        let nodes = nodes.all().filter_map(|node| node.ok().flatten());
        store::run(self.shares.database(), |connection| {
            was::begin(connection, &self.version, nodes, was::BYTES_MAX)
        })
    }

    /// All of it has its name, but for what was kept, by paths below the folder that it lies in. Blocks.
    pub(super) fn complete(&self, folder: &Path, kept: &Kept) -> io::Result<()> {
        let (folder, target) = (was::place(folder), &self.version.target);
        let kept = kept.moved(|path| was::below(target, &beneath(folder.clone(), path)));
        store::run(self.shares.database(), |connection| {
            was::complete(connection, &self.version, &kept)
        })
    }
}
