//! What contacts shared when they were there: shown while they are away, and forgotten with what they take back.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;
use tokio::time::timeout;

use crate::door::call;
use crate::files::read;
use crate::person::{PATIENCE, Person, text};
use crate::previews::{png, preview};

/// Ann shares a folder with two pictures, of which one lies deeper; its id.
async fn share(ann: &Person) -> String {
    let album = ann.file("album");
    fs::create_dir_all(album.join("deep")).expect("room");
    fs::write(album.join("sea.png"), png(900, 600)).expect("room");
    fs::write(album.join("deep/other.png"), png(600, 900)).expect("room");
    let shared = ann.one(&["share", &album.display().to_string()]).await;
    text(&shared["share_id"])
}

async fn get(person: &Person, path: &str) -> Value {
    call(person, "GET", path, "").await.1
}

/// Ben looks at what Ann shares, into the folder and at the picture.
async fn look(ben: &Person, album: &str) {
    assert_eq!(get(ben, "/ls?path=ann").await[0]["share_id"], album);
    let listed = get(ben, &format!("/ls?path=ann/{album}")).await;
    assert_eq!(listed.as_array().expect("a list").len(), 2);
    let sea = preview(ben, &format!("ann/{album}/sea.png"), "").await;
    assert_eq!(sea.0, 200);
    // The same by its name, as a command or a program asks.
    assert_eq!(preview(ben, "ann/album/sea.png", "").await.0, 200);
    let (head, _) = read(ben, &format!("/files/ann/{album}/sea.png"), "").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    // It is kept once it is whole.
    let here = format!("/files/ann/{album}/sea.png?here=true");
    let kept = async { while !read(ben, &here, "").await.0.contains(" 200") {} };
    timeout(PATIENCE, kept).await.expect("kept");
}

/// Waits until nothing is remembered.
async fn is_forgotten(person: &Person) {
    let forgotten = async { while get(person, "/remembered").await != Value::Array(vec![]) {} };
    timeout(PATIENCE, forgotten).await.expect("forgotten");
}

#[tokio::test]
async fn what_was_looked_at_is_shown_while_its_owner_is_away_and_not_when_it_is_taken_back() {
    let (mut ann, mut ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    let album = share(&ann).await;
    look(&ben, &album).await;
    ann.stop("TERM").await;
    ben.stop("TERM").await;
    let stray = years_pass_over_previews(&ben);
    ben.start(&[]).await;
    let swept = async { while stray.exists() {} };
    timeout(PATIENCE, swept).await.expect("nobody remembers it");

    let remembered = get(&ben, "/remembered").await;
    let known = &remembered[0];
    assert_eq!(
        (&known["name"], &known["peer"]),
        (&"album".into(), &"ann".into())
    );
    assert_eq!(
        (&known["share_id"], &known["files"]),
        (&album.clone().into(), &2.into())
    );
    assert!(known["told"].as_u64() > Some(0), "{known}");
    for share in [&album, "album"] {
        let listed = get(&ben, &format!("/ls?path=ann/{share}&here=true")).await;
        let names = listed.as_array().expect("a list").iter();
        let names: Vec<_> = names.map(|it| text(&it["name"])).collect();
        assert_eq!(names, ["deep", "sea.png"]);
        let behind = get(&ben, &format!("/ls?path=ann/{share}&here=true&after=deep")).await;
        assert_eq!(behind.as_array().expect("a list").len(), 1, "{behind}");
        assert_eq!(behind[0]["name"], "sea.png");
    }
    let deep = format!("/ls?path=ann/{album}/deep&here=true");
    let (status, refused) = call(&ben, "GET", &deep, "").await;
    assert!(status.contains("404"), "{status}");
    assert!(text(&refused["message"]).contains("away"), "{refused}");
    let [sea, other] =
        ["sea.png", "deep/other.png"].map(|path| format!("ann/{album}/{path}?size=320&here=true"));
    assert_eq!(preview(&ben, &sea, "").await.0, 200);
    assert_eq!(preview(&ben, &other, "").await.0, 503);
    for (path, told) in [("sea.png", "200"), ("deep/other.png", "503")] {
        let path = format!("/files/ann/{album}/{path}?here=true");
        let (head, bytes) = read(&ben, &path, "").await;
        assert!(head.starts_with(&format!("http/1.1 {told}")), "{head}");
        assert_eq!(bytes == png(900, 600), told == "200");
    }

    // Nobody looks at it here when it is taken back.
    ann.start(&[]).await;
    // Both have new ports, and no introducer: a new invite tells him where she is.
    ben.one(&["add", &ann.invite().await, "--as", "ann"]).await;
    ben.one(&["ping", "ann", "-c", "1"]).await;
    ann.one(&["unshare", "album"]).await;
    is_forgotten(&ben).await;
    let (status, _) = call(&ben, "GET", &format!("/ls?path=ann/{album}&here=true"), "").await;
    assert!(status.contains("404"), "{status}");
    let sea_file = format!("/files/ann/{album}/sea.png?here=true");
    let gone = async { while !read(&ben, &sea_file, "").await.0.contains(" 503") {} };
    timeout(PATIENCE, gone).await.expect("not kept any more");
    for path in [&sea, "ann/album/sea.png?size=320&here=true"] {
        let gone = async { while preview(&ben, path, "").await.0 != 503 {} };
        timeout(PATIENCE, gone).await.expect("not kept any more");
    }
}

#[tokio::test]
async fn of_a_picture_that_is_removed_from_an_album_no_preview_stays() {
    let (ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    let album = share(&ann).await;
    look(&ben, &album).await;
    let sea = format!("ann/{album}/sea.png?size=320&here=true");
    assert_eq!(preview(&ben, &sea, "").await.0, 200);
    fs::remove_file(ann.file("album/sea.png")).expect("removed");
    let looked = async {
        let listed = format!("/ls?path=ann/{album}");
        while get(&ben, &listed).await.as_array().map(Vec::len) != Some(1) {}
    };
    timeout(PATIENCE, looked).await.expect("heard of");
    let gone = async { while preview(&ben, &sea, "").await.0 != 503 {} };
    timeout(PATIENCE, gone).await.expect("not kept any more");
}

/// All small pictures that somebody was given were given long ago, and one more is of nothing that is remembered.
fn years_pass_over_previews(person: &Person) -> PathBuf {
    // Below a folder for the version of what makes them.
    let mut versions = fs::read_dir(person.data().join("previews")).expect("some were given");
    let version = versions.next().expect("one").expect("read");
    let given = version.path().join("given");
    let stray = given.join("0123456789abcdef0123456789abcdef");
    fs::write(&stray, b"of a share that was taken back").expect("room");
    for entry in fs::read_dir(&given).expect("some were given") {
        let file = fs::File::options()
            .append(true)
            .open(entry.expect("read").path());
        let long_ago = UNIX_EPOCH + Duration::from_secs(1);
        file.and_then(|it| it.set_modified(long_ago)).expect("set");
    }
    stray
}

#[tokio::test]
async fn of_somebody_who_is_blocked_or_removed_nothing_is_remembered() {
    for end in ["block", "remove"] {
        let (mut ann, ben) = (Person::up().await, Person::up().await);
        ben.meet(&ann, "ann", "ben").await;
        let album = share(&ann).await;
        look(&ben, &album).await;
        ann.stop("TERM").await;
        assert_eq!(get(&ben, "/remembered").await[0]["share_id"], album);
        ben.json(&["contact", end, "ann"]).await;
        assert_eq!(
            get(&ben, "/remembered").await,
            Value::Array(vec![]),
            "{end}"
        );
        if end == "block" {
            ben.json(&["contact", "unblock", "ann"]).await;
            assert_eq!(get(&ben, "/remembered").await, Value::Array(vec![]));
        }
    }
}

#[tokio::test]
async fn what_changed_while_nobody_looked_is_remembered_as_it_is_now() {
    let (mut ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    let album = share(&ann).await;
    look(&ben, &album).await;
    let before = text(&get(&ben, "/remembered").await[0]["hash"]);
    fs::write(ann.file("album/new.png"), png(60, 90)).expect("room");
    let told = async { while get(&ben, "/remembered").await[0]["hash"] == before {} };
    timeout(PATIENCE, told).await.expect("heard of");
    ann.stop("TERM").await;
    let known = get(&ben, "/remembered").await;
    assert_eq!(known[0]["files"], 3, "{known}");
    // The folder itself is as it was seen, and so is the time that is told.
    let listed = get(&ben, &format!("/ls?path=ann/{album}&here=true")).await;
    assert_eq!(listed.as_array().expect("a list").len(), 2);
}
