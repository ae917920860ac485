//! What the items of a tree become on the disk: directories, and files of which something is held and something wanted, so or so soon.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use kith_core::content::swarm::getter::Priority;
use kith_core::content::swarm::span::Span;
use kith_core::data::walk::Item;
use kith_core::ids::BlobHash;

use crate::content::compare;
use crate::content::error::GetError;
use crate::content::priorities::{Level, Levels};
use crate::content::request::{AlreadyHere, Filter};
use crate::content::swarm::arriving::{Arriving, File};
use crate::data::staging::Staging;

/// What became of some items on the disk.
#[derive(Default)]
pub(super) struct Prepared {
    /// What is here, on the line.
    pub(super) held: Vec<Span>,
    /// What is not, and how soon it is wanted.
    pub(super) wanted: Vec<(Span, Priority)>,
    /// Links to be made in the end: where, and what they say.
    pub(super) symlinks: Vec<(String, String)>,
    /// Bytes that are here.
    pub(super) bytes: u64,
    /// Files that are whole,
    pub(super) files: u64,
    /// and those that are not;
    pub(super) unfinished: u64,
    /// of these, those that are put off.
    pub(super) put_off: u64,
    /// Links that lead out of what is fetched.
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
}

/// Makes them directories and files in a staging folder. Blocks.
///
/// # Errors
/// The disk's.
pub(super) fn prepare(
    staging: &Staging,
    arriving: &Arriving,
    items: Vec<Item>,
    sorting: &Sorting,
) -> Result<Prepared, GetError> {
    let mut prepared = Prepared::default();
    let only = sorting.only.as_ref();
    let here = sorting.here.as_ref();
    let here = here.map_or_else(BTreeMap::new, |here| here(&hashes(&items)));
    for item in items {
        match item {
            Item::Directory { path } if only.is_none() => {
                staging
                    .directory(&path)
                    .map_err(|error| GetError::staging(error, &path))?;
            }
            Item::File {
                path,
                file,
                position,
            } if only.is_none_or(|only| (only.wants)(&path)) => {
                let disk = |error| GetError::staging(error, &path);
                if only.is_some() {
                    staging.parents(&path).map_err(disk)?;
                }
                let candidates = here.get(&file.hash).map_or(&[][..], Vec::as_slice);
                let candidates = match sorting.levels.of(&path) {
                    Level::Unwanted => &[],
                    _ => candidates,
                };
                let incoming = staging
                    .incoming_from(&path, &file, candidates)
                    .map_err(disk)?;
                if file.size == 0 {
                    incoming.write(&(0..0), &[]).map_err(disk)?;
                    prepared.files += 1;
                    continue;
                }
                let file = File {
                    incoming: Arc::new(incoming),
                    path: path.into(),
                };
                prepared.place(position, &file, sorting);
                arriving.place(position, file);
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

impl Prepared {
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
fn hashes(items: &[Item]) -> Vec<BlobHash> {
    let hashes = items.iter().filter_map(|item| match item {
        Item::File { file, .. } => Some(file.hash),
        _ => None,
    });
    hashes.collect()
}

/// Adds a span to ascending ones; it becomes one with the last where they touch.
fn add(spans: &mut Vec<Span>, span: Span) {
    match spans.last_mut() {
        _ if span.bytes() == 0 => {}
        Some(last) if last.end == span.start => last.end = span.end,
        _ => spans.push(span),
    }
}

/// Finds them as they are beneath an existing target. Blocks.
///
/// # Errors
/// [`GetError::TargetExists`] when it is something else; the disk's.
pub(super) fn compare_all(target: &Path, items: &[Item]) -> Result<Prepared, GetError> {
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
