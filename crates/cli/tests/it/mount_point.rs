//! A target that is a disk of its own: nothing that was staged beside it can be moved there, which is told before anything is fetched.

use std::fs;

use serde_json::Value;

use crate::full_disk::{beside, may_mount, up_on_a_small_disk};
use crate::person::Person;

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
