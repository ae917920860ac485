//! Shares that change: the event, the new version, the old one by its hash, who fetched which, and how a get ends that cannot end well.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use kith::data::Stamp;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::events::Events;
use crate::person::{PATIENCE, text};
use crate::services::friends;

#[tokio::test]
async fn a_changed_folder_is_told_fetched_anew_and_had_by_its_old_hash() {
    let (ann, ben) = friends().await;
    let folder = ann.file("notes");
    fs::create_dir(&folder).expect("room");
    fs::write(folder.join("first.txt"), "one").expect("room");
    let shared = ann.one(&["share", folder.to_str().expect("text")]).await;
    assert_eq!(shared["fetches"], json!([]));
    let old = text(&shared["hash"]);
    let mut events = Events::follow(&ann).await;
    fs::write(folder.join("second.txt"), "and two").expect("room");
    let changed = events.until("share_changed").await;
    assert!(changed.contains(&text(&shared["share_id"])), "{changed}");
    let now = ann.one(&["shares", "notes"]).await;
    assert_eq!(now["link"], shared["link"]);
    assert!(changed.contains(&text(&now["hash"])), "{changed}");

    let get = async |out: &str, more: &[&str]| {
        let out = ben.file(out);
        let out = out.to_str().expect("text");
        // What is in a copy here is not fetched for the next.
        let args = ["get", "ann/notes", "--no-provide", "--out", out];
        ben.run(&[&args, more].concat()).await
    };
    assert_eq!(get("new", &[]).await.code, 0);
    assert!(ben.file("new/notes/second.txt").exists());
    assert_eq!(get("old", &["--at", &old]).await.code, 0);
    assert!(!ben.file("old/notes/second.txt").exists());
    fs::write(ann.file("other"), "of another share").expect("room");
    let other = ann.file("other");
    let other = ann.one(&["share", other.to_str().expect("text")]).await;
    let never = get("never", &["--at", &text(&other["hash"])]).await;
    never.failed(3, &["--at"]);

    let fetched = async || {
        loop {
            let fetches = ann.one(&["shares", "notes"]).await["fetches"].clone();
            if fetches[0]["bytes"] == 13 {
                return fetches;
            }
        }
    };
    let fetched = tokio::time::timeout(PATIENCE, fetched()).await;
    let fetched = fetched.expect("written down in time");
    assert_eq!(fetched[0]["peer"], "ben");
    assert_eq!(fetched[0]["whole"], true);
    let told = ann.run(&["shares"]).await;
    let told = String::from_utf8_lossy(&told.stdout);
    assert!(told.contains("fetched by ben: all of it, 13 B"), "{told}");
}

#[tokio::test]
async fn what_lies_in_a_share_of_mine_is_not_fetched_again() {
    let (ann, ben) = friends().await;
    let [theirs, mine] = [&ann, &ben].map(|person| person.file("film.mkv"));
    fs::write(&theirs, vec![7; 3_000_000]).expect("room");
    fs::write(&mine, vec![7; 3_000_000]).expect("room");
    ann.one(&["share", theirs.to_str().expect("text")]).await;
    ben.one(&["share", mine.to_str().expect("text")]).await;
    let out = ben.file("out");
    let out = out.to_str().expect("text");
    let lines = ben.json(&["get", "ann/film.mkv", "--out", out]).await;
    let done = lines.last().expect("done");
    assert_eq!(
        (&done["bytes"], &done["sources"]),
        (&json!(3_000_000), &json!([]))
    );
    let there = fs::read(ben.file("out/film.mkv")).expect("there");
    assert!(there == fs::read(mine).expect("there"));
    assert_eq!(ann.one(&["shares"]).await["fetches"], json!([]));
}

/// How much is shared where something happens while it is fetched: seconds' worth at the rate below.
const BIG_BYTES: usize = 24 << 20;

/// What the owner gives in a second at most.
const RATE: &str = "4 MiB/s";

#[tokio::test]
async fn what_does_not_verify_is_code_5() {
    let (ann, ben) = friends().await;
    let path = ann.file("letter");
    fs::write(&path, "as it was").expect("room");
    ann.one(&["share", path.to_str().expect("text")]).await;
    // Edited behind its owner's back, as a disk that fails does: it seems to be what was hashed.
    let database = Connection::open(ann.file("kith.db")).expect("it is there");
    let modified = fs::metadata(&path).and_then(|metadata| metadata.modified());
    fs::write(&path, "as it is.").expect("room");
    let file = fs::File::options().write(true).open(&path).expect("there");
    file.set_modified(modified.expect("a time")).expect("set");
    let stamp = Stamp::of(&file.metadata().expect("there"));
    let count = database.execute(
        "UPDATE share_file SET mtime_ns = ?1, ctime_ns = ?2 WHERE path = ?3",
        (stamp.mtime_ns, stamp.ctime_ns, path.as_os_str().as_bytes()),
    );
    assert_eq!(count.expect("written"), 1, "it is shared");
    let out = ben.file("out");
    let out = out.to_str().expect("text");
    let ran = ben.run(&["get", "ann/letter", "--out", out]).await;
    ran.failed(5, &["letter"]);
    assert!(!ben.file("out/letter").exists());
}

#[tokio::test]
async fn what_was_edited_and_has_its_old_time_again_arrives_as_it_is_now() {
    let (ann, ben) = friends().await;
    let path = ann.file("letter");
    fs::write(&path, "as it was").expect("room");
    ann.one(&["share", path.to_str().expect("text")]).await;
    // As programs do that write captions into pictures.
    let modified = fs::metadata(&path).and_then(|metadata| metadata.modified());
    fs::write(&path, "as it is.").expect("room");
    let file = fs::File::options().write(true).open(&path).expect("there");
    file.set_modified(modified.expect("a time")).expect("set");
    let out = ben.file("out");
    ben.json(&["get", "ann/letter", "--out", out.to_str().expect("text")])
        .await;
    let there = fs::read_to_string(ben.file("out/letter"));
    assert_eq!(there.expect("there"), "as it is.");
}

#[tokio::test]
async fn a_share_taken_back_under_way_is_code_4() {
    let (ann, ben) = friends().await;
    let path = ann.file("film");
    fs::write(&path, vec![7; BIG_BYTES]).expect("room");
    ann.one(&["share", path.to_str().expect("text")]).await;
    ann.one(&["limits", "--upload", RATE, "--local", "true"])
        .await;
    let out = ben.file("out");
    let out = out.to_str().expect("text");
    let mut get = ben.begin(&["get", "ann/film", "--json", "--out", out]);
    while get.json().await["bytes"].as_u64().unwrap_or(0) == 0 {}
    ann.one(&["unshare", "film"]).await;
    let (said, code) = get.end().await;
    assert_eq!(code, 4, "{said}");
    assert!(!ben.file("out/film").exists());
}

#[tokio::test]
async fn a_target_that_exists_is_code_1() {
    let (ann, ben) = friends().await;
    fs::write(ann.file("letter"), "hers").expect("room");
    let path = ann.file("letter");
    ann.one(&["share", path.to_str().expect("text")]).await;
    let out = ben.file("out");
    fs::create_dir(&out).expect("room");
    fs::write(out.join("letter"), "his").expect("room");
    let get = ["get", "ann/letter", "--out", out.to_str().expect("text")];
    ben.run(&get).await.failed(
        1,
        &[
            "exists already",
            "choose another folder with --out",
            "--update",
        ],
    );
    assert_eq!(fs::read(out.join("letter")).expect("there"), b"his");
}

#[tokio::test]
async fn what_matches_is_added_to_a_folder_that_is_there_and_replaces_nothing() {
    let (ann, ben) = friends().await;
    let folder = ann.file("notes");
    fs::create_dir(&folder).expect("room");
    for name in ["one.txt", "two.txt", "three.md"] {
        fs::write(folder.join(name), name).expect("room");
    }
    ann.one(&["share", folder.to_str().expect("text")]).await;
    let out = ben.file("out");
    let get = async |only: &str| {
        let out = out.to_str().expect("text");
        let get = ["get", "ann/notes", "--only", only, "--out", out];
        ben.run(&get).await
    };
    assert_eq!(get("one.*").await.code, 0);
    assert_eq!(get("*.md").await.code, 0);
    let at = out.join("notes");
    fs::write(at.join("three.md"), "edited").expect("room");
    let in_the_way = at.join("three.md").display().to_string();
    get("*").await.failed(1, &[&in_the_way, "exists already"]);
    assert!(!at.join("two.txt").exists());
    assert_eq!(fs::read(at.join("three.md")).expect("there"), b"edited");
    assert_eq!(get("*.txt").await.code, 0);
    assert_eq!(fs::read(at.join("two.txt")).expect("there"), b"two.txt");
}

#[tokio::test]
async fn where_nothing_matches_is_code_3_and_nothing_appears() {
    let (ann, ben) = friends().await;
    let folder = ann.file("notes");
    fs::create_dir(&folder).expect("room");
    fs::write(folder.join("one.txt"), "one").expect("room");
    for path in [folder.clone(), folder.join("one.txt")] {
        ann.one(&["share", path.to_str().expect("text")]).await;
    }
    let out = ben.file("out");
    fs::create_dir(&out).expect("room");
    for source in ["ann/notes", "ann/notes/one.txt", "ann/one.txt"] {
        let out = out.to_str().expect("text");
        let get = ["get", source, "--only", "*.md", "--out", out];
        ben.run(&get).await.failed(3, &["no file there matches"]);
    }
    assert_eq!(fs::read_dir(&out).expect("there").count(), 0);
}

/// What stays as it is here for a reason.
fn kept(why: &str, paths: &[&str]) -> Value {
    json!({"why": why, "paths": paths, "count": paths.len()})
}

/// What came of an update, where nothing was deleted and one stays for each reason.
fn came(added: u64, replaced: u64, kept: &[Value]) -> Value {
    json!({"added": added, "replaced": replaced, "deleted": 0, "kept": kept, "kept_count": kept.len()})
}

#[tokio::test]
async fn what_was_got_is_brought_up_to_date_and_what_was_changed_here_stays() {
    let (ann, ben) = friends().await;
    let folder = ann.file("notes");
    fs::create_dir(&folder).expect("room");
    for name in ["one.txt", "two.txt", "three.txt"] {
        fs::write(folder.join(name), name).expect("room");
    }
    ann.one(&["share", folder.to_str().expect("text")]).await;
    let out = ben.file("out");
    let at = out.join("notes");
    let get = ["get", "ann/notes", "--out", out.to_str().expect("text")];
    let update = [&get[..], &["--update"]].concat();
    // Where nothing is there all of it comes.
    let lines = ben.json(&update).await;
    assert_eq!(lines.last().expect("done")["updated"], came(0, 0, &[]));

    let mut events = Events::follow(&ann).await;
    for name in ["one.txt", "two.txt", "four.txt", "five.txt"] {
        fs::write(folder.join(name), "what she has now").expect("room");
    }
    while ann.one(&["shares", "notes"]).await["bytes"] != 9 + 4 * 16 {
        events.until("share_changed").await;
    }
    fs::write(at.join("two.txt"), "what he made of it").expect("room");
    fs::write(at.join("five.txt"), "his").expect("room");
    ben.run(&get)
        .await
        .failed(1, &["exists already", "--update"]);
    let lines = ben.json(&update).await;
    let done = lines.last().expect("done");
    let edited = kept("changed", &["two.txt"]);
    let mine = kept("unknown", &["five.txt"]);
    assert_eq!(done["updated"], came(1, 1, &[edited.clone(), mine.clone()]));
    for (name, content) in [
        ("one.txt", "what she has now"),
        ("two.txt", "what he made of it"),
        ("three.txt", "three.txt"),
        ("four.txt", "what she has now"),
    ] {
        let here = fs::read_to_string(at.join(name)).expect("there");
        assert_eq!(here, content, "{name}");
    }
    fs::remove_file(at.join("three.txt")).expect("there");
    let again = ben.run(&update).await;
    assert_eq!(again.code, 0, "{}", again.stderr);
    let told = String::from_utf8_lossy(&again.stdout);
    assert!(
        told.contains("0 added, 0 replaced, 2 kept, 1 deleted here"),
        "{told}"
    );
    for line in [
        "kept: two.txt was changed here\n",
        "kept: five.txt was made here, or nothing is known",
        "move it away and update again",
        "deleted here: 1 file",
    ] {
        assert!(again.stderr.contains(line), "{line} {}", again.stderr);
    }
    assert!(!at.join("three.txt").exists(), "what he deleted stays so");

    // As she does next: the node does it, when he is not there.
    fs::write(folder.join("one.txt"), "and now this").expect("room");
    while ann.one(&["shares", "notes"]).await["bytes"] != 9 + 3 * 16 + 12 {
        events.until("share_changed").await;
    }
    ben.one(&[&update[..], &["--background"]].concat()).await;
    let done = async { while ben.json(&["transfers"]).await[0]["state"] != "done" {} };
    tokio::time::timeout(PATIENCE, done).await.expect("in time");
    let here = fs::read_to_string(at.join("one.txt")).expect("there");
    assert_eq!(here, "and now this");
    // And what came of it is still told.
    let told = &ben.json(&["transfers"]).await[0]["updated"];
    assert_eq!(told["replaced"], 1);
    assert_eq!(told["kept"], json!([edited, mine]));
}

#[tokio::test]
async fn a_file_that_a_command_got_by_itself_is_brought_up_to_date_by_another() {
    let (ann, mut ben) = friends().await;
    ben.stop("TERM").await;
    let letter = ann.file("letter");
    fs::write(&letter, "as it was").expect("room");
    ann.one(&["share", letter.to_str().expect("text")]).await;
    let out = ben.file("out");
    let get = ["get", "ann/letter", "--out", out.to_str().expect("text")];
    // Nothing provides it, and it is known what it was.
    let first = [&get[..], &["--no-provide"]].concat();
    assert_eq!(ben.run(&first).await.code, 0);
    fs::write(&letter, "as it is now").expect("room");
    // She has noticed.
    let noticed = async { while ann.one(&["shares", "letter"]).await["bytes"] != 12 {} };
    tokio::time::timeout(PATIENCE, noticed)
        .await
        .expect("in time");
    let update = [&get[..], &["--update"]].concat();
    let updated = async || ben.json(&update).await.pop().expect("done")["updated"].clone();
    assert_eq!(updated().await, came(0, 1, &[]));
    let here = || fs::read_to_string(out.join("letter")).expect("there");
    assert_eq!(here(), "as it is now");
    fs::write(out.join("letter"), "as he has it").expect("room");
    let edited = kept("changed", &["letter"]);
    assert_eq!(updated().await, came(0, 0, &[edited]));
    assert_eq!(here(), "as he has it");
}
