//! What pictures say beside their pixels: told before they are shared, and left out of those that are put bare into an album.
//!
//! Files that are shared where they lie are never changed; who wants them shared without it puts them into an album.

use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use kith_core::data::traces::{self, Traces};

use super::albums::{AlbumError, Upload, blocking};
use super::handle::Contents;
use crate::data::hash;
use crate::error::Error;

/// The largest picture that is looked through, in bytes: more than any camera writes.
const PICTURE_BYTES_MAX: u64 = 128 << 20;

/// How many files and folders are looked at for one answer: a library of pictures, some minutes of reading.
const ENTRIES_MAX: usize = 50_000;

/// How many files that say a place are named.
const NAMED_MAX: usize = 20;

/// What the pictures among some files say. Counts are of files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TracesFound {
    /// JPEG, PNG and WebP that were looked through.
    pub pictures: u64,
    /// Those that say where they were taken.
    pub place: u64,
    /// Those that say when.
    pub time: u64,
    /// Those that say by which camera.
    pub camera: u64,
    /// Those that say something else.
    pub words: u64,
    /// Files of other kinds, and damaged ones: what they say is not known.
    pub unknown: u64,
    /// The first that say where they were taken.
    pub examples: Vec<PathBuf>,
    /// Whether there were more files than are looked at.
    pub is_cut: bool,
}

impl Contents {
    /// What the pictures at some paths, and in folders beneath, say beside their pixels. Links are not followed.
    ///
    /// # Errors
    /// [`Error::Io`] for a path that cannot be read.
    pub async fn traces(&self, paths: Vec<PathBuf>) -> Result<TracesFound, Error> {
        let looked = tokio::task::spawn_blocking(move || look(paths)).await;
        let looked = looked.map_err(|_| Error::Closed)?;
        looked.map_err(|error| Error::io("cannot look at the pictures", error))
    }
}

impl Upload {
    /// Leaves out what a picture says beside its pixels.
    ///
    /// # Errors
    /// [`AlbumError::NotBare`] for what is no JPEG, PNG or WebP that is whole: nobody knows what is in it, so it does not get into the album.
    pub async fn bare(mut self) -> Result<Self, AlbumError> {
        blocking(move || {
            let name = || AlbumError::NotBare(self.place.names.join("/"));
            if self.bytes > PICTURE_BYTES_MAX {
                return Err(name());
            }
            let mut picture = Vec::new();
            let mut file = self.file.as_file();
            file.seek(SeekFrom::Start(0))?;
            file.read_to_end(&mut picture)?;
            let bare = traces::strip(&picture).ok_or_else(name)?;
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&bare)?;
            self.bytes = bare.len() as u64;
            Ok(self)
        })
        .await
    }
}

fn look(mut paths: Vec<PathBuf>) -> io::Result<TracesFound> {
    let (mut found, mut left) = (TracesFound::default(), ENTRIES_MAX);
    paths.reverse();
    while let Some(path) = paths.pop() {
        if left == 0 {
            found.is_cut = true;
            break;
        }
        left -= 1;
        let metadata = fs::symlink_metadata(&path)?;
        if metadata.is_dir() {
            for entry in fs::read_dir(&path)? {
                paths.push(entry?.path());
            }
        } else if metadata.is_file() {
            found.note(&path, look_at(&path)?);
        }
    }
    Ok(found)
}

fn look_at(path: &Path) -> io::Result<Option<Traces>> {
    let file = hash::open_in_place(path)?;
    if file.metadata()?.len() > PICTURE_BYTES_MAX {
        return Ok(None);
    }
    let mut picture = Vec::new();
    file.take(PICTURE_BYTES_MAX).read_to_end(&mut picture)?;
    Ok(traces::find(&picture))
}

impl TracesFound {
    fn note(&mut self, path: &Path, traces: Option<Traces>) {
        let Some(traces) = traces else {
            self.unknown += 1;
            return;
        };
        self.pictures += 1;
        self.place += u64::from(traces.place);
        self.time += u64::from(traces.time);
        self.camera += u64::from(traces.camera);
        self.words += u64::from(traces.words);
        if traces.place && self.examples.len() < NAMED_MAX {
            self.examples.push(path.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A JPEG around no pixels, whose EXIF has the directory of a place and nothing else.
    const TAKEN_SOMEWHERE: &[u8] = b"\xff\xd8\xff\xe1\0\x20Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\
        \x88\x25\0\x04\0\0\0\x01\0\0\0\x1a\0\0\xff\xda\0\x02\x01\xff\xd9";

    #[test]
    fn pictures_that_say_where_they_were_taken_are_counted_and_named() {
        let place = tempfile::tempdir().expect("a place");
        let album = place.path().join("album");
        fs::create_dir(&album).expect("room");
        fs::write(album.join("a.jpg"), TAKEN_SOMEWHERE).expect("room");
        let bare = traces::strip(TAKEN_SOMEWHERE).expect("a picture");
        fs::write(album.join("b.jpg"), &bare).expect("room");
        fs::write(album.join("notes.txt"), b"none").expect("room");
        let found = look(vec![album.clone()]).expect("readable");
        let expected = TracesFound {
            pictures: 2,
            place: 1,
            unknown: 1,
            examples: vec![album.join("a.jpg")],
            ..TracesFound::default()
        };
        assert_eq!(found, expected);
        assert!(look(vec![album.join("none")]).is_err());
    }
}
