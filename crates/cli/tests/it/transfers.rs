//! Transfers that outlast the command that began them: listed, paused, resumed, cancelled.

use std::fs;

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::door::call;
use crate::files::read;
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
async fn a_transfer_in_the_background_survives_the_killing_of_its_node() {
    const BYTES: u64 = 40 << 20;
    const AGAIN_MAX: u64 = 16 << 20;
    let (ann, mut ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    let film: Vec<u8> = (0..BYTES).map(|at| (at / 251) as u8).collect();
    fs::write(ann.file("film"), &film).expect("room");
    ann.one(&["limits", "--upload", "5 MiB/s", "--local", "true"])
        .await;
    let path = text(&ann.file("film").display().to_string().into());
    ann.one(&["share", &path]).await;
    let out = ben.file("out").display().to_string();
    let get = ["get", "ann/film", "--out", &out];
    let begun = ben.one(&[&get[..], &["--background"]].concat()).await;
    let bytes = |info: &Value| info["bytes"].as_u64().expect("a number");
    let half_way = async {
        loop {
            let info = state(&ben, &["waiting", "running"]).await;
            if bytes(&info) >= BYTES / 2 {
                return bytes(&info);
            }
        }
    };
    let before = timeout(PATIENCE, half_way).await.expect("in time");
    ben.stop("KILL").await;
    assert!(!ben.file("out/film").exists());

    ben.start(&[]).await;
    let after = state(&ben, &["waiting", "running"]).await;
    assert_eq!(after["id"], begun["id"]);
    // The same in the foreground follows it, and is told in the end what this run has fetched.
    let lines = ben.json(&get).await;
    let done = lines.last().expect("its end");
    assert_eq!((&done["event"], bytes(done)), (&"done".into(), BYTES));
    let sources = done["sources"].as_array().expect("a list").iter();
    let fetched: u64 = sources.map(bytes).sum();
    let missing = BYTES - before;
    assert!(fetched <= missing + AGAIN_MAX, "{fetched} of {missing}");
    assert!(fetched < BYTES, "it began anew");
    assert!(fs::read(ben.file("out/film")).expect("there") == film);
    assert_eq!(state(&ben, &["done"]).await["id"], begun["id"]);
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

#[tokio::test]
async fn a_player_reads_ranges_of_a_file_while_it_arrives_and_after() {
    let (ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    let film: Vec<u8> = (0..12_u32 << 20).map(|at| (at / 251) as u8).collect();
    fs::create_dir(ann.file("films")).expect("room");
    fs::write(ann.file("films/film.mkv"), &film).expect("room");
    ann.one(&["limits", "--upload", "4 MiB/s", "--local", "true"])
        .await;
    let films = text(&ann.file("films").display().to_string().into());
    ann.one(&["share", &films]).await;
    let out = ben.file("out").display().to_string();
    let begun = ben
        .one(&["get", "ann/films", "--out", &out, "--background"])
        .await;
    let path = format!("/transfers/{}/files/film.mkv", begun["id"]);

    let (head, body) = read(&ben, &path, "Range: bytes=-1000\r\n").await;
    assert!(head.starts_with("http/1.1 206"), "{head}");
    let size = film.len();
    for told in [
        format!("content-range: bytes {}-{}/{size}", size - 1000, size - 1),
        "content-length: 1000".to_owned(),
        "content-type: video/x-matroska".to_owned(),
        "x-content-type-options: nosniff".to_owned(),
    ] {
        assert!(head.contains(&told), "{told}: {head}");
    }
    assert!(body == film[size - 1000..]);
    let infos = ben.json(&["transfers"]).await;
    assert_ne!(infos[0]["state"], "done", "it was read before all was here");

    let (head, _) = read(&ben, &path, &format!("Range: bytes={size}-\r\n")).await;
    assert!(head.starts_with("http/1.1 416"), "{head}");
    assert!(
        head.contains(&format!("content-range: bytes */{size}")),
        "{head}"
    );
    let (head, body) = read(&ben, &path, "").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(body == film);
    state(&ben, &["done"]).await;
    let (_, body) = read(&ben, &path, "Range: bytes=7-8\r\n").await;
    assert!(body == film[7..9]);
    for missing in ["/transfers/77/files/film.mkv", &format!("{path}.not")] {
        let (head, _) = read(&ben, missing, "").await;
        assert!(head.starts_with("http/1.1 404"), "{head}");
    }
}

#[tokio::test]
async fn a_folder_that_is_not_named_from_the_root_on_is_refused() {
    let (_ann, ben) = ann_is_away().await;
    for (path, out) in [
        ("/transfers", "downloads"),
        ("/transfers", ""),
        ("/transfers", "../downloads"),
        ("/get", "downloads"),
    ] {
        let asked = json!({
            "source": "ann/notes", "out": out, "only": [], "wait_ms": 0, "at": null, "provide": true, "keep": false,
        });
        let (status, refused) = call(&ben, "POST", path, &asked.to_string()).await;
        assert!(status.contains("400"), "{path} {out:?}: {status} {refused}");
        assert!(text(&refused["message"]).contains("absolute"), "{refused}");
    }
    assert!(ben.json(&["transfers"]).await.is_empty(), "none has begun");
}

#[tokio::test]
async fn a_selection_of_thousands_is_downloaded_and_nothing_else() {
    const FILES: usize = 5_000;
    let (ann, mut ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    let album = ann.file("years");
    fs::create_dir_all(album.join("day 1")).expect("room");
    // A star in a name stands for itself.
    let name = |at: usize| match at % 100 {
        0 => format!("day 1/IMG_{at}*.jpg"),
        _ => format!("IMG_{at:04}.jpg"),
    };
    for at in 0..=FILES {
        fs::write(album.join(name(at)), at.to_string()).expect("room");
    }
    ann.one(&["share", &album.display().to_string()]).await;
    let chosen: Vec<String> = (0..FILES).map(name).collect();
    let ask = |files: &[String]| {
        let asked = json!({
            "source": "ann/years", "out": ben.file("out"), "only": [], "files": files,
            "wait_ms": 60_000, "provide": true, "keep": false,
        });
        asked.to_string()
    };
    let (status, refused) = call(&ben, "POST", "/transfers", &ask(&["".to_owned()])).await;
    assert!(status.contains("400"), "{status} {refused}");
    let many: Vec<String> = (0..=65_536).map(|at| at.to_string()).collect();
    let (status, refused) = call(&ben, "POST", "/transfers", &ask(&many)).await;
    assert!(status.contains("400"), "{status}");
    assert!(
        text(&refused["message"]).contains("choose fewer"),
        "{refused}"
    );

    let (status, begun) = call(&ben, "POST", "/transfers", &ask(&chosen)).await;
    assert!(status.contains("200"), "{status} {begun}");
    // What was chosen is kept with the transfer.
    ben.stop("TERM").await;
    ben.start(&[]).await;
    let done = state(&ben, &["done", "failed"]).await;
    assert_eq!(
        (&done["state"], &done["files"]),
        (&json!("done"), &json!(FILES)),
        "{done}"
    );
    let out = ben.file("out/years");
    for at in 0..FILES {
        let got = fs::read_to_string(out.join(name(at))).expect("chosen");
        assert_eq!(got, at.to_string());
    }
    assert!(!out.join(name(FILES)).exists(), "not chosen");
}

#[tokio::test]
async fn what_something_is_in_the_way_of_is_fetched_elsewhere_or_adds_what_is_missing() {
    let (ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    fs::create_dir(ann.file("trip")).expect("room");
    fs::write(ann.file("trip/notes"), "hello").expect("room");
    ann.one(&["share", &ann.file("trip").display().to_string()])
        .await;
    fs::create_dir_all(ben.file("out/trip")).expect("room");
    fs::write(ben.file("out/trip/mine"), "mine").expect("room");
    let out = ben.file("out").display().to_string();
    let get = ["get", "ann/trip", "--background", "--out", &out];
    ben.one(&get).await;
    let failed = state(&ben, &["done", "failed"]).await;
    assert_eq!(failed["failure"]["exists"], true, "{failed}");
    let again = async |id: &Value, asked: Value| {
        let path = format!("/transfers/{id}/again");
        call(&ben, "POST", &path, &asked.to_string()).await
    };
    for (id, asked, told) in [
        (&failed["id"], json!({ "out": "elsewhere" }), "400"),
        (&failed["id"], json!({ "to": "/tmp" }), "400"),
        (&json!(77), json!({}), "404"),
    ] {
        let (status, refused) = again(id, asked).await;
        assert!(status.contains(told), "{status} {refused}");
    }
    let elsewhere = ben.file("elsewhere").display().to_string();
    let (_, begun) = again(&failed["id"], json!({ "out": elsewhere })).await;
    assert_eq!(begun["out"], elsewhere, "{begun}");
    let done = state(&ben, &["done", "failed"]).await;
    assert_eq!(done["state"], "done", "{done}");
    assert!(ben.file("elsewhere/trip/notes").exists());

    let (_, begun) = again(&done["id"], json!({ "out": out, "adds": true })).await;
    // All that is missing is no choice of some.
    assert_eq!(begun["selects"], false, "{begun}");
    let done = state(&ben, &["done", "failed"]).await;
    assert_eq!(done["state"], "done", "{done}");
    for (name, content) in [("notes", "hello"), ("mine", "mine")] {
        let path = ben.file("out/trip").join(name);
        assert_eq!(fs::read_to_string(path).expect("there"), content);
    }
}
