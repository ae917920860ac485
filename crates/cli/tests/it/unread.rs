//! Commands whose output nobody reads any more, as behind `head`: they end, and say nothing of it.

use std::fs;

use crate::person::{PATIENCE, Person};

#[tokio::test]
async fn a_command_whose_reader_has_gone_ends_without_a_word() {
    let ann = Person::up().await;
    fs::create_dir(ann.file("docs")).expect("room");
    for number in 0..50 {
        fs::write(ann.file("docs").join(number.to_string()), "one").expect("room");
    }
    let docs = ann.file("docs").display().to_string();
    ann.one(&["share", &docs]).await;
    let me = ann.one(&["id"]).await["peer_id"].clone();
    let ls = format!("{}/docs", me.as_str().expect("text"));
    for args in [
        &["ls", &ls][..],
        &["ls", &ls, "--json"],
        &["shares"],
        &["status"],
        &["id"],
    ] {
        let mut child = ann.command(args).spawn().expect("kith runs");
        drop(child.stdout.take().expect("piped"));
        let ended = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
        let ended = ended.expect("in time").expect("ours");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(said, "", "{args:?}");
        assert_eq!(ended.status.code(), Some(128 + 13), "{args:?}");
    }
}
