//! What two runs have of one file becomes one.
//!
//! Each has some groups of it, with the inner nodes that came with them. The file that holds more takes the place where it grows, and the groups that
//! only the other has are copied into it: of a large file at most half is, and nothing that has arrived is fetched again. The other lies beside it
//! meanwhile ([`Places::beside`](super::places::Places::beside)), so a run that is stopped on the way leaves both to the next.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::Path;

use kith_core::content::wire::GROUP_BYTES;

use crate::data::disk::{self, StagingError, remove_file};
use crate::data::encoding::Encoding;
use crate::data::hash;
use crate::data::incoming::Incoming;
use crate::data::places::Pair;
use crate::data::range::Blob;

/// How much is copied at once, in bytes: whole groups, and little beside what a transfer holds.
const PIECE_BYTES: u64 = 64 * GROUP_BYTES;

/// What another run has of a file.
#[derive(Debug)]
pub(super) struct Other {
    data: File,
    /// `None` where it came at once.
    nodes: Option<File>,
    /// What of it is right: whole groups, or up to the end, in order.
    valid: Vec<Range<u64>>,
}

impl Other {
    /// Looks at it; `None` where nothing lies there. What cannot be read is not right.
    pub(super) fn look(at: &Pair, blob: &Blob) -> io::Result<Option<Self>> {
        let data = match hash::open_in_place(&at.data) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let nodes = hash::open_in_place(&at.nodes).ok();
        let valid = match &nodes {
            _ if data.metadata()?.len() != blob.size => Vec::new(),
            Some(nodes) => blob.valid(&data, nodes).unwrap_or_default(),
            None if hash::hash_open(&data, blob.size).is_ok_and(|hash| hash == blob.hash) => {
                std::iter::once(0..blob.size).collect()
            }
            None => Vec::new(),
        };
        Ok(Some(Self { data, nodes, valid }))
    }

    /// Whether it holds more of the file than this.
    pub(super) fn has_more(&self, than: &Incoming) -> bool {
        let bytes = |parts: &[Range<u64>]| parts.iter().map(|it| it.end - it.start).sum::<u64>();
        bytes(&self.valid) + bytes(&than.missing()) > than.blob.size
    }

    /// Copies what `into` lacks and this has, as far as there is room: the rest is fetched, into the room that this takes now.
    ///
    /// # Errors
    /// What the system says of the file that is written to.
    pub(super) fn fill(&self, into: &Incoming) -> Result<(), StagingError> {
        let Some(nodes) = &self.nodes else {
            return Ok(());
        };
        let mut encoded = Encoding::default();
        for part in shared(&into.missing(), &self.valid) {
            for start in (part.start..part.end).step_by(PIECE_BYTES as usize) {
                let piece = start..part.end.min(start + PIECE_BYTES);
                encoded.truncate(0);
                let read = into.blob.encode(&self.data, nodes, &piece, &mut encoded);
                match read.map(|()| into.write(&piece, encoded.as_ref())) {
                    // What is read otherwise than a moment ago is fetched.
                    Err(_) | Ok(Ok(_) | Err(StagingError::Mismatch)) => {}
                    Ok(Err(StagingError::DiskFull)) => return Ok(()),
                    Ok(Err(error)) => return Err(error),
                }
            }
        }
        Ok(())
    }
}

/// What two lists of parts have both; each is in order.
fn shared<'a>(
    ones: &'a [Range<u64>],
    others: &'a [Range<u64>],
) -> impl Iterator<Item = Range<u64>> + 'a {
    let both = ones.iter().flat_map(move |one| {
        let ends_before = |other: &Range<u64>| other.end <= one.start;
        let first = others.partition_point(ends_before);
        let near = others[first..].iter();
        near.take_while(|other| other.start < one.end)
            .map(|other| one.start.max(other.start)..one.end.min(other.end))
    });
    both.filter(|part| !part.is_empty())
}

/// Each takes the other's place. Where only `other` is there, it takes the place of `own`.
pub(super) fn exchange(own: &Pair, other: &Pair) -> io::Result<()> {
    // Without nodes a file counts only as a whole.
    match other.nodes.exists() {
        true => exchange_file(&own.nodes, &other.nodes)?,
        false if own.nodes.exists() => fs::rename(&own.nodes, &other.nodes)?,
        false => {}
    }
    exchange_file(&own.data, &other.data)
}

fn exchange_file(own: &Path, other: &Path) -> io::Result<()> {
    if !own.exists() {
        return fs::rename(other, own);
    }
    if disk::exchange(own, other)? {
        return Ok(());
    }
    let between = other.with_extension("between");
    fs::rename(own, &between)?;
    fs::rename(other, own)?;
    fs::rename(between, other)
}

/// Removes both; what is gone is removed.
pub(super) fn remove(pair: &Pair) -> io::Result<()> {
    remove_file(&pair.data)?;
    remove_file(&pair.nodes)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::slice::from_ref;

    use kith_core::ids::{BlobHash, ShareId};

    use super::*;
    use crate::data::relocating::relocate;
    use crate::data::staging::{Download, Staging};
    use crate::data::syncing::UNSYNCED_BYTES_MAX;
    use crate::data::wanted::wanted;

    const SIZE: u64 = 300 * GROUP_BYTES + 77;

    fn content() -> Vec<u8> {
        (0..SIZE as u32).map(|at| (at % 251) as u8).collect()
    }

    fn open(parent: &Path, filter: &str) -> Staging {
        let download = Download {
            share: &ShareId([9; 32]),
            tree: &BlobHash([1; 32]),
            filter,
        };
        Staging::open(&parent.join("holiday"), download).expect("opened")
    }

    /// An earlier run that has fetched these groups of the file.
    fn fetched(parent: &Path, filter: &str, groups: &[Range<u64>]) -> PathBuf {
        let (bytes, staging) = (content(), open(parent, filter));
        let incoming = staging.incoming("big", &wanted(&bytes)).expect("prepared");
        let nodes = hash::hash_bytes(&bytes).1;
        for groups in groups {
            let part = groups.start * GROUP_BYTES..SIZE.min(groups.end * GROUP_BYTES);
            let mut encoded = Encoding::default();
            (incoming.blob)
                .encode(bytes.as_slice(), nodes.as_slice(), &part, &mut encoded)
                .expect("encoded");
            incoming.write(&part, encoded.as_ref()).expect("verified");
        }
        staging.folder().to_owned()
    }

    /// What the next run lacks, in groups; what it has is checked.
    fn lacking(staging: &Staging) -> Vec<Range<u64>> {
        let bytes = content();
        let incoming = staging.incoming("big", &wanted(&bytes)).expect("prepared");
        let missing = incoming.missing();
        let here = fs::read(incoming.path()).expect("there");
        let mut reached = 0;
        for gap in missing.iter().cloned().chain(std::iter::once(SIZE..SIZE)) {
            let had = reached as usize..gap.start as usize;
            assert!(here[had.clone()] == bytes[had], "what counts is right");
            reached = gap.end;
        }
        let groups = |gap: &Range<u64>| gap.start / GROUP_BYTES..gap.end.div_ceil(GROUP_BYTES);
        missing.iter().map(groups).collect()
    }

    fn of_both(was: &[Range<u64>], is: &[Range<u64>], filter: &str) -> Vec<Range<u64>> {
        let place = tempfile::tempdir().expect("temporary folder");
        let (from, to) = (place.path().join("was"), place.path().join("is"));
        let folder = fetched(&from, "", was);
        fetched(&to, filter, is);
        relocate(&folder, &to).expect("moved").expect("there");
        let staging = open(&to, filter);
        let lacks = lacking(&staging);
        staging.remove_older().expect("removed");
        drop(staging);
        assert_eq!(lacking(&open(&to, filter)), lacks, "and so the run after");
        lacks
    }

    #[test]
    fn of_two_that_each_have_a_part_nothing_is_lost_whichever_holds_more() {
        let (much, little) = (from_ref(&(3..290)), [0..2, 250..251, 295..301]);
        for filter in ["", "another selection"] {
            assert_eq!(of_both(much, &little, filter), [2..3, 290..295]);
            assert_eq!(of_both(&little, much, filter), [2..3, 290..295]);
            assert!(of_both(from_ref(&(0..150)), from_ref(&(150..301)), filter).is_empty());
            let all = from_ref(&(0..301));
            assert!(of_both(all, from_ref(&(0..1)), filter).is_empty());
        }
    }

    #[test]
    fn several_that_have_some_each_become_one() {
        let place = tempfile::tempdir().expect("temporary folder");
        let at = |name: &str| place.path().join(name);
        fetched(&at("is"), "", from_ref(&(0..10)));
        for (number, groups) in [(1, 5..100), (2, 90..200), (3, 250..301)] {
            let folder = fetched(&at(&number.to_string()), "", &[groups]);
            relocate(&folder, &at("is")).expect("moved").expect("there");
        }
        let staging = open(&at("is"), "");
        assert_eq!(lacking(&staging), from_ref(&(200..250)));
        staging.remove_older().expect("removed");
        assert_eq!(fs::read_dir(at("is")).expect("there").count(), 1);
    }

    #[test]
    fn what_is_put_together_counts_once() {
        // What an earlier run left here, and what of that counts at once.
        for (own, before) in [(0..0, 0), (0..150, 150), (0..60, 0)] {
            let place = tempfile::tempdir().expect("temporary folder");
            let at = |name: &str| place.path().join(name);
            fs::create_dir(at("is")).expect("made");
            if !own.is_empty() {
                fetched(&at("is"), "", from_ref(&own));
            }
            for (name, groups) in [("1", 200..290), ("2", 40..180)] {
                let folder = fetched(&at(name), name, &[groups]);
                relocate(&folder, &at("is")).expect("moved").expect("there");
            }
            let staging = open(&at("is"), "");
            let incoming = (staging.incoming("big", &wanted(&content()))).expect("prepared");
            let missing: u64 = incoming.missing().iter().map(|it| it.end - it.start).sum();
            assert_eq!(incoming.durable_before(), before * GROUP_BYTES, "{own:?}");
            // There is room for so much when all is synced.
            drop(staging.syncing.admit(UNSYNCED_BYTES_MAX).expect("synced"));
            let told = *staging.syncing.durable().borrow();
            assert_eq!(incoming.durable_before() + told, SIZE - missing, "{own:?}");
        }
    }

    #[test]
    fn a_run_that_was_stopped_on_the_way_leaves_both_to_the_next() {
        for is_own_there in [true, false] {
            let place = tempfile::tempdir().expect("temporary folder");
            let at = |name: &str| place.path().join(name);
            let own = fetched(&at("is"), "", from_ref(&(0..2)));
            let other = fetched(&at("was"), "", from_ref(&(3..290)));
            let places = |folder: PathBuf| crate::data::places::Places::of(folder);
            let (from, to) = (places(other).pair("big"), places(own).beside("big"));
            fs::rename(&from.data, &to.data).expect("moved");
            fs::rename(&from.nodes, &to.nodes).expect("moved");
            let staging = open(&at("is"), "");
            if !is_own_there {
                // The file system cannot exchange two, and it was stopped between.
                fs::remove_file(staging.places(PathBuf::new()).growing("big")).expect("there");
            }
            let lacks = lacking(&staging);
            match is_own_there {
                true => assert_eq!(lacks, [2..3, 290..301]),
                false => assert_eq!(lacks, [0..3, 290..301]),
            }
            assert!(!to.data.exists() && !to.nodes.exists());
        }
    }

    #[test]
    fn what_is_damaged_or_cannot_be_read_takes_nothing_away() {
        let place = tempfile::tempdir().expect("temporary folder");
        let at = |name: &str| place.path().join(name);
        for damage in ["data", "nodes", "short"] {
            let (was, is) = (at(&format!("{damage} was")), at(&format!("{damage} is")));
            let other = fetched(&was, "", from_ref(&(3..290)));
            fetched(&is, "", from_ref(&(0..2)));
            let pair = crate::data::places::Places::of(other.clone()).pair("big");
            let file = |path: &Path| fs::OpenOptions::new().write(true).open(path);
            let wrong = vec![1; SIZE as usize];
            match damage {
                "data" => fs::write(&pair.data, &wrong).expect("written"),
                "nodes" => fs::write(&pair.nodes, hash::hash_bytes(&wrong).1).expect("written"),
                _ => file(&pair.nodes)
                    .and_then(|file| file.set_len(100))
                    .expect("cut"),
            }
            relocate(&other, &is).expect("moved").expect("there");
            assert_eq!(lacking(&open(&is, "")), from_ref(&(2..301)));
        }
    }

    #[test]
    fn what_two_lists_have_both_is_found() {
        let both = |ones: &[Range<u64>], others: &[Range<u64>]| {
            let both: Vec<_> = shared(ones, others).collect();
            let swapped: Vec<_> = shared(others, ones).collect();
            assert_eq!(both, swapped);
            both
        };
        assert_eq!(both(&[0..4, 6..9], &[2..7, 8..20]), [2..4, 6..7, 8..9]);
        assert!(
            both(from_ref(&(0..4)), from_ref(&(4..5))).is_empty()
                && both(&[], from_ref(&(4..5))).is_empty()
        );
    }
}
