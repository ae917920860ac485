//! A data directory in use that becomes read-only, as a disk with errors does: every command says so, nothing of it is lost, and when it
//! can be written again all goes on. Rights do not stop root from writing, so it is mounted read-only, where only the command sees it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::mounts;
use crate::person::{Person, finish};

/// Mounts a directory at its own place, read-only.
const SCRIPT: &str = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\"";

/// A program that cannot write in `directory`.
fn read_only(directory: &Path, program: &str) -> Command {
    mounts::where_mounted(SCRIPT, &[directory.as_ref()], program)
}

/// Every file of a directory, with what it holds and who may read it.
fn files(directory: &Path, found: &mut BTreeMap<PathBuf, (Vec<u8>, u32)>) {
    for entry in fs::read_dir(directory).expect("readable") {
        let path = entry.expect("readable").path();
        let metadata = fs::symlink_metadata(&path).expect("there");
        if metadata.is_dir() {
            files(&path, found);
            continue;
        }
        let held = fs::read(&path).expect("readable");
        found.insert(path, (held, metadata.permissions().mode()));
    }
}

#[tokio::test]
async fn a_data_directory_that_becomes_read_only_is_one_clear_error_and_nothing_is_lost() {
    let folder = tempfile::tempdir().expect("a place");
    let tried = read_only(folder.path(), "true");
    if !mounts::may_mount(tried, "a read-only data directory").await {
        return;
    }
    let (mut ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    ann.one(&["contact", "note", "ben", "from the choir"]).await;
    let film = folder.path().join("film");
    fs::write(&film, "a film").expect("room");
    let film = film.display().to_string();
    ann.one(&["share", &film, "--with", "ben"]).await;
    assert_eq!(ann.stop("TERM").await, 0);
    let who = async |ann: &Person| {
        let id = ann.one(&["id"]).await["peer_id"].clone();
        (
            id,
            ann.json(&["contacts"]).await,
            ann.json(&["shares"]).await,
        )
    };
    let was = who(&ann).await;
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    files(ann.data(), &mut before);
    assert!(before.contains_key(&ann.file("identity.key")));

    let place = ann.data().display().to_string();
    for command in [
        &["up", "--no-lan", "--no-web", "--bind", "127.0.0.1:0"][..],
        &["id"],
        &["contacts"],
        &["contact", "remove", "ben"],
        &["invite"],
        &["ping", "ben", "-c", "1"],
        &["unshare", "film"],
        &["introducer", "--listen", "127.0.0.1:0"],
    ] {
        let mut kith = read_only(ann.data(), env!("CARGO_BIN_EXE_kith"));
        kith.args(command).env("KITH_DATA", ann.data());
        kith.env_remove("KITH_LOG");
        let ran = finish(kith, b"").await;
        ran.failed(1, &[&place, "cannot be written", "read-only", "--data DIR"]);
        assert_eq!(ran.stderr.lines().count(), 1, "{command:?}: {ran:?}");
    }
    files(ann.data(), &mut after);
    assert!(before == after, "a file is another");

    // It can be written again.
    assert_eq!(who(&ann).await, was);
    ann.start(&[]).await;
    ann.one(&["ping", "ben", "-c", "1"]).await;
    ben.one(&["ping", "ann", "-c", "1"]).await;
    assert_eq!(ben.one(&["ls", "ann"]).await["name"], "film");
}
