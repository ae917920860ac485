//! Where files of others' shares are kept that are read without being fetched to a folder.
//!
//! ```text
//! partial/<share and path>/.kith-….partial/…   what has arrived of a file
//! partial/<share and path>/<name>              a file of which all has
//! ```
//!
//! It is the node's own, and counted on the disk (holes are not) against what copies may take beside their files. The files read longest
//! ago make room.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use kith_core::crypto;
use kith_core::ids::BlobHash;

use crate::content::quota;
use crate::content::shares::Shares;
use crate::content::store;
use crate::data::hash;
use crate::data::local::Candidate;
use crate::data::places;
use crate::data::range::Blob;

/// What there is room for at least, in bytes, whatever copies take: what a few readers have ahead of them.
pub const ROOM_BYTES_MIN: u64 = 64 << 20;

/// The most files that are kept, so that it is quickly looked through.
const FILES_MAX: usize = 1_024;

/// What a place's name is derived under.
const CONTEXT: &str = "kith/1 read file";

/// How much of the hash stands in a place's name: enough that no two files meet.
const NAME_BYTES: usize = 16;

/// A block as the system counts them, in bytes (POSIX `st_blocks` on every system that is supported).
const BLOCK_BYTES: u64 = 512;

/// The folder. All of its calls block.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

/// The whole files in a [`Cache`], by what they hold. One is looked into when something of its size is wanted.
#[derive(Debug, Default)]
pub struct WholeFiles {
    by_size: BTreeMap<u64, Vec<PathBuf>>,
    by_hash: BTreeMap<BlobHash, Candidate>,
}

/// A file in it.
#[derive(Debug)]
struct Kept {
    used: SystemTime,
    bytes: u64,
    place: PathBuf,
}

impl Cache {
    /// In this folder, which is nobody else's.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The place of a file that has this name among all: a folder of its own, which is noted as used now.
    ///
    /// # Errors
    /// What the system says.
    pub fn place(&self, name: &[&[u8]]) -> io::Result<PathBuf> {
        let place = self.at(name);
        fs::create_dir_all(&place)?;
        File::open(&place)?.set_modified(SystemTime::now())?;
        Ok(place)
    }

    /// The whole file that has this name among all, if all of it has come.
    ///
    /// # Errors
    /// What the system says.
    pub fn find(&self, name: &[&[u8]]) -> io::Result<Option<PathBuf>> {
        match Self::whole(&self.at(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            found => found,
        }
    }

    /// Removes what is kept of a file that has this name among all, if anything is.
    ///
    /// # Errors
    /// What the system says.
    pub fn forget(&self, name: &[&[u8]]) -> io::Result<()> {
        match fs::remove_dir_all(self.at(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn at(&self, name: &[&[u8]]) -> PathBuf {
        let key = crypto::derive(CONTEXT, name);
        let name = data_encoding::HEXLOWER.encode(&key[..NAME_BYTES]);
        self.folder.join(name)
    }

    /// The whole file at a place, if all of it has come.
    ///
    /// # Errors
    /// What the system says.
    pub fn whole(place: &Path) -> io::Result<Option<PathBuf>> {
        for entry in fs::read_dir(place)? {
            let entry = entry?;
            let is_staging = entry.file_name().to_str().is_some_and(places::is_staging);
            if !is_staging && entry.file_type()?.is_file() {
                return Ok(Some(entry.path()));
            }
        }
        Ok(None)
    }

    /// The files of which all has come.
    ///
    /// # Errors
    /// What the system says.
    pub fn whole_files(&self) -> io::Result<WholeFiles> {
        let mut files = WholeFiles::default();
        let places = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(files),
            places => places?,
        };
        for place in places {
            // What makes room may go meanwhile.
            if let Ok(Some(path)) = Self::whole(&place?.path())
                && let Ok(metadata) = fs::symlink_metadata(&path)
            {
                files.by_size.entry(metadata.len()).or_default().push(path);
            }
        }
        Ok(files)
    }

    /// Empties a place.
    ///
    /// # Errors
    /// What the system says.
    pub fn empty(place: &Path) -> io::Result<()> {
        match fs::remove_dir_all(place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => fs::create_dir_all(place),
        }
    }

    /// Removes the files read longest ago, but for those at `in_use`, until the others are within `room_bytes`. How many bytes stay.
    ///
    /// # Errors
    /// What the system says; what could be removed is.
    pub fn trim(&self, room_bytes: u64, in_use: &BTreeSet<PathBuf>) -> io::Result<u64> {
        let mut kept = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let place = entry?.path();
            let metadata = fs::symlink_metadata(&place)?;
            let bytes = bytes_of(&place, &metadata)?;
            kept.push(Kept {
                used: metadata.modified()?,
                bytes,
                place,
            });
        }
        kept.sort_by_key(|kept| kept.used);
        let mut bytes: u64 = kept.iter().map(|kept| kept.bytes).sum();
        let mut count = kept.len();
        for file in kept.iter().filter(|file| !in_use.contains(&file.place)) {
            if bytes <= room_bytes && count <= FILES_MAX {
                break;
            }
            fs::remove_dir_all(&file.place)?;
            (bytes, count) = (bytes - file.bytes, count - 1);
        }
        Ok(bytes)
    }
}

impl WholeFiles {
    /// One that holds this.
    pub fn find(&mut self, wanted: &Blob) -> Option<Candidate> {
        for path in self.by_size.remove(&wanted.size).into_iter().flatten() {
            // What cannot be read any more is fetched.
            if let Ok(hashed) = hash::hash_file(&path) {
                self.by_hash.insert(hashed.hash, (path, hashed.stamp));
            }
        }
        self.by_hash.get(&wanted.hash).cloned()
    }
}

impl Shares {
    /// How much room read files have beside the copies, in bytes: at least [`ROOM_BYTES_MIN`]. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub fn room_for_reading(&self) -> io::Result<u64> {
        let weight = store::run(self.database(), |connection| quota::weight(connection))?;
        let room = self.others().room_bytes().saturating_sub(weight);
        Ok(room.max(ROOM_BYTES_MIN))
    }
}

/// What something takes on the disk, with all beneath it. A place holds a few files, three folders deep.
fn bytes_of(path: &Path, metadata: &Metadata) -> io::Result<u64> {
    let mut bytes = on_disk(metadata);
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            bytes += bytes_of(&entry.path(), &entry.metadata()?)?;
        }
    }
    Ok(bytes)
}

#[cfg(unix)]
fn on_disk(metadata: &Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    metadata.blocks() * BLOCK_BYTES
}

#[cfg(not(unix))]
fn on_disk(metadata: &Metadata) -> u64 {
    metadata.len().next_multiple_of(BLOCK_BYTES)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A file of one MiB at a place that was used so many seconds ago.
    fn keep(cache: &Cache, name: &str, ago: u64) -> PathBuf {
        let place = cache.place(&[name.as_bytes()]).expect("made");
        fs::write(place.join(name), vec![1; 1 << 20]).expect("written");
        let used = SystemTime::now() - Duration::from_secs(ago);
        let folder = File::open(&place).expect("there");
        folder.set_modified(used).expect("set");
        place
    }

    #[test]
    fn what_was_read_longest_ago_makes_room_unless_it_is_read_now() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let cache = Cache::new(folder.path().to_owned());
        let [oldest, old, new] =
            [("oldest", 30), ("old", 20), ("new", 10)].map(|(name, ago)| keep(&cache, name, ago));
        let in_use = BTreeSet::from([oldest.clone()]);
        let all = cache.trim(u64::MAX, &in_use).expect("looked through");
        assert!((3 << 20..4 << 20).contains(&all), "{all}");
        let left = cache.trim(all - 1, &in_use).expect("trimmed");
        assert!(left < all && oldest.exists() && !old.exists() && new.exists());
        let left = cache.trim(0, &in_use).expect("trimmed");
        assert!(left > 0 && oldest.exists() && !new.exists());
    }

    #[test]
    fn holes_take_no_room() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let cache = Cache::new(folder.path().to_owned());
        let place = cache.place(&[b"film"]).expect("made");
        let film = File::create(place.join("film")).expect("made");
        film.set_len(1 << 30).expect("room for holes");
        let bytes = cache.trim(u64::MAX, &BTreeSet::new()).expect("counted");
        assert!(bytes < 1 << 20, "{bytes}");
    }

    #[test]
    fn a_whole_file_is_found_by_what_it_holds() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let cache = Cache::new(folder.path().join("partial"));
        let nothing = cache.whole_files().expect("no folder yet");
        assert!(nothing.by_size.is_empty());
        for (name, content) in [("a", "film"), ("b", "song"), ("c", "a text")] {
            let place = cache.place(&[name.as_bytes()]).expect("made");
            fs::write(place.join(name), content).expect("written");
        }
        let begun = cache.place(&[b"d"]).expect("made");
        fs::create_dir(begun.join(".kith-0123456789abcdef.partial")).expect("made");
        let mut files = cache.whole_files().expect("looked through");
        let mut find = |content: &str| {
            let (hash, size) = (hash::hash_bytes(content.as_bytes()).0, content.len() as u64);
            let (path, stamp) = files.find(&Blob { hash, size })?;
            assert_eq!(stamp.size, size);
            Some(fs::read_to_string(path).expect("readable"))
        };
        assert_eq!(find("song").as_deref(), Some("song"));
        assert_eq!(find("none"), None);
        assert_eq!(find("film").as_deref(), Some("film"));
        assert_eq!(find("another"), None);
    }

    #[test]
    fn a_file_that_arrives_is_none_that_is_whole() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let cache = Cache::new(folder.path().to_owned());
        let place = cache.place(&[b"a", b"b"]).expect("made");
        assert_ne!(place, cache.place(&[b"ab"]).expect("made"));
        fs::create_dir(place.join(".kith-0123456789abcdef.partial")).expect("made");
        assert_eq!(Cache::whole(&place).expect("looked"), None);
        fs::write(place.join("b"), b"").expect("written");
        assert_eq!(Cache::whole(&place).expect("looked"), Some(place.join("b")));
        let find = |name: &[&[u8]]| cache.find(name).expect("looked");
        assert_eq!(find(&[b"a", b"b"]), Some(place.join("b")));
        assert_eq!(find(&[b"b", b"a"]), None);
        Cache::empty(&place).expect("emptied");
        assert_eq!(fs::read_dir(&place).expect("there").count(), 0);
        for _ in 0..2 {
            cache.forget(&[b"a", b"b"]).expect("forgotten");
            assert!(!place.exists());
        }
    }
}
