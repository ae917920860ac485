//! A download grows, is gone on with, is lost in part, and gets its name.

use std::ops::Range;

use super::*;
use crate::data::disk::{Occupied, occupied};
use crate::data::encoding::Encoding;
use crate::data::incoming::Brought;
use crate::data::range::Blob;
use crate::data::syncing::UNSYNCED_BYTES_MAX;

fn file(bytes: &[u8]) -> manifest::File {
    manifest::File {
        name: "f".into(),
        size: bytes.len() as u64,
        hash: hash::hash_bytes(bytes).0,
        executable: true,
        mtime_ms: -1_500,
    }
}

fn encoded(bytes: &[u8], part: &Range<u64>) -> Vec<u8> {
    let (hash, outboard) = hash::hash_bytes(bytes);
    let size = bytes.len() as u64;
    let mut encoded = Encoding::default();
    Blob { hash, size }
        .encode(bytes, outboard.as_slice(), part, &mut encoded)
        .expect("encoded");
    encoded.as_ref().to_vec()
}

fn write(incoming: &Incoming, bytes: &[u8], part: Range<u64>) -> Brought {
    let encoded = encoded(bytes, &part);
    incoming.write(&part, &encoded).expect("verified")
}

/// What comes at once.
const CHUNK: usize = 256 << 10;

const TREE: BlobHash = BlobHash([1; 32]);

fn download(tree: &BlobHash) -> Download<'_> {
    Download {
        share: &ShareId([9; 32]),
        tree,
        filter: "",
    }
}

#[test]
fn a_whole_tree_gets_its_name_with_times_and_modes() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let target = folder.path().join("holiday");
    let staging = Staging::open(&target, download(&TREE)).expect("opened");
    staging.directory("d").expect("made");
    let incoming = staging.incoming("d/f", &file(b"hello")).expect("prepared");
    assert_eq!(incoming.missing().as_slice(), std::slice::from_ref(&(0..5)));
    assert!(write(&incoming, b"hello", 0..5).is_last);
    let empty = staging.incoming("d/e", &file(b"")).expect("prepared");
    assert!(write(&empty, b"", 0..0).is_last);
    staging.symlink("l", "d/f").expect("kept");
    assert!(!staging.at("l").is_symlink());
    staging.make_links().expect("made");
    assert!(!target.exists());
    staging.finish("", &target).expect("finished");
    assert_eq!(fs::read(target.join("l")).expect("read"), b"hello");
    let metadata = fs::metadata(target.join("d/f")).expect("there");
    assert_eq!(hash::Stamp::of(&metadata).mtime_ms(), -1_500);
    assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 1);
}

#[test]
fn a_later_run_finds_what_arrived_and_what_did_not() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let target = folder.path().join("t");
    let bytes: Vec<u8> = (0..2_500_000u32).map(|at| (at % 251) as u8).collect();
    let staging = Staging::open(&target, download(&TREE)).expect("opened");
    let incoming = staging.incoming("big", &file(&bytes)).expect("prepared");
    let part = write(&incoming, &bytes, 1 << 20..2 << 20);
    assert_eq!((part.bytes, part.is_last), (1 << 20, false));
    assert_eq!(write(&incoming, &bytes, 1 << 20..2 << 20).bytes, 0);
    drop((incoming, staging));
    let staging = Staging::open(&target, download(&TREE)).expect("opened again");
    let incoming = staging.incoming("big", &file(&bytes)).expect("prepared");
    assert_eq!(incoming.missing(), [0..1 << 20, 2 << 20..2_500_000]);
    assert!(!write(&incoming, &bytes, 0..1 << 20).is_last);
    assert!(write(&incoming, &bytes, 2 << 20..2_500_000).is_last);
    staging.finish("big", &target).expect("finished");
    assert!(fs::read(&target).expect("read") == bytes);
}

#[test]
fn a_wrong_byte_is_never_written() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let staging = Staging::open(&folder.path().join("t"), download(&TREE)).expect("opened");
    let incoming = staging.incoming("f", &file(b"hello")).expect("prepared");
    assert!(matches!(
        incoming.write(&(0..5), b"hellO"),
        Err(StagingError::Mismatch)
    ));
    assert!(!staging.at("f").exists());
}

#[test]
fn what_arrived_of_another_version_goes_with_what_is_discarded() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let target = folder.path().join("t");
    let first = Staging::open(&target, download(&TREE)).expect("opened");
    first.incoming("f", &file(b"hello")).expect("prepared");
    drop(first);
    let other = folder.path().join("other");
    drop(Staging::open(&other, download(&TREE)).expect("opened"));
    let second = Staging::open(&target, download(&BlobHash([2; 32]))).expect("opened");
    let at = second.folder.clone();
    drop(second);
    Staging::discard(&at).expect("discarded");
    let left = fs::read_dir(folder.path()).expect("read").count();
    assert_eq!(left, 1, "that of another target");
}

#[test]
fn two_transfers_do_not_share_a_staging_folder() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let target = folder.path().join("t");
    let first = Staging::open(&target, download(&TREE)).expect("opened");
    assert!(matches!(
        Staging::open(&target, download(&TREE)),
        Err(StagingError::Busy(_))
    ));
    drop(first);
    assert!(Staging::open(&target, download(&TREE)).is_ok());
}

#[test]
fn a_download_that_nobody_went_on_with_for_a_month_is_removed_by_the_next_beside_it() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let open =
        |name: &str| Staging::open(&folder.path().join(name), download(&TREE)).expect("opened");
    let age = |staging: &Staging, time| {
        let lock = staging.folder.join("lock");
        let lock = File::options().write(true).open(lock).expect("there");
        lock.set_modified(time).expect("set");
    };
    let long_ago = SystemTime::now() - ABANDONED_AFTER - Duration::from_secs(60);
    let [abandoned, recent, held, wanted] = ["abandoned", "recent", "held", "wanted"].map(open);
    age(&abandoned, long_ago);
    age(&recent, long_ago + Duration::from_secs(120));
    age(&held, long_ago);
    age(&wanted, long_ago);
    let folders = [&abandoned, &recent, &held, &wanted].map(|staging| staging.folder.clone());
    drop((abandoned, recent, wanted));
    Staging::retain(&folders[3]).expect("retained");
    Staging::retain(&folder.path().join("gone")).expect("nothing to keep");
    // Something of this name that is none.
    let other = folder.path().join(".kith-0123456789abcdef.partial");
    fs::create_dir(&other).expect("created");
    let given_up = open("given up");
    let last = given_up.folder.clone();
    let exist = folders.map(|folder| folder.exists());
    assert_eq!(exist, [false, true, true, true]);
    assert!(other.exists() && last.exists());
    drop(given_up);
    Staging::discard(&last).expect("removed");
    assert!(!last.exists());
    drop(held);
}

#[test]
fn nothing_is_replaced_but_an_empty_folder() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let target = folder.path().join("t");
    let open = || Staging::open(&target, download(&TREE)).expect("opened");
    fs::write(&target, b"mine").expect("written");
    assert!(matches!(
        open().finish("", &target),
        Err(StagingError::TargetExists(_))
    ));
    assert_eq!(fs::read(&target).expect("read"), b"mine");
    fs::remove_file(&target).expect("removed");
    fs::create_dir(&target).expect("created");
    assert_eq!(occupied(&target).expect("looked"), Occupied::Free);
    fs::write(target.join("x"), b"mine").expect("written");
    assert_eq!(occupied(&target).expect("looked"), Occupied::Folder);
    assert!(matches!(
        open().finish("", &target),
        Err(StagingError::TargetExists(_))
    ));
    fs::remove_file(target.join("x")).expect("removed");
    open()
        .finish("", &target)
        .expect("an empty folder is replaced");
}

#[test]
fn files_are_added_to_a_folder_that_came_meanwhile_and_an_identical_one_stays() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let target = folder.path().join("t");
    let staging = Staging::open(&target, download(&TREE)).expect("opened");
    staging.parents("d/e/f").expect("made");
    for (path, content) in [("d/e/f", b"hello"), ("d/same", b"equal")] {
        let incoming = staging.incoming(path, &file(content)).expect("prepared");
        write(&incoming, content, 0..5);
    }
    fs::create_dir_all(target.join("d")).expect("created");
    fs::write(target.join("d/same"), b"equal").expect("written");
    fs::write(target.join("d/mine"), b"mine").expect("written");
    let before = fs::metadata(target.join("d/same")).expect("there");
    staging.add(&target).expect("added");
    let after = fs::metadata(target.join("d/same")).expect("there");
    assert_eq!(hash::Stamp::of(&before), hash::Stamp::of(&after));
    assert_eq!(fs::read(target.join("d/e/f")).expect("there"), b"hello");
    assert_eq!(fs::read(target.join("d/mine")).expect("there"), b"mine");
    assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 1);
}

#[test]
fn a_file_is_not_added_where_another_is_and_the_rest_goes_on_once_that_is_gone() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let target = folder.path().join("t");
    let staging = Staging::open(&target, download(&TREE)).expect("opened");
    let names = ["e", "f", "g", "h"];
    for name in names {
        let incoming = staging.incoming(name, &file(b"hello")).expect("prepared");
        write(&incoming, b"hello", 0..5);
    }
    fs::create_dir(&target).expect("created");
    fs::write(target.join("g"), b"mine").expect("written");
    let refused = staging.add(&target);
    assert!(matches!(refused, Err(StagingError::TargetExists(at)) if at == target.join("g")));
    assert_eq!(fs::read(target.join("g")).expect("there"), b"mine");
    fs::remove_file(target.join("g")).expect("removed");
    drop(staging);
    // A node that ends between two moves leaves the same.
    let staging = Staging::open(&target, download(&TREE)).expect("opened again");
    let mut lying = 0;
    for name in names {
        let found = staging.lying(&target, name, &file(b"hello"));
        let found = found.expect("nothing is in the way");
        lying += usize::from(found.is_some());
        let incoming = match found {
            Some(found) => found,
            None => staging.incoming(name, &file(b"hello")).expect("prepared"),
        };
        assert!(incoming.is_whole(), "{name}");
    }
    assert_eq!(lying, fs::read_dir(&target).expect("read").count());
    staging.add(&target).expect("added");
    assert_eq!(fs::read_dir(&target).expect("read").count(), names.len());
    assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 1);
}

#[test]
fn what_came_of_a_file_that_is_there_by_now_does_not_stand_in_its_way() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let target = folder.path().join("t");
    let bytes = vec![7; 2 * CHUNK];
    let staging = Staging::open(&target, download(&TREE)).expect("opened");
    let incoming = staging.incoming("f", &file(&bytes)).expect("prepared");
    write(&incoming, &bytes, 0..CHUNK as u64);
    drop((incoming, staging));
    fs::create_dir(&target).expect("created");
    fs::write(target.join("f"), &bytes).expect("written");
    let staging = Staging::open(&target, download(&TREE)).expect("opened again");
    let lying = staging.lying(&target, "f", &file(&bytes)).expect("looked");
    let lying = lying.expect("it is there");
    assert_eq!(write(&lying, &bytes, 0..CHUNK as u64).bytes, 0);
    staging.add(&target).expect("nothing is in the way");
    assert!(fs::read(target.join("f")).expect("there") == bytes);
}

#[cfg(unix)]
#[test]
fn nothing_is_added_through_a_link_that_came_meanwhile() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().expect("temporary folder");
    let (target, outside) = (folder.path().join("t"), folder.path().join("outside"));
    let staging = Staging::open(&target, download(&TREE)).expect("opened");
    staging.parents("d/f").expect("made");
    let incoming = staging.incoming("d/f", &file(b"hello")).expect("prepared");
    write(&incoming, b"hello", 0..5);
    for path in [&target, &outside] {
        fs::create_dir(path).expect("created");
    }
    symlink(&outside, target.join("d")).expect("link");
    let refused = staging.add(&target);
    assert!(matches!(refused, Err(StagingError::TargetExists(at)) if at == target.join("d")));
    assert_eq!(fs::read_dir(&outside).expect("read").count(), 0);
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link_that_somebody_left_in_the_folder() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().expect("temporary folder");
    let outside = folder.path().join("outside");
    fs::create_dir(&outside).expect("created");
    fs::write(outside.join("victim"), b"safe").expect("written");
    let staging = Staging::open(&folder.path().join("t"), download(&TREE)).expect("opened");
    symlink(&outside, staging.at("d")).expect("link");
    assert!(staging.directory("d").is_err());
    symlink(outside.join("victim"), staging.at("f")).expect("link");
    let incoming = staging.incoming("f", &file(b"hello")).expect("prepared");
    assert!(
        incoming
            .write(&(0..5), &encoded(b"hello", &(0..5)))
            .is_err()
    );
    assert_eq!(fs::read(outside.join("victim")).expect("read"), b"safe");
}

/// How much a power failure may cost, in bytes, with what is under way from one source.
const LOST_MAX: u64 = 16 << 20;

#[test]
fn a_power_failure_while_a_large_file_comes_costs_less_than_16_mib_and_no_right_byte() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let target = folder.path().join("t");
    let bytes: Vec<u8> = (0..36u32 << 20)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let (whole, file) = (bytes.len() as u64, file(&bytes));
    let outboard = hash::hash_bytes(&bytes).1;
    let (mut lost, mut runs) = (0, 0);
    // The power fails once more just after all of it has come.
    let mut was_whole = false;
    loop {
        let staging = Staging::open(&target, download(&TREE)).expect("opened");
        let incoming = staging.incoming("big", &file).expect("prepared");
        let missing: u64 = incoming.missing().iter().map(|it| it.end - it.start).sum();
        assert!(
            whole - missing + LOST_MAX >= lost,
            "{lost}, {missing} missing"
        );
        let parts: Vec<u64> = (0..whole).step_by(CHUNK).collect();
        let (mut came, stop_at) = (0, (20 << 20) + runs * 333_333);
        for start in parts {
            let part = start..start + CHUNK as u64;
            let mut encoded = Encoding::default();
            let blob = incoming.blob;
            (blob.encode(bytes.as_slice(), outboard.as_slice(), &part, &mut encoded))
                .expect("encoded");
            came += incoming
                .write(&part, encoded.as_ref())
                .expect("verified")
                .bytes;
            if came > stop_at {
                break;
            }
        }
        runs += 1;
        if std::mem::replace(&mut was_whole, incoming.is_whole()) && was_whole {
            staging.finish("big", &target).expect("finished");
            break;
        }
        lost = whole
            - incoming
                .missing()
                .iter()
                .map(|it| it.end - it.start)
                .sum::<u64>();
        let unsynced = staging.syncing.lose();
        assert!(unsynced <= UNSYNCED_BYTES_MAX, "{unsynced}");
    }
    assert!((2..20).contains(&runs), "{runs}");
    assert!(fs::read(&target).expect("there") == bytes);
}

#[test]
fn a_power_failure_while_small_files_come_costs_less_than_16_mib() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let target = folder.path().join("t");
    let content = |number: u32| vec![(number % 251) as u8; 10_000];
    let staging = Staging::open(&target, download(&TREE)).expect("opened");
    let count = 3_000;
    for number in 0..count {
        let bytes = content(number);
        let name = number.to_string();
        let incoming = staging.incoming(&name, &file(&bytes)).expect("prepared");
        assert!(write(&incoming, &bytes, 0..10_000).is_last);
    }
    staging.syncing.lose();
    drop(staging);
    let staging = Staging::open(&target, download(&TREE)).expect("opened again");
    let mut missing = 0;
    for number in 0..count {
        let bytes = content(number);
        let name = number.to_string();
        let incoming = staging.incoming(&name, &file(&bytes)).expect("prepared");
        for part in incoming.missing() {
            missing += part.end - part.start;
            write(&incoming, &bytes, part);
        }
    }
    assert!(missing <= LOST_MAX, "{missing}");
    staging.finish("", &target).expect("finished");
    for number in 0..count {
        let read = fs::read(target.join(number.to_string())).expect("there");
        assert!(read == content(number));
    }
}

#[test]
fn what_was_written_is_durable_before_it_is_told() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let target = folder.path().join("t");
    let staging = Staging::open(&target, download(&TREE)).expect("opened");
    let mut durable = staging.syncing.durable();
    let incoming = staging.incoming("f", &file(b"hello")).expect("prepared");
    write(&incoming, b"hello", 0..5);
    assert_eq!(*durable.borrow_and_update(), 0);
    staging.syncing.begin();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let told = runtime.expect("a runtime").block_on(durable.changed());
    told.expect("it is held");
    assert_eq!(*durable.borrow_and_update(), 5);
    assert_eq!(staging.syncing.lose(), 0);
    assert_eq!(fs::read(staging.at("f")).expect("there"), b"hello");
}

/// Has what was written synced, and gives how much of it is durable then.
fn synced(staging: &Staging) -> u64 {
    let mut durable = staging.syncing.durable();
    staging.syncing.begin();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let told = runtime.expect("a runtime").block_on(durable.changed());
    told.expect("it is held");
    *durable.borrow_and_update()
}

#[test]
fn what_was_copied_from_here_is_durable_before_it_is_told() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let target = folder.path().join("t");
    for size in [1_000, 6 << 20] {
        let bytes = vec![7; size];
        let source = folder.path().join("source");
        fs::write(&source, &bytes).expect("written");
        let stamp = hash::Stamp::of(&fs::metadata(&source).expect("there"));
        let path = size.to_string();
        let open = || {
            let staging = Staging::open(&target, download(&TREE)).expect("opened");
            let candidates = [(source.clone(), stamp)];
            let incoming = staging.incoming_from(&path, &file(&bytes), &candidates);
            (incoming.expect("copied"), staging)
        };
        let (incoming, staging) = open();
        assert!(incoming.is_whole() && incoming.durable_before() == 0);
        assert_eq!(*staging.syncing.durable().borrow(), 0);
        staging.syncing.lose();
        assert!(!staging.at(&path).exists(), "it had no name yet");
        drop((incoming, staging));

        let (incoming, staging) = open();
        assert!(incoming.is_whole());
        assert_eq!(synced(&staging), size as u64);
        staging.syncing.lose();
        assert!(fs::read(staging.at(&path)).expect("there") == bytes);
    }
}

#[test]
fn what_was_taken_over_of_another_version_is_durable_before_it_is_told() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let target = folder.path().join("t");
    let bytes: Vec<u8> = (0..4 * CHUNK).map(|at| (at % 251) as u8).collect();
    let (half, whole) = (2 * CHUNK as u64, bytes.len() as u64);
    for (number, came) in [half, whole].into_iter().enumerate() {
        let trees = [1, 2, 3].map(|tree| BlobHash([10 * number as u8 + tree; 32]));
        let open = |tree: &BlobHash| {
            let staging = Staging::open(&target, download(tree)).expect("opened");
            let incoming = staging.incoming("f", &file(&bytes)).expect("prepared");
            let missing: u64 = incoming.missing().iter().map(|it| it.end - it.start).sum();
            (incoming, staging, whole - missing)
        };
        let (incoming, staging, _) = open(&trees[0]);
        write(&incoming, &bytes, 0..came);
        drop((incoming, staging));

        let (incoming, staging, here) = open(&trees[1]);
        assert_eq!((here, incoming.durable_before()), (came, 0));
        assert_eq!(*staging.syncing.durable().borrow(), 0);
        assert_eq!(synced(&staging), came);
        staging.syncing.lose();
        drop((incoming, staging));
        let (incoming, staging, here) = open(&trees[1]);
        assert_eq!(
            (here, incoming.durable_before()),
            (came, came),
            "it was told"
        );
        drop((incoming, staging));

        // The power fails before.
        let (incoming, staging, here) = open(&trees[2]);
        assert_eq!(here, came);
        staging.syncing.lose();
        assert!(!staging.at("f").exists(), "it had no name yet");
        assert_eq!(*staging.syncing.durable().borrow(), 0);
        drop((incoming, staging));
        fs::remove_dir_all(folder.path()).expect("removed");
    }
}

#[test]
fn of_two_who_bring_the_last_part_at_once_one_makes_it_whole() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let target = folder.path().join("t");
    let bytes: Vec<u8> = (0..2 * CHUNK).map(|at| (at % 251) as u8).collect();
    let staging = Staging::open(&target, download(&TREE)).expect("opened");
    let (half, whole) = (CHUNK as u64, bytes.len() as u64);
    for number in 0..50 {
        let path = format!("f{number}");
        let incoming = staging.incoming(&path, &file(&bytes)).expect("prepared");
        write(&incoming, &bytes, 0..half);
        let together = std::sync::Barrier::new(2);
        let bring = || {
            together.wait();
            write(&incoming, &bytes, half..whole)
        };
        let brought = std::thread::scope(|scope| {
            let other = scope.spawn(bring);
            [bring(), other.join().expect("no panic")]
        });
        let last = brought.iter().filter(|brought| brought.is_last).count();
        assert_eq!((last, incoming.is_whole()), (1, true), "{brought:?}");
        let metadata = fs::metadata(staging.at(&path)).expect("there");
        assert_eq!(hash::Stamp::of(&metadata).mtime_ms(), -1_500);
    }
}
