//! A target that is a disk of its own: nothing that was staged beside it can be moved there, which is told before anything is fetched. And disks that are
//! mounted below what is shared.

use std::fs;

use serde_json::{Value, json};

use crate::absent::shell;
use crate::full_disk::{beside, may_mount, up_on_a_small_disk};
use crate::person::{Person, text};

/// How large that disk is, in MiB: more than is fetched.
const DISK_MIB: u64 = 8;

/// Ann, who shares a folder with a film, a text and a folder in it.
async fn ann_shares_films() -> Person {
    let ann = Person::up().await;
    let films = ann.file("films");
    fs::create_dir_all(films.join("old")).expect("room");
    fs::write(films.join("film.mkv"), vec![7; 1 << 20]).expect("room");
    fs::write(films.join("old/film.mkv"), vec![8; 1 << 20]).expect("room");
    fs::write(films.join("notes.txt"), "see them").expect("room");
    ann.one(&["share", &films.display().to_string()]).await;
    ann
}

/// What Ann has given to others.
async fn given(ann: &Person) -> Value {
    ann.one(&["shares"]).await["fetches"].clone()
}

#[tokio::test]
async fn a_get_into_a_mount_point_is_refused_before_anything_is_fetched() {
    if !may_mount("a target that is a mount point").await {
        return;
    }
    let (ann, ben) = (ann_shares_films().await, Person::new());
    let out = ben.file("out");
    let target = out.join("films");
    fs::create_dir_all(&target).expect("room");
    let (running, _) = up_on_a_small_disk(&ben, &target, DISK_MIB).await;
    ben.meet(&ann, "ann", "ben").await;
    let place = out.display().to_string();
    let all = ["get", "ann/films", "--out", &place];
    let some = [&all[..], &["--only", "*.mkv"]].concat();
    for is_empty in [true, false] {
        for get in [&all[..], &some] {
            let refused = ben.run(get).await;
            refused.failed(1, &[&target.display().to_string(), "exists already"]);
            assert_eq!(given(&ann).await, Value::Array(Vec::new()), "{is_empty}");
            let staged = fs::read_dir(&out).expect("there").count();
            assert_eq!(staged, 1, "{get:?}");
        }
        let put = beside(&running, "touch").arg(target.join("mine")).status();
        assert!(put.await.expect("touch runs").success());
    }
    assert_eq!(running.stop("TERM").await, 0);
}

#[tokio::test]
async fn a_selection_into_a_folder_that_is_a_mount_point_is_refused_before_it_is_fetched() {
    if !may_mount("a folder of a target that is a mount point").await {
        return;
    }
    let (ann, ben) = (ann_shares_films().await, Person::new());
    let out = ben.file("out");
    let old = out.join("films/old");
    fs::create_dir_all(&old).expect("room");
    let (running, _) = up_on_a_small_disk(&ben, &old, DISK_MIB).await;
    ben.meet(&ann, "ann", "ben").await;
    let place = out.display().to_string();
    let get = |only| ["get", "ann/films", "--out", &place, "--only", only];
    let refused = ben.run(&get("old/*.mkv")).await;
    refused.failed(1, &[&old.display().to_string(), "exists already"]);
    assert_eq!(given(&ann).await, Value::Array(Vec::new()));
    // What lies beside it is no matter.
    let done = ben.json(&get("*.txt")).await;
    assert_eq!(done.last().expect("its end")["files"], 1);
    let notes = fs::read(out.join("films/notes.txt")).expect("there");
    assert_eq!(notes, b"see them");
    assert_eq!(running.stop("TERM").await, 0);
}

#[tokio::test]
async fn a_disk_below_a_share_is_part_of_it_and_a_folder_that_lies_in_itself_is_left_out() {
    if !may_mount("a disk below a share").await {
        return;
    }
    let (ann, ben) = (Person::new(), Person::new());
    let [films, disk, again] =
        ["films", "films/disk", "films/sub/again"].map(|name| ann.file(name).display().to_string());
    for folder in [&disk, &again] {
        fs::create_dir_all(folder).expect("room");
    }
    fs::write(ann.file("films/sub/notes.txt"), "see them").expect("room");
    let (running, _) = up_on_a_small_disk(&ann, disk.as_ref(), DISK_MIB).await;
    let script = "echo film > \"$1/film.mkv\" && mount --bind \"$2\" \"$3\"";
    shell(&running, script, &[&disk, &films, &again]).await;
    let shared = ann.one(&["share", &films]).await;
    assert_eq!(shared["files"], 2, "{shared}");
    let left_out = &ann.one(&["shares", "films"]).await["left_out"];
    assert_eq!(left_out.as_array().map(Vec::len), Some(1), "{left_out}");
    let told = text(&left_out[0]);
    assert!(told.contains(&again) && told.contains("mounted"), "{told}");

    ben.meet(&ann, "ann", "ben").await;
    let place = ben.file("out").display().to_string();
    ben.json(&["get", "ann/films", "--out", &place]).await;
    let film = fs::read_to_string(ben.file("out/films/disk/film.mkv"));
    assert_eq!(film.expect("there"), "film\n");

    // It is no longer there: neither is it in the next version, in which its folder is.
    shell(&running, "umount -l \"$1\"", &[&disk]).await;
    let shared = ann.one(&["share", &films]).await;
    assert_eq!(
        (&shared["files"], &shared["absent"]),
        (&json!(1), &Value::Null)
    );
    assert_eq!(running.stop("TERM").await, 0);
}
