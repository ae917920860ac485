//! A disk that fills up while pictures are dropped: the one that does not fit is told, and nothing else is lost. The albums of a node lie on a
//! small file system of their own, in a namespace that only its process sees.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use crate::person::{PATIENCE, Person, Running, text};
use crate::web_client::WebClient;

/// Set to `required` where a test that cannot run is a failure, as in `.ci/run`.
const REQUIRED: &str = "KITH_LAB";

/// How large the disk is, in MiB.
const DISK_MIB: usize = 6;

/// Mounts a small disk at the first argument, and becomes the rest.
const SCRIPT: &str = "mount -t tmpfs -o size=\"$1\"m tmpfs \"$2\" && shift 2 && exec \"$@\"";

/// A program that runs where there is a small disk at `place`.
fn on_a_small_disk(place: &std::path::Path, program: &str) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--map-root-user", "--mount", "sh", "-c", SCRIPT, "sh"])
        .arg(DISK_MIB.to_string())
        .arg(place)
        .arg(program)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Whether a process may have a file system of its own. If not, whoever runs the tests reads why this shows nothing.
async fn may_mount() -> bool {
    let folder = tempfile::tempdir().expect("a place");
    let tried = on_a_small_disk(folder.path(), "true").output().await;
    if tried.is_ok_and(|tried| tried.status.success()) {
        return true;
    }
    let is_required = std::env::var(REQUIRED).is_ok_and(|value| value == "required");
    assert!(
        !is_required,
        "user namespaces, unshare and mount are needed"
    );
    let line = "\n*** NOT TESTED: a full disk: no user namespaces, unshare or mount here\n";
    // The harness keeps back what macros print while a test passes. Nobody may be reading.
    let _ = std::io::stderr().write_all(line.as_bytes());
    false
}

#[tokio::test]
async fn pictures_that_are_dropped_on_a_full_disk_are_told_and_nothing_else_is_lost() {
    if !may_mount().await {
        return;
    }
    let ann = Person::new();
    let albums = ann.file("albums");
    fs::create_dir(&albums).expect("room");
    let mut command = on_a_small_disk(&albums, env!("CARGO_BIN_EXE_kith"));
    command
        .args(["up", "--json", "--no-lan", "--bind", "127.0.0.1:0"])
        .args(["--api", "127.0.0.1:0"])
        .env_remove("KITH_LOG")
        .env("KITH_DATA", ann.data());
    let mut running = Running::spawn(command);
    let ready = running.json().await;
    let client = WebClient::enter(&ready).await;
    let made = client.post("/albums", &json!({ "name": "sea" })).await;
    assert_eq!(made.status, 200, "{made:?}");
    let put = async |name: &str, mib: usize| {
        let path = format!("/albums/sea/files/{name}");
        client.change("PUT", &path, &vec![7; mib << 20]).await
    };
    assert_eq!(put("first.jpg", 2).await.status, 200);

    let full = put("large.jpg", DISK_MIB).await;
    assert_eq!(full.status, 507, "{full:?}");
    let words = text(&full.json()["message"]);
    assert!(words.contains("no space left"), "{words}");
    assert!(words.contains("try again"), "what to do: {words}");

    // Neither the half of it is left, nor is anything else gone.
    assert_eq!(
        put("second.jpg", 3).await.status,
        200,
        "its room is free again"
    );
    let me = text(&ann.one(&["id"]).await["peer_id"]);
    let both = async {
        loop {
            let listed = client.api(&format!("/ls?path={me}/sea")).await.json();
            let listed = listed.as_array().cloned().unwrap_or_default();
            let names: Vec<Value> = listed.into_iter().map(|it| it["name"].clone()).collect();
            assert!(!names.contains(&json!("large.jpg")), "{names:?}");
            if names == ["first.jpg", "second.jpg"] {
                return;
            }
        }
    };
    timeout(PATIENCE, both)
        .await
        .expect("the folder is followed");
    let first = client.api(&format!("/files/{me}/sea/first.jpg")).await;
    assert!(
        first.status == 200 && first.body == vec![7; 2 << 20],
        "{}",
        first.status
    );
    // Who makes room goes on.
    let removed = client
        .change("DELETE", "/albums/sea/files/second.jpg", b"")
        .await;
    assert_eq!(removed.status, 200, "{removed:?}");
    // Whoever just read what was removed keeps its room for a moment.
    let large = async { while put("large.jpg", 3).await.status != 200 {} };
    timeout(PATIENCE, large).await.expect("there is room again");
    assert_eq!(running.stop("TERM").await, 0);
}
