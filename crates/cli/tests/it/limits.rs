//! Limits, shown and changed while the node runs, and kept.

use std::fs;

use serde_json::{Value, json};

use crate::person::{Person, text};

#[tokio::test]
async fn limits_change_while_the_node_runs_and_are_kept_for_the_next_time() {
    let (mut ann, ben) = (Person::up().await, Person::up().await);
    ann.meet(&ben, "ben", "ann").await;
    let before = ann.one(&["limits"]).await;
    assert_eq!(before["upload"], 2 << 20, "a home's line is not filled");
    assert_eq!(
        (&before["download"], &before["local"]),
        (&Value::Null, &json!(false))
    );

    let changed = ann
        .one(&["limits", "--upload", "16 Mbit/s", "--local", "true"])
        .await;
    assert_eq!(changed["upload"], 2_000_000);
    let changed = ann
        .one(&["limits", "--peer", "ben", "--download", "500 KiB/s"])
        .await;
    assert_eq!(changed["peers"][0]["peer"], "ben");
    assert_eq!(changed["peers"][0]["download"], "500 KiB/s");
    ann.stop("TERM").await;
    let config = fs::read_to_string(ann.file("config.toml")).expect("there");
    assert!(config.starts_with("lan = false\n"), "{config}");
    ann.start(&[]).await;
    let after = ann.one(&["limits"]).await;
    assert_eq!(after, changed);

    let default = ["limits", "--upload", "default", "--local", "false"];
    ann.one(&default).await;
    let peer = text(&after["peers"][0]["peer_id"]);
    let back = ann
        .one(&["limits", "--peer", &peer, "--download", "default"])
        .await;
    assert_eq!(back, before);
}

#[tokio::test]
async fn a_rate_that_is_none_is_refused_in_words_and_changes_nothing() {
    let ann = Person::up().await;
    let before = ann.one(&["limits"]).await;
    let ran = ann.run(&["limits", "--upload", "fast"]).await;
    ran.failed(2, &["fast", "2 MiB/s"]);
    let ran = ann.run(&["limits", "--upload", "1 KiB/s"]).await;
    ran.failed(2, &["16 KiB/s", "none"]);
    let ran = ann
        .run(&["limits", "--peer", "nobody", "--upload", "none"])
        .await;
    ran.failed(3, &["nobody"]);
    assert_eq!(ann.one(&["limits"]).await, before);
}
