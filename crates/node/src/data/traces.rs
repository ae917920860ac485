//! What the pictures and films of this machine say beside their pixels, for their owner to know before they are shared.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kith_core::data::traces::{Position, Traces};

use crate::data::bare::Picture;
use crate::data::hash;

/// How many files and folders are looked at for one answer: a library of pictures, some minutes of reading.
const ENTRIES_MAX: usize = 50_000;

/// How many files that say a place are named.
const NAMED_MAX: usize = 20;

/// What the pictures and films among some files say. Counts are of files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TracesFound {
    /// Pictures and films of known kinds that were looked through.
    pub pictures: u64,
    /// Those that say where they were taken.
    pub place: u64,
    /// Those that say when.
    pub time: u64,
    /// Those that say by which camera.
    pub camera: u64,
    /// Those that say something else.
    pub words: u64,
    /// Files of other kinds, damaged ones, and what cannot be read: what they say is not known.
    pub unknown: u64,
    /// The first that say where they were taken.
    pub examples: Vec<TakenSomewhere>,
    /// Whether there were more files than are looked at.
    pub is_cut: bool,
}

/// A file that says where it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenSomewhere {
    /// Which.
    pub path: PathBuf,
    /// Where, as far as that was read.
    pub at: Option<Position>,
}

impl TracesFound {
    /// Looks at these paths, and in folders beneath. Links are not followed.
    ///
    /// # Errors
    /// What the system says of one of these paths; what lies beneath and cannot be read counts as unknown.
    pub fn at(mut paths: Vec<PathBuf>) -> io::Result<Self> {
        for path in &paths {
            fs::symlink_metadata(path)?;
        }
        let (mut found, mut left) = (Self::default(), ENTRIES_MAX);
        paths.reverse();
        while let Some(path) = paths.pop() {
            if left == 0 {
                found.is_cut = true;
                break;
            }
            left -= 1;
            if found.look(&path, &mut paths).is_err() {
                found.unknown += 1;
            }
        }
        Ok(found)
    }

    /// Looks at a file, or notes what lies in a folder.
    fn look(&mut self, path: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
        let metadata = fs::symlink_metadata(path)?;
        if metadata.is_dir() {
            for entry in fs::read_dir(path)? {
                paths.push(entry?.path());
            }
        } else if metadata.is_file() {
            let picture = Picture::read(&hash::open_in_place(path)?)?;
            self.note(path, picture.and_then(|picture| picture.traces()));
        }
        Ok(())
    }

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
            let (path, at) = (path.to_owned(), traces.at);
            self.examples.push(TakenSomewhere { path, at });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::filmed;
    use kith_core::data::traces;

    /// A JPEG that says so.
    fn taken_somewhere() -> Vec<u8> {
        filmed::jpeg_with_place(b"52.5200 N", b"\x01")
    }

    #[test]
    fn pictures_that_say_where_they_were_taken_are_counted_and_named() {
        let place = tempfile::tempdir().expect("a place");
        let album = place.path().join("album");
        fs::create_dir(&album).expect("room");
        fs::write(album.join("a.jpg"), taken_somewhere()).expect("room");
        let bare = traces::strip(&taken_somewhere()).expect("a picture");
        fs::write(album.join("b.jpg"), &bare).expect("room");
        fs::write(album.join("notes.txt"), b"none").expect("room");
        let found = TracesFound::at(vec![album.clone()]).expect("readable");
        let expected = TracesFound {
            pictures: 2,
            place: 1,
            unknown: 1,
            examples: vec![TakenSomewhere {
                path: album.join("a.jpg"),
                at: None,
            }],
            ..TracesFound::default()
        };
        assert_eq!(found, expected);
        assert!(TracesFound::at(vec![album.join("none")]).is_err());
    }

    #[test]
    fn what_vanishes_or_cannot_be_read_is_not_known_and_the_rest_is() {
        let place = tempfile::tempdir().expect("a place");
        let gone = place.path().join("gone.jpg");
        let mut found = TracesFound::default();
        assert!(found.look(&gone, &mut Vec::new()).is_err());
        assert_eq!(found, TracesFound::default());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let closed = place.path().join("closed");
            fs::create_dir(&closed).expect("room");
            fs::write(place.path().join("a.jpg"), taken_somewhere()).expect("room");
            fs::set_permissions(&closed, fs::Permissions::from_mode(0o0)).expect("ours");
            // Nothing is closed to root.
            let unknown = u64::from(fs::read_dir(&closed).is_err());
            let found = TracesFound::at(vec![place.path().to_owned()]).expect("readable");
            assert_eq!((found.place, found.unknown), (1, unknown));
        }
    }
}
