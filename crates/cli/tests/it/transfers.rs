//! Transfers that outlast the command that began them: listed, paused, resumed, cancelled.

use std::fs;

use serde_json::Value;
use tokio::time::timeout;

use crate::person::{PATIENCE, Person, text};

/// Ann, who shares `notes` and has gone offline, and Ben, who knows her.
async fn ann_is_away() -> (Person, Person) {
    let (mut ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    fs::write(ann.file("notes"), "hello").expect("room");
    let notes = text(&ann.file("notes").display().to_string().into());
    ann.one(&["share", &notes]).await;
    ann.stop("TERM").await;
    (ann, ben)
}

/// Ben's one transfer, once it is in one of these states.
async fn state(ben: &Person, states: &[&str]) -> Value {
    let reached = async {
        loop {
            let infos = ben.json(&["transfers"]).await;
            assert!(infos.len() <= 1, "{infos:?}");
            let info = infos.into_iter().next();
            if let Some(info) = info.filter(|info| states.contains(&text(&info["state"]).as_str()))
            {
                return info;
            }
        }
    };
    timeout(PATIENCE, reached).await.expect("in time")
}

#[tokio::test]
async fn a_transfer_in_the_background_outlasts_its_command_and_its_node() {
    let (mut ann, mut ben) = ann_is_away().await;
    let out = ben.file("out").display().to_string();
    let get = ["get", "ann/notes", "--out", &out];
    let begun = ben.one(&[&get[..], &["--background"]].concat()).await;
    let id = begun["id"].to_string();
    assert_eq!(begun["state"], "waiting");
    assert_eq!(begun["what"], "notes");
    assert_eq!(begun["peer"], "ann");
    assert_eq!(begun["direction"], "download");
    assert_eq!(begun["background"], true);

    let paused = ben.one(&["transfers", "pause", &id]).await;
    assert_eq!(paused["state"], "paused");
    ben.stop("TERM").await;
    let offline = ben.one(&["transfers"]).await;
    assert_eq!(
        (&offline["id"], &offline["state"]),
        (&begun["id"], &paused["state"])
    );
    // Both have new ports, and no introducer: a new invite tells him where she is.
    ann.start(&[]).await;
    ben.one(&["add", &ann.invite().await, "--as", "ann"]).await;
    ben.start(&[]).await;
    assert_eq!(ben.one(&["transfers"]).await["state"], "paused");

    let resumed = ben.one(&["transfers", "resume", "all"]).await;
    assert_eq!(resumed["state"], "waiting");
    let done = state(&ben, &["done", "failed"]).await;
    assert_eq!(
        (&done["state"], &done["bytes"]),
        (&"done".into(), &5.into())
    );
    assert_eq!(fs::read(ben.file("out/notes")).expect("there"), b"hello");

    ben.one(&["transfers", "cancel", &id]).await;
    assert_eq!(ben.json(&["transfers"]).await, [] as [Value; 0]);
    assert!(ben.file("out/notes").exists(), "what is whole stays");
}

#[tokio::test]
async fn a_transfer_in_the_foreground_ends_with_its_command() {
    let (_ann, ben) = ann_is_away().await;
    let out = ben.file("out").display().to_string();
    let get = ["get", "ann/notes", "--out", &out, "--wait", "1h", "--json"];
    let (first, second) = (ben.begin(&get), ben.begin(&get));
    let one = state(&ben, &["waiting"]).await;
    assert_eq!(one["background"], false);
    first.stop("INT").await;
    second.stop("INT").await;
    let gone = async { while !ben.json(&["transfers"]).await.is_empty() {} };
    timeout(PATIENCE, gone).await.expect("in time");
}

#[tokio::test]
async fn a_command_that_waits_hears_that_its_transfer_was_cancelled() {
    let (_ann, ben) = ann_is_away().await;
    let out = ben.file("out").display().to_string();
    let get = ben.begin(&["get", "ann/notes", "--out", &out, "--wait", "1h", "--json"]);
    state(&ben, &["waiting"]).await;
    ben.one(&["transfers", "cancel", "all"]).await;
    let (_, code) = get.end().await;
    assert_eq!(code, 1);
}

#[tokio::test]
async fn what_cannot_be_is_refused_in_words() {
    let (_ann, mut ben) = ann_is_away().await;
    let ran = ben.run(&["transfers", "pause", "7"]).await;
    ran.failed(3, &["no transfer 7", "kith transfers"]);
    let ran = ben.run(&["transfers", "cancel", "seven"]).await;
    ran.failed(2, &["seven"]);
    let ran = ben.run(&["transfers", "resume", "all"]).await;
    assert_eq!((ran.code, ran.stdout.as_slice()), (0, &b""[..]));
    ben.stop("TERM").await;
    let out = ben.file("out").display().to_string();
    let get = ["get", "ann/notes", "--out", &out, "--background"];
    ben.run(&get).await.failed(2, &["kith up"]);
    assert_eq!(ben.json(&["transfers"]).await, [] as [Value; 0]);
}
