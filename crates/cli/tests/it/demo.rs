//! `kith demo`, as the README tells people to run it.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// The whole demo, on a machine that runs other tests beside it. Alone it takes some seconds.
const PATIENCE: Duration = Duration::from_secs(180);

/// Runs the demo with its directories in `place`.
async fn demo(place: &Path, args: &[&str]) -> Output {
    let running = Command::new(env!("CARGO_BIN_EXE_kith"))
        .args(["demo", "--json"])
        .args(args)
        .env_remove("KITH_DATA")
        .env_remove("KITH_LOG")
        .env("TMPDIR", place)
        .kill_on_drop(true)
        .output();
    timeout(PATIENCE, running)
        .await
        .expect("in time")
        .expect("kith runs")
}

/// The processes of this machine that were started with `place` in their environment or command.
fn processes_of(place: &Path) -> usize {
    let place = place.to_str().expect("text").as_bytes();
    let mentions = |file: &Path| {
        let text = fs::read(file).unwrap_or_default();
        text.windows(place.len()).any(|window| window == place)
    };
    let processes = fs::read_dir("/proc").expect("Linux");
    processes
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok())
        .filter(|entry| mentions(&entry.path().join("environ")))
        .count()
}

#[tokio::test]
async fn the_demo_hands_a_folder_over_and_leaves_nothing_behind() {
    let place = tempfile::tempdir().expect("a place for files");
    let ran = demo(place.path(), &[]).await;
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    let done: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("one JSON line");
    assert_eq!(done["event"], "done");
    assert_eq!(done["files"], 6);
    assert!(done["bytes"].as_u64().expect("a number") > 1_000_000);
    for told in [
        "bob$ kith ping alice",
        "alice$ kith share",
        "bob$ kith get alice/handover",
        "same  bin/kith",
    ] {
        assert!(said.contains(told), "{told} is not in\n{said}");
    }
    let left: Vec<_> = fs::read_dir(place.path()).expect("there").collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(processes_of(place.path()), 0);
}

#[tokio::test]
async fn a_folder_of_ones_own_is_handed_over_and_kept_on_request() {
    let place = tempfile::tempdir().expect("a place for files");
    let mine = tempfile::tempdir().expect("a place for files");
    let folder = mine.path().join("a few files");
    fs::create_dir_all(folder.join("below")).expect("room");
    fs::write(folder.join("below/one"), "1").expect("room");
    let ran = demo(place.path(), &["--keep", folder.to_str().expect("text")]).await;
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    let done: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("one JSON line");
    let kept = Path::new(done["kept"].as_str().expect("a path"));
    let arrived = fs::read(kept.join("bob/received/a few files/below/one"));
    assert_eq!(arrived.expect("it arrived"), b"1");
    assert_eq!(processes_of(place.path()), 0);
}

#[tokio::test]
async fn a_demo_without_its_folder_fails_and_cleans_up() {
    let place = tempfile::tempdir().expect("a place for files");
    let ran = demo(place.path(), &["no/such/folder"]).await;
    assert_eq!(ran.status.code(), Some(1));
    assert!(ran.stdout.is_empty(), "stdout is data");
    assert_eq!(fs::read_dir(place.path()).expect("there").count(), 0);
    assert_eq!(processes_of(place.path()), 0);
}
