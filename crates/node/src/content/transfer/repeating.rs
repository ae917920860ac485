//! Files of one content in one transfer: one is fetched, and the others are made of it.

use kith_core::content::swarm::span::Span;

use super::Transfer;
use super::making::Making;
use crate::content::preparing::span;
use crate::content::swarm::arriving::File;
use crate::data::incoming::Brought;

impl Transfer {
    /// Has a file of which nothing is here, and nothing was asked for, be made of one that is here, or on its way and wanted as soon; whether it is. It is
    /// what others can be made of where it is not.
    pub(super) fn repeat(&mut self, position: u64, file: &File) -> bool {
        if file.incoming.is_begun() {
            return false;
        }
        let arriving = &self.fetching.arriving;
        let first = arriving.first(&file.incoming.blob);
        let first = first.filter(|(first, _)| *first != position);
        let level = |file: &File| self.levels.of(&file.path);
        match first {
            Some((_, first)) if first.incoming.is_whole() => {
                self.repeated.push_back((first, (position, file.clone())));
                true
            }
            Some((_, first))
                if level(&first) >= level(file) && arriving.place_repeat(position, file) =>
            {
                true
            }
            _ => {
                arriving.place(position, file.clone());
                false
            }
        }
    }

    /// Has what waited for the file that begins at `first`, which is whole, be made of it.
    pub(super) fn take_repeats(&mut self, first: u64) {
        if let Some((first, repeats)) = self.fetching.arriving.take_repeats(first) {
            let repeats = repeats.into_iter();
            (self.repeated).extend(repeats.map(|repeat| (first.clone(), repeat)));
        }
    }

    /// Begins to make the next that is to be made, unless one is being made.
    pub(super) fn begin_making(&mut self) {
        if self.making.is_some() {
            return;
        }
        let Some((first, repeat)) = self.repeated.pop_front() else {
            return;
        };
        let tasks = &self.fetching.arriving.tasks;
        self.making = Some(Making::begin(tasks, first, repeat));
    }

    /// Where those lie that are to be made, and the one that is being made.
    pub(super) fn to_make(&self) -> impl Iterator<Item = u64> {
        let making = self.making.iter().map(|making| making.repeat.0);
        making.chain(self.repeated.iter().map(|(_, (position, _))| *position))
    }

    /// A file was made of another, or could not be, and is asked for.
    pub(super) fn take_made(&mut self, made: Option<Brought>) {
        let Some(Making { repeat, .. }) = self.making.take() else {
            return;
        };
        self.put_off = self.put_off.saturating_sub(1);
        let (position, file) = repeat;
        let Some(brought) = made else {
            return self.want_file(position, &file);
        };
        let whole = span(position, 0, file.incoming.blob.size);
        self.fetching.want(&[whole], &[]);
        self.fetching.arriving.made(position);
        // Others may have waited for it.
        self.take_repeats(position);
        self.progress.bytes += brought.bytes;
        // Where its last part came meanwhile, that counts.
        self.progress.files += u64::from(brought.is_last);
        self.unfinished -= u64::from(brought.is_last);
    }

    /// Asks for what was to be made of other files, because nobody who is there has those; whether there was any.
    pub(super) fn want_repeats(&mut self) -> bool {
        let left = (self.fetching.arriving).take_repeats_if(|_, _| true);
        self.put_off = self.put_off.saturating_sub(left.len() as u64);
        for (position, file) in &left {
            self.want_file(*position, file);
        }
        !left.is_empty()
    }

    /// Asks for what is missing of a file, as soon as it is wanted.
    fn want_file(&mut self, position: u64, file: &File) {
        let priority = self.levels.of(&file.path).priority();
        self.put_off += u64::from(priority.is_none());
        let missing = file.incoming.missing().into_iter();
        let missing: Vec<Span> = missing
            .map(|part| span(position, part.start, part.end))
            .collect();
        self.fetching.want_anew(&missing, priority);
    }
}
