//! A disk that fills up while pictures are dropped, something is fetched, or something is shared: that is told, nothing else is lost, and with room
//! again it goes on. What is full is a small file system of its own, in a namespace that only the node's process sees.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use crate::mounts;
use crate::person::{PATIENCE, Person, Running, finish, text};
use crate::web_client::WebClient;

/// How large the disk of albums is, in MiB,
const ALBUMS_MIB: u64 = 6;

/// that to which something is fetched, in files of [`FILE_BYTES`],
const OUT_MIB: u64 = 32;

/// and that of a data directory, which is filled up.
const DATA_MIB: u64 = 16;

/// How many files are fetched: more than there is room for,
const FILES: u64 = 24;

/// of so many bytes,
const FILE_BYTES: u64 = 2 << 20;

/// and how many bytes may be fetched a second time: what was under way.
const TWICE_MAX: u64 = 16 << 20;

/// Mounts a disk of so many MiB at a place.
const SCRIPT: &str = "mount -t tmpfs -o size=\"$1\"m tmpfs \"$2\"";

/// A program that runs where there is a small disk at `place`.
fn on_a_small_disk(place: &Path, mib: u64, program: &str) -> Command {
    let mib = mib.to_string();
    mounts::where_mounted(SCRIPT, &[mib.as_ref(), place.as_ref()], program)
}

/// Whether a process may have a disk of its own. If not, whoever runs the tests reads that `what` was not tested.
pub(crate) async fn may_mount(what: &str) -> bool {
    let folder = tempfile::tempdir().expect("a place");
    let tried = on_a_small_disk(folder.path(), 1, "true");
    mounts::may_mount(tried, what).await
}

/// Starts the node of somebody who has a small disk at `place`, and gives what it says once it is ready.
pub(crate) async fn up_on_a_small_disk(
    person: &Person,
    place: &Path,
    mib: u64,
) -> (Running, Value) {
    let mut command = on_a_small_disk(place, mib, env!("CARGO_BIN_EXE_kith"));
    command
        .args(["up", "--json", "--no-lan", "--bind", "127.0.0.1:0"])
        .args(["--api", "127.0.0.1:0"])
        .env_remove("KITH_LOG")
        .env("KITH_DATA", person.data());
    let mut running = Running::spawn(command);
    let ready = running.json().await;
    (running, ready)
}

/// A program that sees the small disk of a running node.
pub(crate) fn beside(running: &Running, program: &str) -> Command {
    let mut command = Command::new("nsenter");
    command
        .args(["--user", "--preserve-credentials", "--mount", "--target"])
        .args([&running.process(), program])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

#[tokio::test]
async fn pictures_that_are_dropped_on_a_full_disk_are_told_and_nothing_else_is_lost() {
    if !may_mount("a full disk").await {
        return;
    }
    let ann = Person::new();
    let albums = ann.file("albums");
    fs::create_dir(&albums).expect("room");
    let (running, ready) = up_on_a_small_disk(&ann, &albums, ALBUMS_MIB).await;
    let client = WebClient::enter(&ready).await;
    let made = client.post("/albums", &json!({ "name": "sea" })).await;
    assert_eq!(made.status, 200, "{made:?}");
    let put = async |name: &str, mib: u64| {
        let path = format!("/albums/sea/files/{name}");
        client
            .change("PUT", &path, &vec![7; (mib as usize) << 20])
            .await
    };
    assert_eq!(put("first.jpg", 2).await.status, 200);

    let full = put("large.jpg", ALBUMS_MIB).await;
    assert_eq!(full.status, 507, "{full:?}");
    let words = text(&full.json()["message"]);
    assert!(words.contains("no space left"), "{words}");
    assert!(words.contains("try again"), "what to do: {words}");

    // Neither the half of it is left, nor is anything else gone.
    assert_eq!(
        put("second.jpg", 3).await.status,
        200,
        "its room is free again"
    );
    let me = text(&ann.one(&["id"]).await["peer_id"]);
    let both = async {
        loop {
            let listed = client.api(&format!("/ls?path={me}/sea")).await.json();
            let listed = listed.as_array().cloned().unwrap_or_default();
            let names: Vec<Value> = listed.into_iter().map(|it| it["name"].clone()).collect();
            assert!(!names.contains(&json!("large.jpg")), "{names:?}");
            if names == ["first.jpg", "second.jpg"] {
                return;
            }
        }
    };
    timeout(PATIENCE, both)
        .await
        .expect("the folder is followed");
    let first = client.api(&format!("/files/{me}/sea/first.jpg")).await;
    assert!(
        first.status == 200 && first.body == vec![7; 2 << 20],
        "{}",
        first.status
    );
    // Who makes room goes on.
    let removed = client
        .change("DELETE", "/albums/sea/files/second.jpg", b"")
        .await;
    assert_eq!(removed.status, 200, "{removed:?}");
    // Whoever just read what was removed keeps its room for a moment.
    let large = async { while put("large.jpg", 3).await.status != 200 {} };
    timeout(PATIENCE, large).await.expect("there is room again");
    assert_eq!(running.stop("TERM").await, 0);
}

#[tokio::test]
async fn a_get_to_a_full_disk_says_so_and_goes_on_when_there_is_room() {
    if !may_mount("a full disk").await {
        return;
    }
    let (ann, ben) = (Person::up().await, Person::new());
    fs::create_dir(ann.file("films")).expect("room");
    for number in 0..FILES {
        let film: Vec<u8> = (0..FILE_BYTES)
            .map(|at| (at / 251 + number) as u8)
            .collect();
        fs::write(ann.file("films").join(number.to_string()), film).expect("room");
    }
    let films = ann.file("films");
    ann.one(&["share", &films.display().to_string()]).await;
    let out = ben.file("out");
    fs::create_dir(&out).expect("room");
    let (running, _) = up_on_a_small_disk(&ben, &out, OUT_MIB).await;
    ben.meet(&ann, "ann", "ben").await;

    let place = out.display().to_string();
    let get = ["get", "ann/films", "--out", &place];
    let full = ben.run(&get).await;
    full.failed(1, &["ann", "the disk is full", "make room"]);
    assert_eq!(full.stderr.lines().count(), 1, "{full:?}");
    let target = out.join("films");
    let is_there = beside(&running, "test").arg("-e").arg(&target).status();
    assert!(!is_there.await.expect("test runs").success());

    let mounted = beside(&running, "mount")
        .args(["-o", "remount,size=64m"])
        .arg(&out)
        .status();
    assert!(mounted.await.expect("mount runs").success());
    let lines = ben.json(&get).await;
    let done = lines.last().expect("its end");
    let sources = done["sources"].as_array().expect("a list").iter();
    let fetched: u64 = sources.filter_map(|it| it["bytes"].as_u64()).sum();
    let missing = FILES * FILE_BYTES - (OUT_MIB << 20);
    assert!(
        (missing..=missing + TWICE_MAX).contains(&fetched),
        "{fetched} bytes for {missing}"
    );
    let mut same = beside(&running, "diff");
    let same = same.arg("-r").args([&films, &target]).status();
    assert!(same.await.expect("diff runs").success());
    assert_eq!(running.stop("TERM").await, 0);
}

#[tokio::test]
async fn sharing_on_a_full_disk_says_so_and_works_when_there_is_room() {
    if !may_mount("a full disk").await {
        return;
    }
    let (ann, elsewhere) = (Person::new(), tempfile::tempdir().expect("a place"));
    let film = elsewhere.path().join("film");
    fs::write(&film, vec![7; 1 << 20]).expect("room");
    let (running, _) = up_on_a_small_disk(&ann, ann.data(), DATA_MIB).await;
    let kith = async |args: &[&str]| {
        let mut command = beside(&running, env!("CARGO_BIN_EXE_kith"));
        command.args(args).env("KITH_DATA", ann.data());
        finish(command, b"").await
    };
    let filling = ann.file("filling");
    let filled = beside(&running, "sh")
        .args(["-c", "cat /dev/zero > \"$0\""])
        .arg(&filling)
        .status();
    assert!(!filled.await.expect("sh runs").success(), "it ends full");

    let share = ["share", &film.display().to_string()];
    let full = kith(&share).await;
    full.failed(1, &["no space left", "make some and try again"]);
    assert_eq!(full.stderr.lines().count(), 1, "{full:?}");
    let shares = kith(&["shares"]).await;
    assert_eq!((shares.code, shares.stdout), (0, Vec::new()));

    let removed = beside(&running, "rm").arg(&filling).status();
    assert!(removed.await.expect("rm runs").success());
    assert_eq!(kith(&share).await.code, 0);
    let shares = kith(&["shares", "--json"]).await.json();
    assert_eq!(shares.len(), 1, "{shares:?}");
    assert_eq!(
        (&shares[0]["name"], &shares[0]["bytes"]),
        (&json!("film"), &json!(1 << 20))
    );
    assert_eq!(running.stop("TERM").await, 0);
}
