//! What an app is told, so that it never has to ask whether something is otherwise.

use std::fs;

use serde_json::{Value, json};

use crate::door::call;
use crate::events::Events;
use crate::person::{Person, text};
use crate::services::friends;

/// What is shared where somebody looks on while it is fetched: seconds' worth at the rate below.
const BIG_BYTES: usize = 24 << 20;

/// What each gives in a second at most.
const RATE: &str = "4 MiB/s";

fn data(told: &str) -> Value {
    serde_json::from_str(told).expect("JSON")
}

async fn limit(person: &Person) {
    let limits = ["limits", "--upload", RATE, "--local", "true"];
    person.one(&limits).await;
}

#[tokio::test]
async fn a_viewer_hears_at_once_what_becomes_of_a_share_and_its_owner_who_fetched_it() {
    let (ann, ben) = friends().await;
    let (mut hers, mut his) = (Events::follow(&ann).await, Events::follow(&ben).await);
    let folder = ann.file("album");
    fs::create_dir(&folder).expect("room");
    fs::write(folder.join("one.txt"), "one").expect("room");
    let shared = ann.one(&["share", folder.to_str().expect("text")]).await;
    let share = text(&shared["share_id"]);
    assert_eq!(data(&hers.until("listed").await)["share_id"], share);
    let offered = data(&his.until("offered").await);
    let me = ann.one(&["id"]).await;
    assert_eq!(
        (&offered["peer_id"], &offered["share_id"]),
        (&me["peer_id"], &shared["share_id"])
    );

    let mut his = Events::follow(&ben).await;
    fs::write(folder.join("two.txt"), "two").expect("room");
    his.until("offered").await;
    let listed = ben.json(&["ls", "ann"]).await;
    assert_eq!(listed[0]["files"], 2, "{listed:?}");

    let out = ben.file("out");
    let get = ["get", "ann/album", "--out", out.to_str().expect("text")];
    assert_eq!(ben.run(&get).await.code, 0);
    let fetched = data(&hers.until("fetched").await);
    let he = ben.one(&["id"]).await;
    assert_eq!(
        (&fetched["share_id"], &fetched["peer_id"]),
        (&shared["share_id"], &he["peer_id"])
    );
    // What is provided as a copy is listed, too.
    his.until("listed").await;

    let mut his = Events::follow(&ben).await;
    ann.one(&["unshare", "album"]).await;
    his.until("offered").await;
    assert!(ben.json(&["ls", "ann"]).await.is_empty());
}

#[tokio::test]
async fn what_another_client_sets_is_told() {
    let ann = Person::up().await;
    for (method, path, body) in [
        ("POST", "/settings", json!({ "name": "Ann" })),
        ("POST", "/limits", json!({ "upload": "1 MiB/s" })),
    ] {
        let mut events = Events::follow(&ann).await;
        call(&ann, method, path, &body.to_string()).await;
        assert_eq!(events.until("settings").await, "{}", "{path}");
    }
}

#[tokio::test]
async fn the_network_is_told_to_who_asks_for_it() {
    let (ann, ben) = friends().await;
    let he = ben.one(&["id"]).await["peer_id"].clone();
    let mut events = Events::follow_with(&ann, "?network=true").await;
    let network = data(&events.until("network").await);
    let sessions = network["sessions"].as_array().expect("a list");
    assert!(sessions.iter().any(|it| it["peer_id"] == he), "{network}");
    // Again, by itself.
    let mut events = Events::follow_with(&ann, "?network=true").await;
    for _ in 0..2 {
        events.next("network").await;
    }
}

#[tokio::test]
async fn who_gives_which_parts_is_told_and_what_is_served() {
    let (ann, ben) = friends().await;
    let path = ann.file("film");
    fs::write(&path, vec![7; BIG_BYTES]).expect("room");
    ann.one(&["share", path.to_str().expect("text")]).await;
    limit(&ann).await;
    let (mut hers, mut his) = (Events::follow(&ann).await, Events::follow(&ben).await);
    let out = ben.file("out");
    let get = ["get", "ann/film", "--background", "--out"];
    ben.one(&[&get[..], &[out.to_str().expect("text")]].concat())
        .await;
    let is_given = |transfer: &Value| {
        let sources = transfer["sources"].as_array().expect("a list");
        sources.iter().any(|source| {
            let has = |parts: &Value| {
                let parts = parts.as_array().expect("a list");
                assert_eq!(parts.len(), 128);
                parts.iter().any(|part| part.as_u64() > Some(0))
            };
            has(&source["gave"]) && has(&source["asked"])
        })
    };
    let given = loop {
        let told = data(&his.next("transfer").await);
        assert_ne!(told["state"], "done", "none was told under way");
        if is_given(&told) {
            break told;
        }
    };
    let source = &given["sources"][0];
    assert_eq!(source["peer"], "ann");
    assert!(
        ["lane", "lan"].map(Some).contains(&source["path"].as_str()),
        "{source}"
    );
    assert!(source["bytes"].as_u64() > Some(0));
    loop {
        let told = data(&hers.next("uploads").await);
        let upload = &told["uploads"][0];
        if upload["bytes"].as_u64() > Some(0) {
            assert_eq!(
                (&upload["peer"], &upload["what"]),
                (&json!("ben"), &json!("film"))
            );
            break;
        }
    }
    while data(&his.next("transfer").await)["state"] != "done" {}
    // It stays to be looked at, and adds up.
    let done = &ben.json(&["transfers"]).await[0];
    let gave = done["sources"][0]["gave"].as_array().expect("a list");
    assert!(gave.iter().all(|part| *part == 100), "{done}");
    assert_eq!(done["sources"][0]["path"], Value::Null);
    // That nothing is served any more is told once.
    while data(&hers.next("uploads").await)["uploads"] != json!([]) {}
}
