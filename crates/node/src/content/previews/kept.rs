//! A folder of previews, bounded: those asked for longest ago make room.
//!
//! Each is a file that appears whole. Nothing is lost with them, so nothing is synced; what is no preview after a power failure is looked at
//! by who reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use kith_core::time::Time;

/// What a file takes beside its bytes, in bytes: a block half used, and its names.
const OVERHEAD_BYTES: u64 = 4096;

/// How much is given up at once when it is full: one part in this many, so that it is not looked through for each new file.
const GIVEN_UP_PART: u64 = 16;

/// The folder. All of its calls block.
#[derive(Debug)]
pub struct Kept {
    folder: PathBuf,
    bytes_max: u64,
    index: Mutex<Option<Index>>,
}

/// What is in it.
#[derive(Debug, Default)]
struct Index {
    files: BTreeMap<String, Entry>,
    bytes: u64,
    /// Counts uses.
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    bytes: u64,
    used: u64,
}

impl Kept {
    /// In this folder, which is nobody else's and need not be there.
    pub fn new(folder: PathBuf, bytes_max: u64) -> Self {
        Self {
            folder,
            bytes_max,
            index: Mutex::default(),
        }
    }

    /// Whether there is one of this name.
    pub fn has(&self, name: &str) -> bool {
        let mut index = self.lock();
        self.read(&mut index).files.contains_key(name)
    }

    /// What is kept under a name, which is noted as used.
    pub fn get(&self, name: &str) -> Option<Vec<u8>> {
        {
            let mut index = self.lock();
            let index = self.read(&mut index);
            index.clock += 1;
            let used = index.clock;
            index.files.get_mut(name)?.used = used;
        }
        fs::read(self.folder.join(name)).ok()
    }

    /// Keeps something under a name: letters, digits and hyphens.
    ///
    /// # Errors
    /// What the system says: there is nothing under the name then, or what was before; or it is kept, and something that was to make room
    /// for it is still there, too.
    pub fn put(&self, name: &str, content: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::Builder::new()
            .prefix(".new")
            .tempfile_in(&self.folder)?;
        file.write_all(content)?;
        file.persist(self.folder.join(name))?;
        let mut index = self.lock();
        let index = self.read(&mut index);
        index.note(name.to_owned(), content.len() as u64);
        if index.bytes > self.bytes_max {
            let until = self.bytes_max - self.bytes_max / GIVEN_UP_PART;
            return self.remove(index.give_up(until));
        }
        Ok(())
    }

    /// Removes what is kept under a name, if anything is.
    ///
    /// # Errors
    /// What the system says.
    pub fn forget(&self, name: &str) -> io::Result<()> {
        {
            let mut index = self.lock();
            self.read(&mut index).forget(name);
        }
        self.remove(vec![name.to_owned()])
    }

    /// The names of what was kept before a time.
    ///
    /// # Errors
    /// What the system says.
    pub fn made_before(&self, time: Time) -> io::Result<BTreeSet<String>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
            entries => entries?,
        };
        let mut names = BTreeSet::new();
        for entry in entries {
            let entry = entry?;
            // What is gone by now is no matter.
            let made = entry.metadata().and_then(|it| it.modified());
            let is_old = made
                .is_ok_and(|made| made < SystemTime::UNIX_EPOCH + Duration::from_millis(time.0));
            if let Ok(name) = entry.file_name().into_string()
                && is_old
                && !name.starts_with('.')
            {
                names.insert(name);
            }
        }
        Ok(names)
    }

    /// Removes all of these that can be removed.
    fn remove(&self, names: Vec<String>) -> io::Result<()> {
        let mut removed = Ok(());
        for name in names {
            match fs::remove_file(self.folder.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => removed = Err(error),
                _ => {}
            }
        }
        removed
    }

    fn lock(&self) -> MutexGuard<'_, Option<Index>> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is there, looked through once.
    fn read<'a>(&self, index: &'a mut Option<Index>) -> &'a mut Index {
        index.get_or_insert_with(|| {
            let mut found = Vec::new();
            let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
            for entry in entries {
                let (Ok(name), Ok(metadata)) = (entry.file_name().into_string(), entry.metadata())
                else {
                    continue;
                };
                if name.starts_with('.') {
                    // Of a run that ended in the middle.
                    let _ = fs::remove_file(entry.path());
                    continue;
                }
                let made = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                found.push((made, name, metadata.len()));
            }
            found.sort();
            let mut index = Index::default();
            for (_, name, bytes) in found {
                index.note(name, bytes);
            }
            index
        })
    }
}

impl Index {
    fn note(&mut self, name: String, bytes: u64) {
        self.clock += 1;
        let (bytes, used) = (bytes + OVERHEAD_BYTES, self.clock);
        let before = self.files.insert(name, Entry { bytes, used });
        self.bytes = self.bytes + bytes - before.map_or(0, |before| before.bytes);
    }

    /// Forgets one.
    fn forget(&mut self, name: &str) {
        if let Some(entry) = self.files.remove(name) {
            self.bytes -= entry.bytes;
        }
    }

    /// Forgets what was used longest ago.
    fn give_up(&mut self, until: u64) -> Vec<String> {
        let mut oldest: Vec<(u64, String)> = (self.files.iter())
            .map(|(name, entry)| (entry.used, name.clone()))
            .collect();
        oldest.sort_unstable();
        let mut gone = Vec::new();
        for (_, name) in oldest {
            if self.bytes <= until {
                break;
            }
            if let Some(entry) = self.files.remove(&name) {
                self.bytes -= entry.bytes;
                gone.push(name);
            }
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn what_was_used_longest_ago_makes_room_also_after_a_restart() {
        let place = tempfile::tempdir().expect("a place");
        let folder = place.path().join("previews");
        let kept = Kept::new(folder.clone(), 4 * (OVERHEAD_BYTES + 100));
        for name in ["a", "b", "c", "d"] {
            kept.put(name, &[1; 100]).expect("room");
        }
        assert!(kept.get("a").is_some());
        kept.put("e", &[2; 100]).expect("room");
        assert!(!kept.has("b") && kept.has("a") && kept.has("e"));
        assert_eq!(fs::read_dir(&folder).expect("there").count(), 3);
        fs::write(folder.join(".new-half"), b"half").expect("room");
        let again = Kept::new(folder.clone(), 1 << 20);
        for _ in 0..2 {
            again.forget("a").expect("room");
            assert!(!again.has("a") && !folder.join("a").exists());
        }
        again.put("a", &[1; 100]).expect("room");
        assert_eq!(again.get("e"), Some(vec![2; 100]));
        assert_eq!(again.get("b"), None);
        assert_eq!(fs::read_dir(&folder).expect("there").count(), 3);
    }

    #[test]
    fn what_was_kept_long_ago_is_named_and_what_is_new_is_not() {
        let place = tempfile::tempdir().expect("a place");
        let kept = Kept::new(place.path().join("previews"), 1 << 20);
        let named = |at| kept.made_before(Time(at)).expect("looked");
        assert!(named(u64::MAX / 2).is_empty(), "no folder yet");
        for name in ["new", "old"] {
            kept.put(name, &[1; 100]).expect("room");
        }
        let old = fs::File::options()
            .append(true)
            .open(place.path().join("previews/old"));
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_millis(5_000);
        old.and_then(|it| it.set_modified(long_ago)).expect("set");
        assert!(named(5_000).is_empty());
        assert_eq!(named(5_001), BTreeSet::from(["old".to_owned()]));
    }

    #[test]
    fn one_that_cannot_be_removed_or_is_gone_keeps_no_other() {
        let place = tempfile::tempdir().expect("a place");
        let folder = place.path().join("previews");
        // Room for 16 of them; the 17th has two make room.
        let kept = Kept::new(folder.clone(), 16 * (OVERHEAD_BYTES + 100));
        let put = |number: u8| kept.put(&number.to_string(), &[1; 100]);
        (0..16).for_each(|number| put(number).expect("room"));
        fs::remove_file(folder.join("0")).expect("there");
        fs::create_dir(folder.join("0")).expect("room");
        put(16).expect_err("a folder is not removed so");
        assert!(kept.has("16") && !folder.join("1").exists());
        fs::remove_file(folder.join("2")).expect("there");
        put(17).expect("room");
        put(18).expect("the one that is gone is no matter");
        assert!(!folder.join("3").exists());
    }

    /// What the files of a folder take, each with what it takes beside its bytes.
    fn taken(folder: &Path) -> u64 {
        let entries = fs::read_dir(folder).expect("there").flatten();
        let sizes = entries.map(|entry| entry.metadata().expect("there").len() + OVERHEAD_BYTES);
        sizes.sum()
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]
        #[test]
        fn no_more_is_kept_than_the_bound_whatever_comes_in_whatever_order(
            puts in proptest::collection::vec((0..40_u8, 0..30_000_usize, proptest::bool::ANY), 1..80),
        ) {
            const BYTES_MAX: u64 = 100_000;
            let place = tempfile::tempdir().expect("a place");
            let folder = place.path().join("previews");
            let mut kept = Kept::new(folder.clone(), BYTES_MAX);
            for (name, bytes, is_new_start) in puts {
                if is_new_start {
                    kept = Kept::new(folder.clone(), BYTES_MAX);
                }
                let name = name.to_string();
                kept.put(&name, &vec![7; bytes]).expect("room");
                proptest::prop_assert!(taken(&folder) <= BYTES_MAX);
                proptest::prop_assert_eq!(kept.get(&name), Some(vec![7; bytes]));
            }
        }
    }
}
