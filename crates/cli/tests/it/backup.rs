//! An identity is saved and restored under a passphrase.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::person::{Person, Ran, finish};

async fn identity(person: &Person, what: &str, passphrase: Option<&str>) -> Ran {
    let file = person.file("backup.age");
    let file = file.to_str().expect("text");
    let mut command = person.command(&["identity", what, file, "--json"]);
    if let Some(passphrase) = passphrase {
        command.env("KITH_PASSPHRASE", passphrase);
    }
    finish(command, b"").await
}

#[tokio::test]
async fn an_exported_identity_is_the_same_peer_elsewhere() {
    let (ann, new) = (Person::up().await, Person::new());
    let before = ann.one(&["id"]).await;
    // A node may run meanwhile.
    let saved = identity(&ann, "export", Some("correct horse")).await;
    assert_eq!(saved.code, 0, "{saved:?}");
    assert_eq!(saved.json()[0]["peer_id"], before["peer_id"]);
    let mode = fs::metadata(ann.file("backup.age"))
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    fs::copy(ann.file("backup.age"), new.file("backup.age")).expect("room");

    let wrong = identity(&new, "import", Some("wrong horse")).await;
    wrong.failed(2, &["the passphrase does not open"]);
    let restored = identity(&new, "import", Some("correct horse")).await;
    assert_eq!(restored.code, 0, "{restored:?}");
    assert_eq!(new.one(&["id"]).await["peer_id"], before["peer_id"]);
    let again = identity(&new, "import", Some("correct horse")).await;
    again.failed(1, &["holds an identity already"]);
}

#[tokio::test]
async fn without_a_passphrase_nothing_is_exported_or_imported() {
    let ann = Person::new();
    ann.one(&["id"]).await;
    identity(&ann, "export", None)
        .await
        .failed(2, &["KITH_PASSPHRASE"]);
    identity(&ann, "export", Some(""))
        .await
        .failed(2, &["without a passphrase"]);
    assert!(!ann.file("backup.age").exists());
    let (saved, new) = (identity(&ann, "export", Some("p")).await, Person::new());
    assert_eq!(saved.code, 0, "{saved:?}");
    fs::copy(ann.file("backup.age"), new.file("backup.age")).expect("room");
    identity(&new, "import", Some("")).await.failed(2, &[]);
    assert!(!new.file("identity.key").exists());
}

#[tokio::test]
async fn a_damaged_export_is_no_identity() {
    let ann = Person::new();
    fs::write(ann.file("backup.age"), "not age").expect("room");
    identity(&ann, "import", Some("p"))
        .await
        .failed(1, &["backup.age", "damaged"]);
    assert!(!ann.file("identity.key").exists());
}

#[tokio::test]
async fn nothing_is_imported_under_a_running_node() {
    let (ann, ben) = (Person::up().await, Person::new());
    ben.one(&["id"]).await;
    let saved = identity(&ben, "export", Some("p")).await;
    assert_eq!(saved.code, 0, "{saved:?}");
    fs::copy(ben.file("backup.age"), ann.file("backup.age")).expect("room");
    identity(&ann, "import", Some("p"))
        .await
        .failed(1, &["is in use by process"]);
}

#[tokio::test]
async fn a_lost_key_is_told_and_comes_back_by_an_import() {
    let ann = Person::new();
    let before = ann.one(&["id"]).await;
    let saved = identity(&ann, "export", Some("p")).await;
    assert_eq!(saved.code, 0, "{saved:?}");
    let key = ann.file("identity.key");
    fs::remove_file(&key).expect("ours");
    let said = ["identity.key", "kith.db", "kith identity import"];
    ann.run(&["id"]).await.failed(1, &said);
    assert!(!key.exists(), "nobody new");
    let restored = identity(&ann, "import", Some("p")).await;
    assert_eq!(restored.code, 0, "{restored:?}");
    assert_eq!(ann.one(&["id"]).await["peer_id"], before["peer_id"]);
}

#[tokio::test]
async fn the_key_of_another_is_not_put_beside_a_database() {
    let (ann, ben) = (Person::new(), Person::new());
    let (ann_is, ben_is) = (ann.one(&["id"]).await, ben.one(&["id"]).await);
    let saved = identity(&ben, "export", Some("p")).await;
    assert_eq!(saved.code, 0, "{saved:?}");
    let key = ann.file("identity.key");
    fs::remove_file(&key).expect("ours");
    fs::copy(ben.file("backup.age"), ann.file("backup.age")).expect("room");
    let [ann_is, ben_is] = [&ann_is, &ben_is].map(|id| id["peer_id"].as_str().expect("an id"));
    let said = ["kith.db is of", ann_is, ben_is, "--data"];
    identity(&ann, "import", Some("p")).await.failed(1, &said);
    assert!(!key.exists());
    // Put there by hand it is told all the same.
    fs::copy(ben.file("identity.key"), &key).expect("room");
    ann.run(&["id"]).await.failed(1, &said);
}

#[tokio::test]
async fn the_command_that_makes_an_identity_says_so_and_where() {
    for command in [
        &["contacts", "--json"][..],
        &["offers"],
        &["ping", "nobody"],
    ] {
        let ann = Person::new();
        let told = format!("a new identity was made in {}", ann.data().display());
        let (first, again) = (ann.run(command).await, ann.run(command).await);
        assert_eq!(first.stderr.matches(&told).count(), 1, "{first:?}");
        assert!(!again.stderr.contains("identity"), "{again:?}");
        assert!(first.stdout.is_empty(), "stdout is data: {first:?}");
    }
    let ben = Person::new();
    let up = ["up", "--no-web", "--no-lan", "--bind", "127.0.0.1:0"];
    let mut running = ben.begin(&up);
    running.said("a new identity was made in").await;
    running.lines(1).await;
    assert_eq!(running.stop("TERM").await, 0);
}
