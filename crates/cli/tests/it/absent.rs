//! What is shared and is not there any more, as with a folder that was moved or a disk that is not plugged in: whoever gets it is told within the time that
//! they wait, its owner is told too, and it goes on when it is back.

use std::fs;
use std::time::Instant;

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::events::Events;
use crate::full_disk::{beside, may_mount, up_on_a_small_disk};
use crate::person::{PATIENCE, Person, Running, text};
use crate::services::friends;

/// How large a disk is that is unplugged, in MiB: more than is on it.
const DISK_MIB: u64 = 1;

/// What a get says then.
const TOLD: &str = "not where their owner shares them from";

/// A folder of Ann's with a film in it, which she shares.
async fn share_docs(ann: &Person) -> Vec<u8> {
    let film: Vec<u8> = (0..3_u32 << 20).map(|at| (at / 251) as u8).collect();
    fs::create_dir(ann.file("docs")).expect("room");
    fs::write(ann.file("docs/film.mkv"), &film).expect("room");
    fs::write(ann.file("docs/note.txt"), "a note").expect("room");
    ann.one(&["share", ann.file("docs").to_str().expect("text")])
        .await;
    film
}

fn out(person: &Person) -> String {
    person.file("out").display().to_string()
}

#[tokio::test]
async fn a_folder_that_was_moved_away_ends_a_get_when_it_has_waited() {
    let (ann, ben) = friends().await;
    share_docs(&ann).await;
    fs::rename(ann.file("docs"), ann.file("docs-away")).expect("moved");
    let begun = Instant::now();
    let get = ["get", "ann/docs", "--out", &out(&ben), "--wait", "2s"];
    ben.run(&get).await.failed(3, &["ann", TOLD, "--wait"]);
    assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
    assert!(!ben.file("out/docs").exists());
    let at_once = [&get[..4], &["--wait", "0s"]].concat();
    ben.run(&at_once).await.failed(3, &[TOLD]);
}

#[tokio::test]
async fn a_file_that_was_removed_ends_a_get_when_it_has_waited() {
    let (ann, ben) = friends().await;
    let single = ann.file("single");
    fs::write(&single, "by itself").expect("room");
    ann.one(&["share", single.to_str().expect("text")]).await;
    fs::remove_file(&single).expect("there");
    let get = ["get", "ann/single", "--out", &out(&ben), "--wait", "1s"];
    let ran = ben.run(&get).await;
    ran.failed(3, &[TOLD]);
    assert!(!ran.stderr.contains("looking at the folder"), "{ran:?}");
    // It is another when it is back, which is the next version.
    fs::write(&single, "by itself again").expect("room");
    assert_eq!(ben.run(&get).await.code, 0);
    let there = fs::read_to_string(ben.file("out/single"));
    assert_eq!(there.expect("there"), "by itself again");
}

#[tokio::test]
async fn what_comes_back_while_it_is_waited_for_is_fetched() {
    let (ann, ben) = friends().await;
    let film = share_docs(&ann).await;
    fs::rename(ann.file("docs"), ann.file("docs-away")).expect("moved");
    let to = out(&ben);
    let get = ["get", "ann/docs", "--out", &to, "--wait", "50s", "--json"];
    let mut get = ben.begin(&get);
    while get.json().await["absent"] != json!(true) {}
    let listed = ben.json(&["transfers"]).await;
    assert_eq!(
        (&listed[0]["state"], &listed[0]["absent"]),
        (&json!("waiting"), &json!(true))
    );
    fs::rename(ann.file("docs-away"), ann.file("docs")).expect("moved");
    let (said, code) = get.end().await;
    assert_eq!(code, 0, "{said}");
    assert!(fs::read(ben.file("out/docs/film.mkv")).expect("there") == film);
}

#[tokio::test]
async fn a_friend_who_has_it_gives_it() {
    let (ann, ben) = friends().await;
    let cid = Person::up().await;
    cid.meet(&ann, "ann", "cid").await;
    let film = share_docs(&ann).await;
    ben.json(&["get", "ann/docs", "--out", &out(&ben)]).await;
    let provided =
        async { while ann.one(&["shares", "docs"]).await["providers"] != json!(["ben"]) {} };
    timeout(PATIENCE, provided).await.expect("in time");
    fs::rename(ann.file("docs"), ann.file("docs-away")).expect("moved");
    let to = out(&cid);
    let get = ["get", "ann/docs", "--out", &to, "--wait", "40s"];
    let lines = cid.json(&get).await;
    assert_eq!(lines.last().expect("done")["event"], "done");
    assert!(fs::read(cid.file("out/docs/film.mkv")).expect("there") == film);
}

#[tokio::test]
async fn its_owner_is_told_until_it_is_back() {
    let ann = Person::up().await;
    share_docs(&ann).await;
    let said = async |command: &[&str]| {
        let ran = ann.run(command).await;
        String::from_utf8_lossy(&ran.stdout).into_owned()
    };
    let path = ann.file("docs").display().to_string();
    let absent = async || ann.one(&["shares", "docs"]).await["absent"].clone();
    assert_eq!(absent().await, Value::Null);
    assert!(!said(&["doctor"]).await.contains(&path));

    let mut events = Events::follow(&ann).await;
    fs::rename(&path, ann.file("docs-away")).expect("moved");
    // An app looks at what it shows anew.
    events.next("listed").await;
    assert_eq!(text(&absent().await), path);
    assert_eq!(text(&ann.one(&["shares"]).await["absent"]), path);
    let status = ann.one(&["status"]).await;
    assert_eq!(
        (&status["absent"][0]["name"], &status["absent"][0]["path"]),
        (&json!("docs"), &json!(path))
    );
    for command in [&["shares"][..], &["status"], &["doctor"]] {
        let said = said(command).await;
        assert!(said.contains(&path), "{command:?}: {said}");
    }

    fs::rename(ann.file("docs-away"), &path).expect("moved");
    events.next("listed").await;
    assert_eq!(absent().await, Value::Null);
    assert_eq!(ann.one(&["status"]).await["absent"], json!([]));
    assert!(!said(&["doctor"]).await.contains(&path));
}

/// A shell's commands, where the disk of a running node is to be seen.
async fn shell(running: &Running, script: &str, arguments: &[&str]) {
    let mut command = beside(running, "sh");
    command.args(["-c", script, "sh"]).args(arguments);
    let ran = command.output().await.expect("it runs");
    assert!(ran.status.success(), "{script}: {ran:?}");
}

#[tokio::test]
async fn a_disk_that_is_not_mounted_makes_no_empty_version_and_one_that_was_emptied_does() {
    if !may_mount("a share on a disk that is not mounted").await {
        return;
    }
    let ann = Person::new();
    let [disk, docs] = ["disk", "docs"].map(|name| ann.file(name).display().to_string());
    for folder in [&disk, &docs] {
        fs::create_dir(folder).expect("room");
    }
    // It is mounted where it is shared from as often as need be, and has then what it had.
    let plug_in = "echo 'a note' > \"$1/note\" && mount --bind \"$1\" \"$2\"";
    let (running, _) = up_on_a_small_disk(&ann, disk.as_ref(), DISK_MIB).await;
    shell(&running, plug_in, &[&disk, &docs]).await;
    let shared = ann.one(&["share", &docs]).await;
    assert_eq!(
        (&shared["files"], &shared["absent"]),
        (&json!(1), &Value::Null)
    );
    shell(&running, "umount -l \"$1\"", &[&docs]).await;
    let is_absent = async || {
        // What is shared already is looked at once more.
        let again = ann.run(&["share", &docs]).await;
        again.failed(1, &[&docs, "mounted"]);
        let now = ann.one(&["shares", "docs"]).await;
        assert_eq!(
            (text(&now["absent"]), &now["hash"]),
            (docs.clone(), &shared["hash"])
        );
    };
    is_absent().await;
    assert_eq!(running.stop("TERM").await, 0);

    // The system starts anew, without it.
    let (running, _) = up_on_a_small_disk(&ann, disk.as_ref(), DISK_MIB).await;
    is_absent().await;
    shell(&running, plug_in, &[&disk, &docs]).await;
    let back = ann.one(&["shares", "docs"]).await;
    assert_eq!(back["absent"], Value::Null);
    shell(&running, "rm \"$1/note\"", &[&docs]).await;
    let emptied = ann.one(&["share", &docs]).await;
    assert_eq!(
        (&emptied["files"], &emptied["absent"]),
        (&json!(0), &Value::Null)
    );
    assert_eq!(emptied["share_id"], shared["share_id"]);
    assert_eq!(running.stop("TERM").await, 0);
}
