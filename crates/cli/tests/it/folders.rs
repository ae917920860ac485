//! Folders of this machine, told to its owner's app and to nobody else, and made for it alone.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::door::call;
use crate::person::{Person, text};
use crate::web_client::{Answered, WebClient, up_with_browser};

/// A path as it is asked for.
fn asking(path: &Path) -> String {
    let path = path.display().to_string();
    let path = path.replace('%', "%25").replace(' ', "%20");
    format!("/folders?path={path}")
}

/// Something to look at: the folder as the system knows it.
fn photos(ann: &Person) -> std::path::PathBuf {
    for folder in ["photos/2024 sea", "photos/<b>2025", "photos/.secret"] {
        fs::create_dir_all(ann.file(folder)).expect("room");
    }
    fs::write(ann.file("photos/a.jpg"), b"x").expect("room");
    fs::canonicalize(ann.file("photos")).expect("there")
}

#[tokio::test]
async fn the_owner_is_shown_the_folders_of_this_machine() {
    let (ann, client) = up_with_browser().await;
    let photos = photos(&ann);
    let told = client.api(&asking(&photos)).await;
    assert_eq!(told.status, 200, "{told:?}");
    let told = told.json();
    assert_eq!(told["folders"], json!(["2024 sea", "<b>2025"]));
    assert_eq!(told["path"], json!(photos));
    assert_eq!(
        told["parent"],
        json!(photos.parent().expect("not the root"))
    );
    assert_eq!(
        (&told["is_cut"], &told["is_writable"]),
        (&json!(false), &json!(true))
    );
    let places = told["places"].as_array().expect("a list");
    assert_eq!(places.last(), Some(&json!({ "kind": "root", "path": "/" })));
    let root = client.api("/folders?path=/").await.json();
    assert_eq!(root["parent"], Value::Null);
    let home = client.api("/folders").await;
    assert_eq!(home.status, 200, "where people begin: {home:?}");
}

#[tokio::test]
async fn what_is_no_folder_is_told_in_words() {
    let (ann, client) = up_with_browser().await;
    let photos = photos(&ann);
    for (path, status, said) in [
        (photos.join("none"), 404, "there is no folder"),
        (photos.join("a.jpg"), 400, "is no folder"),
        ("photos".into(), 400, "begin with /"),
        ("".into(), 400, "begin with /"),
    ] {
        let refused = client.api(&asking(&path)).await;
        assert_eq!(refused.status, status, "{path:?}: {refused:?}");
        let words = text(&refused.json()["message"]);
        assert!(words.contains(said), "{path:?}: {words}");
    }
}

#[tokio::test]
async fn a_folder_is_made_by_its_owner_in_one_that_is_there() {
    let (ann, client) = up_with_browser().await;
    let photos = photos(&ann);
    let new = |path: &Path, name: &str| json!({ "path": path, "name": name });
    let made = client.post("/folders", &new(&photos, "2026 hills")).await;
    assert_eq!(made.status, 200, "{made:?}");
    let made = made.json();
    assert_eq!(made["path"], json!(photos.join("2026 hills")));
    assert_eq!(made["parent"], json!(photos));
    assert_eq!(
        (&made["folders"], &made["is_writable"]),
        (&json!([]), &json!(true))
    );
    for (path, name, status, said) in [
        (photos.clone(), "2026 hills", 400, "there is"),
        (photos.clone(), "a.jpg", 400, "another name"),
        (photos.clone(), "../out", 400, "separator"),
        (photos.clone(), "..", 400, "'..'"),
        (photos.clone(), ".hidden", 400, "hidden"),
        (photos.clone(), "", 400, "empty"),
        (photos.clone(), "a\nb", 400, "control character"),
        (photos.join("none"), "a", 404, "there is no folder"),
        (photos.join("a.jpg"), "a", 400, "is no folder"),
        ("photos".into(), "a", 400, "begin with /"),
    ] {
        let refused = client.post("/folders", &new(&path, name)).await;
        assert_eq!(refused.status, status, "{path:?} {name:?}: {refused:?}");
        let words = text(&refused.json()["message"]);
        assert!(words.contains(said), "{path:?} {name:?}: {words}");
    }
    // Nobody else makes one.
    let asked = new(&photos, "foreign").to_string();
    let api = "/api/v1/folders";
    let own = format!("http://{}", client.host);
    let mut stranger = client.clone();
    stranger.cookie = None;
    for (who, origin, status) in [
        (&stranger, own.as_str(), 401),
        (&client, "http://evil.example", 403),
        (&client, "null", 403),
    ] {
        let headers = [("Origin", origin), ("Content-Type", "application/json")];
        let refused = who.ask("POST", api, &headers, asked.as_bytes()).await;
        assert_eq!(refused.status, status, "{origin}: {refused:?}");
    }
    let mut here: Vec<_> = fs::read_dir(&photos)
        .expect("there")
        .map(|entry| entry.expect("readable").file_name())
        .collect();
    here.sort();
    let expected = [".secret", "2024 sea", "2026 hills", "<b>2025", "a.jpg"];
    assert_eq!(here, expected, "and nothing beside");
    assert!(!ann.file("out").exists());
}

/// Nothing of the folder is in an answer.
#[track_caller]
fn tells_nothing(answered: &Answered, status: u16, who: &str) {
    assert_eq!(answered.status, status, "{who}: {answered:?}");
    assert!(!answered.text().contains("2024 sea"), "{who}");
}

#[tokio::test]
async fn nobody_else_is_shown_them() {
    let (ann, client) = up_with_browser().await;
    let path = asking(&photos(&ann));
    let api = format!("/api/v1{path}");
    let mut stranger = client.clone();
    stranger.cookie = None;
    tells_nothing(
        &stranger.api(&path).await,
        401,
        "a browser without a cookie",
    );
    tells_nothing(
        &client.program().api(&path).await,
        401,
        "a program without a token",
    );
    let rebound = client.named(&format!("evil.example:{}", client.port));
    tells_nothing(&rebound.api(&path).await, 421, "a name that leads here");
    for said in [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Origin", "http://evil.example"),
        ("Origin", "null"),
    ] {
        let page = client.ask("GET", &api, &[said], b"").await;
        tells_nothing(&page, 403, said.1);
    }
    // Neither content nor a site has the API, and no address of content leads to a folder of this machine.
    let homepage = ann.file("homepage");
    fs::create_dir(&homepage).expect("room");
    fs::write(homepage.join("index.html"), b"<!doctype html>").expect("room");
    ann.one(&["share", &homepage.display().to_string()]).await;
    let me = text(&ann.one(&["id"]).await["peer_id"]);
    let share = format!("/files/{me}/homepage");
    let made = client
        .post("/content-urls", &json!({ "paths": [share] }))
        .await;
    let (content, _) = WebClient::at(&text(&made.json()[0]["url"]));
    tells_nothing(&content.get(&api).await, 404, "content");
    let made = client.post("/site-urls", &json!({ "path": share })).await;
    let (site, _) = WebClient::at(&text(&made.json()["url"]));
    tells_nothing(&site.get(&api).await, 404, "a site");
    for wrong in [path.as_str(), "/folders"] {
        let asked = json!({ "paths": [wrong] });
        let refused = client.post("/content-urls", &asked).await;
        tells_nothing(&refused, 400, wrong);
    }
    // Who has the socket is the owner.
    let (status, told) = call(&ann, "GET", &path, "").await;
    assert!(status.contains("200"), "{status} {told}");
}
