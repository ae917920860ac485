//! A disk that fills up, on either side, or cannot be written: a small file system of its own, in a namespace that only the test sees.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use kith_core::crypto::SecretKey;
use kith_core::random::Random;

use super::updating::Friends;
use super::world::{NOW, World, bytes, snapshot};
use crate::content::{Get, GetError, NewShare, Recipients, SCHEMAS, ShareError, Shares};
use crate::store::Store;

/// Where the test that runs inside of the namespace finds its small disk.
const DISK: &str = "KITH_TEST_SMALL_DISK";

/// Set to `required` where a test that cannot run is a failure, as in `.ci/run`.
const REQUIRED: &str = "KITH_LAB";

/// How large a disk is that holds next to nothing, in MiB,
const TINY_MIB: u64 = 8;

/// how large one is that holds half of what is fetched,
const DISK_MIB: u64 = 32;

/// what is fetched to it, in files of 2 MiB,
const FILES: u64 = 32;

/// and what may come twice in the run after, in bytes: what was under way.
const TWICE_MAX: u64 = 16 << 20;

/// Whether a test may have a file system of its own. If not, whoever runs the tests reads why it shows nothing.
fn may_mount(test: &str) -> bool {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mounted = Command::new("unshare")
        .args(["--map-root-user", "--mount", "mount", "-t", "tmpfs"])
        .arg("tmpfs")
        .arg(folder.path())
        .output();
    if mounted.is_ok_and(|mounted| mounted.status.success()) {
        return true;
    }
    is_not_tested(test, "user namespaces, unshare or mount");
    false
}

/// Says that a test cannot run, for want of this.
pub(super) fn is_not_tested(test: &str, without: &str) {
    let is_required = std::env::var(REQUIRED).is_ok_and(|value| value == "required");
    assert!(!is_required, "{test} needs {without}");
    let line = format!("\n*** NOT TESTED: {test}: no {without} here\n");
    // The test harness keeps back what macros print while a test passes, and lets this through. Nobody may be reading.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Runs one of the ignored tests below where a file system of its own is mounted.
fn on_a_small_disk(test: &str, mib: u64) {
    if !may_mount(test) {
        return;
    }
    let folder = tempfile::tempdir().expect("temporary folder");
    let script = format!("mount -t tmpfs -o size={mib}m tmpfs \"$1\" && shift && exec \"$@\"");
    let this = std::env::current_exe().expect("a program");
    let name = format!("content::tests::full::{test}");
    let ran = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", &script, "sh"])
        .arg(folder.path())
        .arg(this)
        .args([&name, "--exact", "--ignored", "--nocapture"])
        .env(DISK, folder.path())
        .output()
        .expect("unshare, of util-linux");
    let said = String::from_utf8_lossy(&ran.stdout);
    let cried = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}{cried}");
    assert!(said.contains("1 passed"), "{said}");
}

fn disk() -> PathBuf {
    std::env::var_os(DISK)
        .expect("set by the other test")
        .into()
}

#[test]
fn a_disk_that_can_have_fewer_files_than_a_share_has_is_told_before_anything_is_made() {
    on_a_small_disk("fetch_more_files_than_a_disk_can_have", DISK_MIB);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the test above, in a namespace"]
async fn fetch_more_files_than_a_disk_can_have() {
    let world = World::new();
    for number in 0..1_200 {
        world.write(&format!("{number}"), b"");
    }
    let share = world.share(Recipients::Contacts).head.share;
    let to_disk = || Get {
        out: disk(),
        ..world.request(share)
    };
    remount("nr_inodes=1000");
    let error = world.get(to_disk()).await.expect_err("1,200 of 1,000");
    assert!(matches!(error, GetError::DiskFull), "{error}");
    assert_eq!(snapshot(&disk()).len(), 0, "nothing is left of it");
    remount("nr_inodes=2000");
    let got = world.get(to_disk()).await.expect("1,200 of 2,000");
    assert_eq!(got.files, 1_200);
}

#[test]
fn a_disk_too_small_for_a_transfer_is_told_and_the_next_run_goes_on_from_there() {
    on_a_small_disk("fetch_to_a_small_disk", DISK_MIB);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the test above, in a namespace"]
async fn fetch_to_a_small_disk() {
    let world = World::new();
    for number in 0..FILES {
        world.write(&format!("{number}"), &bytes(number, 2 << 20));
    }
    let share = world.share(Recipients::Contacts).head.share;
    let to_disk = || Get {
        out: disk(),
        ..world.request(share)
    };
    let mut told = 0;
    let first = world
        .get_reporting(to_disk(), |progress| told = progress.bytes)
        .await;
    let error = first.expect_err("64 MiB into 32");
    assert!(matches!(error, GetError::DiskFull), "{error}");
    assert!(!disk().join("holiday").exists());
    assert!(told > TWICE_MAX, "{told} bytes arrived");
    // Somebody makes room.
    remount("size=128m");
    let got = world.get(to_disk()).await.expect("64 MiB into 128");
    assert_eq!(snapshot(&got.target), snapshot(&world.source()));
    let total = FILES * (2 << 20);
    assert!(got.fetched >= total - (DISK_MIB << 20), "{}", got.fetched);
    assert!(
        got.fetched <= total - told + TWICE_MAX,
        "{} after {told}",
        got.fetched
    );
}

fn remount(options: &str) {
    let remounted = Command::new("mount")
        .args(["-o", &format!("remount,{options}")])
        .arg(disk())
        .status()
        .expect("mount, of util-linux");
    assert!(remounted.success());
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_what_is_whole_in_it_needs_no_writing() {
    on_a_small_disk("fetch_to_a_read_only_disk", TINY_MIB);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the test above, in a namespace"]
async fn fetch_to_a_read_only_disk() {
    let world = World::new();
    world.write("f", b"content");
    let share = world.share(Recipients::Contacts).head.share;
    let fetch = |path: &str, out: PathBuf| Get {
        path: path.to_owned(),
        out,
        ..world.request(share)
    };
    world
        .get(fetch("", disk()))
        .await
        .expect("it can be written");
    remount("ro");
    let again = world.get(fetch("", disk())).await.expect("it is there");
    assert_eq!(again.fetched, 0);
    for out in [disk(), disk().join("holiday"), disk().join("new")] {
        let error = world.get(fetch("f", out.clone())).await;
        let Err(error) = error else {
            // What is there is the same file.
            assert_eq!(out, disk().join("holiday"));
            continue;
        };
        assert!(matches!(error, GetError::Disk { .. }), "{error}");
        let told = error.to_string();
        let at = out.join("f").display().to_string();
        assert!(told.contains(&at) && told.contains("Read-only"), "{told}");
    }
}

#[test]
fn one_file_at_the_root_of_a_file_system_is_brought_up_to_date() {
    on_a_small_disk("update_one_file_at_the_root_of_a_disk", TINY_MIB);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the test above, in a namespace"]
async fn update_one_file_at_the_root_of_a_disk() {
    let friends = Friends::new().await;
    let at = disk().join("a");
    std::fs::copy(friends.at("a"), &at).expect("room");
    friends.alice.write("a", &bytes(11, 120_000));
    friends.alice.share(Recipients::Contacts);
    let request = Get {
        path: "a".to_owned(),
        out: disk(),
        ..friends.updating()
    };
    let got = friends.alice.get(request).await.expect("fetched");
    assert_eq!(got.updated.expect("wanted").replaced, 1);
    assert_eq!(std::fs::read(at).expect("there"), bytes(11, 120_000));
    assert_eq!(snapshot(&disk()).len(), 1, "nothing else is left");
}

#[test]
fn a_disk_too_small_for_what_a_share_keeps_is_told_and_nothing_is_shared() {
    on_a_small_disk("share_from_a_small_disk", TINY_MIB);
}

#[test]
#[ignore = "run by the test above, in a namespace"]
fn share_from_a_small_disk() {
    let world = World::new();
    for number in 0..20_000 {
        world.write(&format!("{number:0200}"), b"");
    }
    let shares = open(&disk());
    let new = NewShare {
        paths: vec![world.source()],
        recipients: Recipients::Contacts,
        name: None,
        bare: false,
    };
    let error = shares
        .share(&new, &mut Random::new([1; 32]), NOW)
        .expect_err("no room for its rows");
    assert!(matches!(error, ShareError::NoSpace), "{error}");
    let told = error.to_string();
    assert!(told.contains("no space left") && told.contains("make some"));
    assert!(shares.mine().expect("read").is_empty());
    drop(shares);
    // Somebody makes room.
    remount("size=16m");
    let again = open(&disk());
    assert!(again.mine().expect("a sound database").is_empty());
}

fn open(folder: &Path) -> Shares {
    let store = Store::open(&folder.join("kith.db"), SCHEMAS).expect("a database");
    let owner = SecretKey::from_bytes([1; 32]);
    Shares::new(Box::new(store), folder.join("blobs"), owner).expect("shares")
}
