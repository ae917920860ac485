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

#[tokio::test]
async fn certain_hours_have_rates_of_their_own_until_they_are_taken_away() {
    let ann = Person::new();
    let before = ann.one(&["limits"]).await;
    let night = ["limits", "--hours", "22:00-06:00", "--days", "sat,sun"];
    ann.one(&[&night[..], &["--upload", "none"]].concat()).await;
    let changed = ann
        .one(&[&night[..], &["--download", "1 MiB/s"]].concat())
        .await;
    let expected = json!([{
        "days": ["sat", "sun"], "hours": "22:00-06:00",
        "upload": "none", "upload_each": null, "download": "1 MiB/s", "download_each": null,
    }]);
    assert_eq!(changed["schedule"], expected);
    // On all days, over whatever else was said.
    let always = ann
        .one(&["limits", "--hours", "00:00-24:00", "--upload", "32 KiB/s"])
        .await;
    assert_eq!(always["upload"], 32 << 10);
    assert_eq!(
        always["usual"]["upload"], "2 MiB/s",
        "which holds when they are over"
    );
    assert_eq!(always["schedule"][1]["days"], json!([]));
    for change in [
        &["--hours", "00:00-24:00", "--upload", "default"][..],
        &[
            &night[1..],
            &["--upload", "default", "--download", "default"],
        ]
        .concat(),
    ] {
        ann.one(&[&["limits"], change].concat()).await;
    }
    assert_eq!(ann.one(&["limits"]).await, before);
}

#[tokio::test]
async fn mistakes_in_the_configuration_are_named_with_their_line_and_touch_nothing() {
    let ann = Person::new();
    for (text, said) in [
        ("upload = 'fast'", "\"fast\" is no rate"),
        ("upload = '1 KiB/s'", "16 KiB/s"),
        ("upload = 5", "invalid type"),
        ("uplaod = '1 MiB/s'", "uplaod"),
        ("local = 'yes'", "invalid type"),
        ("schedule = [{ hours = '25:00-06:00' }]", "25:00-06:00"),
        ("schedule = [{ days = ['mon'] }]", "hours"),
        (
            "schedule = [{ hours = '1:00-2:00', days = ['moon'] }]",
            "moon",
        ),
        ("peers.ann.upload = '1 MiB/s'", "\"ann\" is no PeerId"),
    ] {
        let config = format!("# mine\n[limits]\n{text}\n");
        fs::write(ann.file("config.toml"), &config).expect("room");
        for command in [&["up"][..], &["limits", "--upload", "none"]] {
            let ran = ann.run(command).await;
            ran.failed(2, &["config.toml, line 3", said]);
            assert_eq!(ran.stderr.trim_end().lines().count(), 1, "{}", ran.stderr);
        }
        let after = fs::read_to_string(ann.file("config.toml")).expect("there");
        assert_eq!(after, config);
    }
}
