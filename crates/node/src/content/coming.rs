//! What arrives of a transfer, as those see it who read its files meanwhile: where each lies on the line, and what they want of it next.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use kith_core::content::swarm::getter::{Priority, ReaderId, TransferId};
use kith_core::content::swarm::span::Span;
use kith_core::content::wire::GROUP_BYTES;

use crate::content::priorities::{Level, Priorities};
use crate::content::swarm::Getting;
use crate::content::swarm::arriving::{Arriving, File};

/// What arrives.
#[derive(Debug)]
pub(super) struct Coming {
    getting: Arc<Getting>,
    transfer: TransferId,
    pub(super) arriving: Arc<Arriving>,
    /// What is fetched, where that is one file.
    file: Option<String>,
    priorities: Priorities,
    /// What each reader wants next.
    windows: Mutex<BTreeMap<ReaderId, Window>>,
}

/// What a reader wants next.
#[derive(Debug)]
struct Window {
    span: Span,
    path: Arc<str>,
    /// Whether it comes for its readers alone.
    is_put_off: bool,
}

impl Coming {
    /// Of a transfer known by this number; `file` names what is fetched, where that is a single one.
    pub(super) fn new(
        (getting, transfer): (Arc<Getting>, TransferId),
        arriving: Arc<Arriving>,
        file: Option<String>,
        priorities: Priorities,
    ) -> Self {
        Self {
            getting,
            transfer,
            arriving,
            file,
            priorities,
            windows: Mutex::default(),
        }
    }

    /// Whether a file may come at this path: none does at that of a folder that is fetched, nor beneath a file.
    pub(super) fn may_have(&self, path: &str) -> bool {
        match &self.file {
            Some(file) => path.is_empty() || path == file,
            None => !path.is_empty(),
        }
    }

    /// Where a file lies on the line, and it, by its path; `None` while it is not known.
    pub(super) fn find(&self, path: &str) -> Option<(u64, File)> {
        match &self.file {
            Some(file) => self.arriving.find(file),
            None => self.arriving.find(path),
        }
    }

    /// By which path a file is wanted that was found by this one: another, where it is made of the file there.
    pub(super) fn read_as(&self, path: &str, found: &File) -> Arc<str> {
        match &self.file {
            Some(_) => path.into(),
            None => Arc::clone(&found.path),
        }
    }

    /// A reader of the file at `path` wants this next, and what it wanted before no longer.
    pub(super) fn show(&self, reader: ReaderId, path: &str, window: Option<Span>) {
        let transfer = self.transfer;
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let is_put_off = self.priorities.of(path) == Level::Unwanted;
        let before = match window {
            Some(span) => {
                let path = path.into();
                let window = Window {
                    span,
                    path,
                    is_put_off,
                };
                windows.insert(reader, window)
            }
            None => windows.remove(&reader),
        };
        let before = before.filter(|before| before.is_put_off);
        if let Some(before) = &before {
            self.getting
                .tell(|getter, now| getter.handle_unwanted(now, transfer, before.span));
        }
        if is_put_off || before.is_some() {
            self.want(&windows);
        }
        self.getting
            .tell(|getter, now| getter.handle_window(now, transfer, reader, window));
    }

    /// How soon its files are wanted was told anew: what is read stays wanted.
    pub(super) fn levels_changed(&self) {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        for window in windows.values_mut() {
            // What is wanted anyway stays wanted when nobody reads it any more.
            window.is_put_off = self.priorities.of(&window.path) == Level::Unwanted;
        }
        self.want(&windows);
    }

    /// Has asked for what readers want, whatever is said of its files.
    fn want(&self, windows: &BTreeMap<ReaderId, Window>) {
        let transfer = self.transfer;
        self.getting.tell(|getter, now| {
            for window in windows.values() {
                getter.handle_wanted(now, transfer, window.span, Priority::High);
            }
        });
    }
}

/// The groups of a file that some bytes of it are in, as a stretch of the line: less cannot be asked for. The file begins at `position`, and
/// has `size` bytes.
pub(super) fn groups(position: u64, bytes: Range<u64>, size: u64) -> Span {
    let start = bytes.start / GROUP_BYTES * GROUP_BYTES;
    let end = bytes.end.div_ceil(GROUP_BYTES).saturating_mul(GROUP_BYTES);
    Span {
        start: position.saturating_add(start.min(size)),
        end: position.saturating_add(end.min(size)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_groups_are_asked_for_and_nothing_behind_the_file() {
        let size = 3 * GROUP_BYTES + 5;
        for (bytes, start, end) in [
            (0..1, 0, GROUP_BYTES),
            (GROUP_BYTES - 1..GROUP_BYTES + 1, 0, 2 * GROUP_BYTES),
            (3 * GROUP_BYTES..u64::MAX, 3 * GROUP_BYTES, size),
            (u64::MAX..u64::MAX, size, size),
        ] {
            let (start, end) = (1_000 + start, 1_000 + end);
            assert_eq!(groups(1_000, bytes, size), Span { start, end });
        }
    }
}
