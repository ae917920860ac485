//! Files of one content in one transfer: one is fetched, and the others are made of it.

use std::path::Path;
use std::sync::Arc;

use kith_core::content::swarm::span::Span;

use super::Transfer;
use crate::content::error::GetError;
use crate::content::preparing::{blocking, make_repeats, span};
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
                let repeat = (position, file.clone());
                self.repeated.push((first, vec![repeat]));
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

    /// Makes of files that have come whole what is the same. Where that cannot be done it is asked for.
    pub(super) async fn make_repeats(&mut self) -> Result<(), GetError> {
        while let Some((first, repeats)) = self.repeated.pop() {
            let (tasks, path) = (&self.fetching.arriving.tasks, Arc::clone(&first.path));
            let to_make = repeats.clone();
            let making = blocking(tasks, Path::new(&*path), move || {
                make_repeats(&first, &to_make)
            });
            let made = making.await?;
            let files = repeats.len() as u64;
            for ((position, file), made) in repeats.into_iter().zip(made) {
                match made {
                    Some(brought) => self.made(position, &file, brought),
                    None => self.want_file(position, &file),
                }
            }
            self.put_off = self.put_off.saturating_sub(files);
        }
        Ok(())
    }

    /// A file was made of another.
    fn made(&mut self, position: u64, file: &File, brought: Brought) {
        let whole = span(position, 0, file.incoming.blob.size);
        self.fetching.want(&[whole], &[]);
        self.fetching.arriving.made(position);
        // Others may have waited for it.
        let repeated = self.fetching.arriving.take_repeats(position);
        self.repeated.extend(repeated);
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
