//! What is shared and is not there any more, as with a folder that was moved or a disk that is not plugged in: whoever gets it is told within the time that
//! they wait, its owner is told too, and it goes on when it is back.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use crate::door::call;
use crate::events::Events;
use crate::full_disk::{beside, may_mount, up_on_a_small_disk};
use crate::mounts;
use crate::person::{PATIENCE, Person, Running, finish, text};
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

#[tokio::test]
async fn whoever_looks_at_it_is_told_when_it_goes_and_when_it_is_back() {
    let (ann, ben) = friends().await;
    let mut events = Events::follow(&ben).await;
    share_docs(&ann).await;
    events.next("offered").await;
    let absent = async || {
        let (status, head) = call(&ben, "GET", "/head?path=ann/docs", "").await;
        assert!(status.contains("200"), "{status} {head}");
        head["absent"].clone()
    };
    assert_eq!(absent().await, Value::Null);
    for (from, to, expected) in [
        ("docs", "docs-away", json!(true)),
        ("docs-away", "docs", Value::Null),
    ] {
        fs::rename(ann.file(from), ann.file(to)).expect("moved");
        events.next("offered").await;
        assert_eq!(absent().await, expected);
    }
}

/// A shell's commands, where the disk of a running node is to be seen.
pub(crate) async fn shell(running: &Running, script: &str, arguments: &[&str]) {
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

/// Puts a file system for which nobody answers on a folder (FUSE, whose other side this is), and becomes a program then.
const UNANSWERED: &str = "
import ctypes, os, sys
fuse = os.open('/dev/fuse', os.O_RDWR)
os.set_inheritable(fuse, True)
options = f'fd={fuse},rootmode=40000,user_id=0,group_id=0'.encode()
if ctypes.CDLL(None).mount(b'none', os.fsencode(sys.argv[1]), b'fuse', 0, options):
    sys.exit('cannot mount')
os.execvp(sys.argv[2], sys.argv[2:])
";

/// `program` where the disk of `folder` does not answer.
fn unanswered(folder: &str, program: &str) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--map-root-user", "--mount", "python3", "-c", UNANSWERED])
        .args([folder, program])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

#[tokio::test]
async fn a_disk_that_does_not_answer_is_told_beside_others_and_waited_for_by_nobody() {
    let ann = Person::new();
    share_docs(&ann).await;
    let docs = ann.file("docs").display().to_string();
    let other = ann.file("other");
    fs::write(&other, "on another disk").expect("room");
    ann.one(&["share", other.to_str().expect("text")]).await;
    let tried = unanswered(&docs, "true").output().await;
    if !tried.is_ok_and(|tried| tried.status.success()) {
        return mounts::not_tested("a disk that does not answer: no unshare, python3 or FUSE here");
    }
    let kith = async |args: &[&str]| {
        let mut command = unanswered(&docs, env!("CARGO_BIN_EXE_kith"));
        command.args(args).env("KITH_DATA", ann.data());
        command.env_remove("KITH_LOG");
        let ran = finish(command, b"").await;
        String::from_utf8(ran.stdout).expect("text")
    };
    let told = format!("its disk does not answer: {docs}");
    for command in ["shares", "status", "doctor"] {
        let said = kith(&[command]).await;
        assert_eq!(said.matches("does not answer").count(), 1, "{said}");
        assert!(said.contains(&told), "{command}: {said}");
    }
    let shares = kith(&["shares", "--json"]).await;
    let shares: Vec<Value> = shares
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let of = |name: &str| {
        let share = shares.iter().find(|share| share["name"] == name);
        let share = share.expect("listed");
        (share["absent"].clone(), share["silent"].clone())
    };
    assert_eq!(of("docs"), (json!(docs), json!(true)));
    assert_eq!(of("other"), (Value::Null, Value::Null));
}

/// How many threads of a process are called so.
fn threads(running: &Running, name: &str) -> usize {
    let tasks = fs::read_dir(format!("/proc/{}/task", running.process())).expect("it runs");
    let names = tasks.map(|task| fs::read_to_string(task.expect("listed").path().join("comm")));
    names.flatten().filter(|it| it.trim() == name).count()
}

#[tokio::test]
async fn one_disk_that_does_not_answer_keeps_no_other_share_from_being_followed_and_got() {
    /// Longer than a head and a read are waited for, with what follows.
    const TOLD_WITHIN: Duration = Duration::from_secs(50);
    let (ann, ben) = (Person::new(), Person::up().await);
    share_docs(&ann).await;
    let [docs, inner] = ["docs", "deep/inner"].map(|name| ann.file(name).display().to_string());
    fs::create_dir_all(&inner).expect("room");
    fs::write(ann.file("deep/inner/film.mkv"), vec![7; 1 << 20]).expect("room");
    fs::create_dir(ann.file("other")).expect("room");
    fs::write(ann.file("other/note"), "at first").expect("room");
    for name in ["deep", "other"] {
        ann.one(&["share", ann.file(name).to_str().expect("text")])
            .await;
    }
    let tried = unanswered(&docs, "true").output().await;
    if !tried.is_ok_and(|tried| tried.status.success()) {
        return mounts::not_tested("a disk that does not answer: no unshare, python3 or FUSE here");
    }
    let mut up = unanswered(&docs, "python3");
    up.args(["-c", UNANSWERED, &inner, env!("CARGO_BIN_EXE_kith")])
        .args(["up", "--json", "--no-lan", "--bind", "127.0.0.1:0"])
        .args(["--api", "127.0.0.1:0"])
        .env_remove("KITH_LOG")
        .env("KITH_DATA", ann.data());
    let mut running = Running::spawn(up);
    running.json().await;
    ben.meet(&ann, "ann", "ben").await;

    let to = out(&ben);
    let hung = async |name: &str| {
        let begun = Instant::now();
        let get = ["get", name, "--out", &to, "--wait", "1s"];
        ben.run(&get).await.failed(3, &["ann", TOLD]);
        assert!(
            begun.elapsed() < TOLD_WITHIN,
            "{name}: {:?}",
            begun.elapsed()
        );
    };
    tokio::join!(hung("ann/docs"), hung("ann/deep"));
    for said in ["before", "after"] {
        let version = async || ann.one(&["shares", "other"]).await["hash"].clone();
        let before = version().await;
        fs::write(ann.file("other/note"), said).expect("room");
        // It is watched: nobody has to ask.
        let followed = async { while version().await == before {} };
        timeout(PATIENCE / 2, followed).await.expect("followed");
        ben.json(&["get", "ann/other", "--out", &to, "--update"])
            .await;
        let note = fs::read_to_string(ben.file("out/other/note"));
        assert_eq!(note.expect("there"), said);
    }
    // Whoever asks again makes nobody else wait for it.
    for _ in 0..4 {
        tokio::join!(hung("ann/docs"), hung("ann/deep"));
    }
    assert!(threads(&running, "look") <= 4, "two for each");
    for name in ["docs", "deep"] {
        assert_eq!(ann.one(&["shares", name]).await["silent"], json!(true));
    }
    assert_eq!(running.stop("TERM").await, 0);
}
