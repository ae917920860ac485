//! What arrived of a large file is not fetched again, whatever ended its transfer: the owner took it back, or somebody paused or cancelled it. What is
//! given is counted where it is given.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::door::call;
use crate::person::{PATIENCE, Person, Running, text};
use crate::services::friends;

/// The film: several seconds at what Ann gives,
const BYTES: u64 = 40 << 20;

/// which is this.
const RATE: &str = "5 MiB/s";

/// The most that may be given twice.
const AGAIN_MAX: u64 = 16 << 20;

fn film() -> Vec<u8> {
    (0..BYTES).map(|at| (at / 251) as u8).collect()
}

/// Ann, whose line is slow, with a film; and Ben, whom she knows.
async fn ann_has_a_film() -> (Person, Person) {
    let (ann, ben) = friends().await;
    fs::write(ann.file("film"), film()).expect("room");
    ann.one(&["limits", "--upload", RATE, "--local", "true"])
        .await;
    (ann, ben)
}

async fn share_film(ann: &Person, audience: &[&str]) {
    let path = ann.file("film").display().to_string();
    ann.one(&[&["share", &path], audience].concat()).await;
}

fn bytes(told: &Value) -> u64 {
    told["bytes"].as_u64().expect("a number")
}

/// How much a transfer's own words say that it has fetched.
fn fetched(done: &Value) -> u64 {
    assert_eq!((&done["event"], bytes(done)), (&"done".into(), BYTES));
    let sources = done["sources"].as_array().expect("a list").iter();
    sources.map(bytes).sum()
}

/// How much of the film Ann has given, once she gives no more.
async fn given(ann: &Person) -> u64 {
    let rests = async {
        loop {
            let uploads = ann.json(&["transfers"]).await;
            let shared = ann.json(&["shares"]).await;
            let fetches = shared.last().map(|share| share["fetches"].clone());
            if let Some(fetch) = fetches.as_ref().and_then(|it| it.get(0))
                && uploads.is_empty()
            {
                return bytes(fetch);
            }
        }
    };
    timeout(PATIENCE, rests).await.expect("in time")
}

/// Reads what a `get` says until half of the film is there, and gives how much that is.
async fn half_way(get: &mut Running) -> u64 {
    loop {
        let told = get.json().await;
        assert_eq!(told["event"], "progress", "it was too fast");
        if bytes(&told) >= BYTES / 2 {
            return bytes(&told);
        }
    }
}

/// Ben's one transfer, once something holds of it.
async fn once(ben: &Person, holds: impl Fn(&Value) -> bool) -> Value {
    let reached = async {
        loop {
            let infos = ben.json(&["transfers"]).await;
            if let Some(info) = infos.into_iter().find(&holds) {
                return info;
            }
        }
    };
    timeout(PATIENCE, reached).await.expect("in time")
}

/// Whether something that is not whole lies in a folder.
fn has_partial(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names = entries.map(|entry| entry.expect("read").file_name());
    names.any(|name| name.to_string_lossy().ends_with(".partial"))
}

#[tokio::test]
async fn what_is_taken_back_half_way_is_refused_and_goes_on_when_it_is_given_again() {
    let (ann, ben) = ann_has_a_film().await;
    let cat = Person::up().await;
    cat.meet(&ann, "ann", "cat").await;
    share_film(&ann, &["--with", "ben"]).await;
    let out = ben.file("out");
    let get = ["get", "ann/film", "--out", &out.display().to_string()].map(str::to_owned);
    let get: Vec<&str> = get.iter().map(String::as_str).collect();
    let mut first = ben.begin(&[&get[..], &["--json"]].concat());
    let before = half_way(&mut first).await;
    ann.one(&["audience", "film", "--with", "cat"]).await;
    let (_, code) = first.end().await;
    assert_eq!(code, 4, "it was his to have");
    assert!(!out.join("film").exists() && has_partial(&out));
    let given_before = given(&ann).await;
    assert!((before..BYTES).contains(&given_before), "{given_before}");
    ben.run(&get).await.failed(3, &["no such share"]);

    // A new grant, for the same version.
    ann.one(&["audience", "film", "--with", "ben", "cat"]).await;
    let lines = ben.json(&get).await;
    let again = fetched(lines.last().expect("its end"));
    assert!(again <= BYTES - before + AGAIN_MAX, "{again} of {before}");
    assert!(again < BYTES, "it began anew");
    let all = given(&ann).await;
    assert!(all <= BYTES + AGAIN_MAX, "{all} were given of {BYTES}");
    assert!(all < given_before + BYTES, "it began anew");
    assert!(fs::read(out.join("film")).expect("there") == film());
    assert!(!has_partial(&out));
}

#[tokio::test]
async fn what_is_unshared_half_way_goes_on_when_the_same_is_shared_anew() {
    let (ann, ben) = ann_has_a_film().await;
    share_film(&ann, &["--with", "ben"]).await;
    let out = ben.file("out");
    let get = ["get", "ann/film", "--out", &out.display().to_string()].map(str::to_owned);
    let get: Vec<&str> = get.iter().map(String::as_str).collect();
    let mut first = ben.begin(&[&get[..], &["--json"]].concat());
    let before = half_way(&mut first).await;
    ann.one(&["unshare", "film"]).await;
    let (_, code) = first.end().await;
    assert_eq!(code, 4, "it was his to have");
    assert!(!out.join("film").exists());

    // Under another id, to a wider audience: only the file is the same.
    share_film(&ann, &["--contacts"]).await;
    let lines = ben.json(&get).await;
    let again = fetched(lines.last().expect("its end"));
    assert!(again <= BYTES - before + AGAIN_MAX, "{again} of {before}");
    let all = given(&ann).await;
    assert!(all <= BYTES - before + AGAIN_MAX, "{all} of {before}");
    assert!(fs::read(out.join("film")).expect("there") == film());
    assert!(!has_partial(&out), "nothing is left of the share that was");
}

#[tokio::test]
async fn a_paused_transfer_is_given_nothing_until_it_is_resumed_after_a_restart_too() {
    let (mut ann, mut ben) = ann_has_a_film().await;
    share_film(&ann, &[]).await;
    let out = ben.file("out").display().to_string();
    let get = ["get", "ann/film", "--out", &out, "--background"];
    let id = ben.one(&get).await["id"].to_string();
    once(&ben, |info| bytes(info) >= BYTES / 4).await;
    let paused = ben.one(&["transfers", "pause", &id]).await;
    assert_eq!(paused["state"], "paused");
    let before = given(&ann).await;
    assert!(before < BYTES, "it was too fast");
    // In this time she would have given some MiB.
    ben.json(&["ping", "ann", "-c", "3"]).await;
    assert_eq!(given(&ann).await, before);

    ben.stop("TERM").await;
    ann.stop("TERM").await;
    ann.start(&[]).await;
    ben.one(&["add", &ann.invite().await, "--as", "ann"]).await;
    ben.start(&[]).await;
    ben.json(&["ping", "ann", "-c", "3"]).await;
    assert_eq!(ben.one(&["transfers"]).await["state"], "paused");
    assert_eq!(given(&ann).await, before, "nobody resumed it");

    let resumed = ben.one(&["transfers", "resume", &id]).await;
    assert_ne!(resumed["state"], "paused");
    let done = once(&ben, |info| info["state"] == "done").await;
    assert_eq!(bytes(&done), BYTES);
    let all = given(&ann).await;
    assert!(all <= BYTES + AGAIN_MAX, "{all} were given of {BYTES}");
    assert!(all < before + BYTES, "it began anew");
    assert!(fs::read(ben.file("out/film")).expect("there") == film());
}

#[tokio::test]
async fn what_arrived_goes_with_a_transfer_that_is_cancelled_unless_it_is_to_be_kept() {
    let (ann, ben) = ann_has_a_film().await;
    share_film(&ann, &[]).await;
    let folder = ben.file("out");
    let out = folder.display().to_string();
    let get = ["get", "ann/film", "--out", &out, "--background"];
    let id = ben.one(&get).await["id"].to_string();
    once(&ben, |info| bytes(info) >= BYTES / 4).await;
    assert!(has_partial(&folder));
    ben.one(&["transfers", "cancel", &id]).await;
    assert!(ben.json(&["transfers"]).await.is_empty());
    assert!(!has_partial(&folder) && !folder.join("film").exists());
    let for_nothing = given(&ann).await;

    let id = ben.one(&get).await["id"].to_string();
    let half = once(&ben, |info| bytes(info) >= BYTES / 2).await;
    ben.one(&["transfers", "cancel", &id, "--keep"]).await;
    assert!(ben.json(&["transfers"]).await.is_empty());
    assert!(has_partial(&folder) && !folder.join("film").exists());
    let lines = ben.json(&get[..4]).await;
    let again = fetched(lines.last().expect("its end"));
    assert!(again <= BYTES - bytes(&half) + AGAIN_MAX, "{again}");
    let all = given(&ann).await - for_nothing;
    assert!(all <= BYTES + AGAIN_MAX, "{all} were given of {BYTES}");
    assert!(fs::read(folder.join("film")).expect("there") == film());
    assert!(!has_partial(&folder));
}

#[tokio::test]
async fn what_is_got_to_be_kept_stays_a_copy_when_there_is_no_room_for_any() {
    let (mut ann, mut ben) = friends().await;
    for name in ["letter", "note"] {
        fs::create_dir(ann.file(name)).expect("room");
        fs::write(ann.file(name).join(name), name).expect("room");
        let path = ann.file(name).display().to_string();
        ann.one(&["share", &path]).await;
    }
    let out = ben.file("out").display().to_string();
    let copies = async |ben: &Person| -> Vec<(String, Value)> {
        let shares = ben.json(&["shares"]).await;
        let copies = shares.iter();
        copies
            .map(|it| (text(&it["name"]), it["kept"].clone()))
            .collect()
    };
    let kept = ("letter".to_owned(), json!(true));
    ben.json(&["get", "ann/letter", "--out", &out, "--keep"])
        .await;
    let listed = async { while copies(&ben).await != [kept.clone()] {} };
    timeout(PATIENCE, listed).await.expect("in time");
    let none = json!({ "copies_mebibytes": 0 }).to_string();
    let (status, _) = call(&ben, "POST", "/settings", &none).await;
    assert!(status.contains("200"), "{status}");
    ben.json(&["get", "ann/note", "--out", &out]).await;
    let listed = async { while copies(&ben).await != [kept.clone()] {} };
    timeout(PATIENCE, listed).await.expect("in time");

    // It is provided after a restart, while she is away.
    ben.stop("TERM").await;
    ann.stop("TERM").await;
    ben.start(&[]).await;
    assert_eq!(copies(&ben).await, [kept]);
}
