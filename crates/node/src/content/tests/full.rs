//! A disk that fills up, on either side, or cannot be written: a small file system of its own, in a namespace that only the test sees.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use kith_core::crypto::SecretKey;
use kith_core::random::Random;
use rusqlite::Connection;

use super::world::{NOW, World, bytes, snapshot};
use crate::content::{Get, GetError, NewShare, Recipients, ShareError, Shares};

/// Where the test that runs inside of the namespace finds its small disk.
const DISK: &str = "KITH_TEST_SMALL_DISK";

/// Runs one of the ignored tests below where a file system of 8 MiB is mounted.
fn on_a_small_disk(test: &str) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let script = "mount -t tmpfs -o size=8m tmpfs \"$1\" && shift && exec \"$@\"";
    let this = std::env::current_exe().expect("a program");
    let name = format!("content::tests::full::{test}");
    let ran = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script, "sh"])
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
fn a_disk_too_small_for_a_transfer_is_told_and_what_arrived_is_kept() {
    on_a_small_disk("fetch_to_a_small_disk");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the test above, in a namespace"]
async fn fetch_to_a_small_disk() {
    let world = World::new();
    for number in 0..6 {
        world.write(&format!("{number}"), &bytes(number, 2 << 20));
    }
    let share = world.share(Recipients::Contacts).head.share;
    let to_disk = || Get {
        out: disk(),
        ..world.request(share)
    };
    let error = world.get(to_disk()).await.expect_err("12 MiB into 8");
    assert!(matches!(error, GetError::DiskFull), "{error}");
    assert!(!disk().join("holiday").exists());
    // Somebody makes room: what is missing now fits.
    for number in 2..6 {
        fs::remove_file(world.source().join(format!("{number}"))).expect("removed");
    }
    world.shares.rescan(&share, NOW).expect("scanned");
    let staging = fs::read_dir(disk()).expect("readable").next();
    let staging = staging.expect("kept").expect("readable").path();
    fs::remove_dir_all(staging).expect("removed");
    let got = world.get(to_disk()).await.expect("4 MiB into 8");
    assert_eq!(snapshot(&got.target), snapshot(&world.source()));
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_what_is_whole_in_it_needs_no_writing() {
    on_a_small_disk("fetch_to_a_read_only_disk");
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
    let remounted = Command::new("mount")
        .args(["-o", "remount,ro"])
        .arg(disk())
        .status()
        .expect("mount, of util-linux");
    assert!(remounted.success());
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
fn a_disk_too_small_for_what_a_share_keeps_is_told_and_nothing_is_shared() {
    on_a_small_disk("share_from_a_small_disk");
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
    };
    let error = shares
        .share(&new, &mut Random::new([1; 32]), NOW)
        .expect_err("no room for its rows");
    assert!(
        matches!(error, ShareError::Keep(_) | ShareError::Scan(_)),
        "{error}"
    );
    assert!(shares.mine().expect("read").is_empty());
    drop(shares);
    let again = open(&disk());
    assert!(again.mine().expect("a sound database").is_empty());
}

fn open(folder: &Path) -> Shares {
    let connection = Connection::open(folder.join("kith.db")).expect("database");
    let is_new = !connection.table_exists(None, "share").expect("read");
    for piece in crate::content::SCHEMAS.iter().filter(|_| is_new) {
        connection.execute_batch(piece).expect("tables");
    }
    let owner = SecretKey::from_bytes([1; 32]);
    let blobs = folder.join("blobs");
    Shares::new(Box::new(Mutex::new(connection)), blobs, owner).expect("shares")
}
