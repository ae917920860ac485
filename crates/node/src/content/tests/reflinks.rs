//! What lies here already takes no room a second time where the file system can share blocks: on a btrfs of its own, which takes root, loop
//! devices and `mkfs.btrfs`.

use std::fs::File;
use std::io::Write as _;
use std::process::Command;
use std::sync::Arc;

use super::world::{World, bytes, snapshot};
use crate::content::{Get, GetError, Recipients};

/// How large the file system is, in bytes,
const DISK_BYTES: u64 = 256 << 20;

/// how large the file that lies there: it is asked whether there is room for one of this size,
const FILM_BYTES: usize = 32 << 20;

/// and how much room is left at most.
const LEFT_BYTES: u64 = 24 << 20;

/// What a copy that shares its blocks may take, with the rows and nodes that are kept of a transfer.
const SHARED_BYTES: u64 = 8 << 20;

/// Set to the file system in the process that has it.
const DISK: &str = "KITH_TEST_BTRFS";

/// A file system, mounted where nobody else sees it; `None` where that cannot be.
fn on_btrfs(test: &str) -> Option<bool> {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (image, at) = (folder.path().join("image"), folder.path().join("disk"));
    let file = File::create(&image).expect("created");
    file.set_len(DISK_BYTES).expect("room for holes");
    std::fs::create_dir(&at).expect("created");
    let mut make = Command::new("mkfs.btrfs");
    let made = make.args(["-q", "--mixed"]).arg(&image).output();
    if !made.is_ok_and(|made| made.status.success()) {
        return None;
    }
    let mount = "mount -o loop \"$1\" \"$2\" && shift 2 && exec \"$@\"";
    let name = format!("content::tests::reflinks::{test}");
    let ran = Command::new("unshare")
        .args(["--mount", "sh", "-c", mount, "sh"])
        .args([&image, &at])
        .arg(std::env::current_exe().expect("a program"))
        .args([&name, "--exact", "--ignored", "--nocapture"])
        .env(DISK, &at)
        .env("TMPDIR", &at)
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&ran.stdout);
    if !said.contains("running 1 test") {
        return None;
    }
    let cried = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}{cried}");
    Some(said.contains("1 passed"))
}

#[test]
fn a_file_that_lies_here_is_cloned_on_a_disk_that_has_no_room_for_a_copy() {
    match on_btrfs("clone_on_a_full_disk") {
        Some(has_passed) => assert!(has_passed),
        None => {
            let line =
                "\n*** NOT TESTED: clones: no root, loop devices, mkfs.btrfs or btrfs here\n";
            // The test harness keeps back what macros print while a test passes, and lets this through. Nobody may be reading.
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
    }
}

/// Room that is only held for what is not written yet counts as left, and that of what a commit replaces is given back by the next one.
fn left() -> u64 {
    let disk = std::env::var_os(DISK).expect("set by the other test");
    let root = File::open(&disk).expect("mounted");
    for _ in 0..2 {
        rustix::fs::syncfs(&root).expect("written");
    }
    let system = rustix::fs::fstatvfs(&root).expect("mounted");
    system.f_bavail * system.f_frsize
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the test above, on a file system of its own"]
async fn clone_on_a_full_disk() {
    // In the folder for temporary files, which is on that file system.
    let (theirs, mine) = (World::new(), World::new());
    theirs.write("film", &bytes(1, FILM_BYTES));
    mine.write("film", &bytes(1, FILM_BYTES));
    mine.share(Recipients::Contacts);
    let share = theirs.share(Recipients::Contacts).head.share;
    let mut filler = File::create(mine.folder.path().join("filler")).expect("created");
    while left() > LEFT_BYTES {
        filler.write_all(&[1; 2 << 20]).expect("room");
    }
    let before = left();
    let shares = Arc::clone(&mine.shares);
    let request = Get {
        here: Some(Arc::new(move |wanted: &_| {
            shares.already_here(wanted).expect("read")
        })),
        ..theirs.request(share)
    };
    let got = theirs.get(request).await.expect("it takes no room");
    assert_eq!(got.fetched, 0);
    assert!(snapshot(&got.target) == snapshot(&theirs.source()));
    let taken = before.saturating_sub(left());
    assert!(taken < SHARED_BYTES, "{taken} of {before}");
    // With no clone of it here there is no room.
    let other = theirs.request(share);
    let elsewhere = Get {
        out: theirs.folder.path().join("elsewhere"),
        ..other
    };
    let full = theirs.get(elsewhere).await.expect_err("no room");
    assert!(matches!(full, GetError::DiskFull), "{full}");
}
