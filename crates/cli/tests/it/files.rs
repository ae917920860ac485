//! Files over the local API: ranges of any file of any share, whether it was fetched or not.

use std::fs;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::person::{PATIENCE, Person, text};

/// A name that a browser would take for markup, and that is not ASCII.
const ODD: &str = "<b onload=\"x()\">Ünï 'a'&amp;.html";

/// One call for a file, as a player makes it: the head in small letters, and the bytes.
pub(crate) async fn read(person: &Person, path: &str, range: &str) -> (String, Vec<u8>) {
    let request = format!(
        "GET /api/v1{path} HTTP/1.1\r\nHost: kith.localhost\r\nConnection: close\r\n{range}\r\n"
    );
    let stream = UnixStream::connect(person.file("kith.sock")).await;
    let mut stream = stream.expect("it is up");
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("it listens");
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    read.expect("in time").expect("answered");
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let body = answer.split_off(end.expect("a head") + 4);
    (
        String::from_utf8(answer).expect("text").to_lowercase(),
        body,
    )
}

/// As a browser writes a path.
fn encoded(path: &str) -> String {
    let bytes = path.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    bytes.collect()
}

/// A folder with a film, an empty file and one with an odd name, shared with contacts.
async fn share_films(ann: &Person) -> Vec<u8> {
    let film: Vec<u8> = (0..3_u32 << 20).map(|at| (at / 251) as u8).collect();
    fs::create_dir(ann.file("films")).expect("room");
    fs::write(ann.file("films/film.mkv"), &film).expect("room");
    fs::write(ann.file("films/empty"), b"").expect("room");
    fs::write(ann.file("films").join(ODD), b"<script>").expect("room");
    let films = text(&ann.file("films").display().to_string().into());
    ann.one(&["share", &films]).await;
    film
}

/// All that is to be had of the films, below a path of the API.
async fn reads_films(person: &Person, below: &str, film: &[u8]) {
    let (size, path) = (film.len(), format!("{below}/film.mkv"));
    for (range, first, last) in [
        ("bytes=-1000", size - 1000, size - 1),
        ("bytes=7-8", 7, 8),
        ("bytes=2000000-2200000", 2_000_000, 2_200_000),
        ("bytes=3000000-", 3_000_000, size - 1),
    ] {
        let (head, body) = read(person, &path, &format!("Range: {range}\r\n")).await;
        assert!(head.starts_with("http/1.1 206"), "{head}");
        for told in [
            format!("content-range: bytes {first}-{last}/{size}"),
            format!("content-length: {}", last - first + 1),
            "content-type: video/x-matroska".to_owned(),
            "content-disposition: inline; filename*=utf-8''film%2emkv".to_owned(),
            "x-content-type-options: nosniff".to_owned(),
            "content-security-policy: sandbox; default-src 'none'".to_owned(),
        ] {
            assert!(head.contains(&told), "{told}: {head}");
        }
        assert!(body == film[first..=last], "{range}");
    }
    let (head, _) = read(person, &path, &format!("Range: bytes={size}-\r\n")).await;
    assert!(head.starts_with("http/1.1 416"), "{head}");
    let told = format!("content-range: bytes */{size}");
    assert!(head.contains(&told), "{head}");

    let (head, body) = read(person, &format!("{below}/empty"), "").await;
    assert!(
        head.starts_with("http/1.1 200") && body.is_empty(),
        "{head}"
    );
    let (head, _) = read(person, &format!("{below}/empty"), "Range: bytes=0-\r\n").await;
    assert!(head.starts_with("http/1.1 416"), "{head}");

    let odd = format!("{below}/{}", encoded(ODD));
    let (head, body) = read(person, &odd, "").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(
        head.contains("content-type: application/octet-stream"),
        "{head}"
    );
    let told = "content-disposition: attachment; filename*=utf-8''%3cb%20onload%3d%22x";
    assert!(head.contains(told), "{head}");
    assert_eq!(body, b"<script>");

    for none in ["none", "film.mkv/none", "..%2Fsecret"] {
        let (head, body) = read(person, &format!("{below}/{none}"), "").await;
        let is_refused = head.starts_with("http/1.1 404") || head.starts_with("http/1.1 400");
        assert!(is_refused, "{none}: {head}");
        let failure: Value = serde_json::from_slice(&body).expect("JSON");
        assert!(failure["message"].is_string(), "{failure}");
    }
}

#[tokio::test]
async fn an_own_file_is_read_until_it_is_another() {
    let ann = Person::up().await;
    let film = share_films(&ann).await;
    let me = text(&ann.one(&["id"]).await["peer_id"]);
    reads_films(&ann, &format!("/files/{me}/films"), &film).await;
    fs::write(ann.file("films/film.mkv"), "another").expect("room");
    // Until it was hashed anew, which is the next version.
    let changed = async {
        loop {
            let (head, body) = read(&ann, &format!("/files/{me}/films/film.mkv"), "").await;
            match &head[9..12] {
                "409" => {}
                "200" if body == b"another" => return,
                _ => panic!("{head}"),
            }
        }
    };
    timeout(PATIENCE, changed).await.expect("in time");
}

/// The tag of the version that an answer is of.
fn tag(head: &str) -> String {
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: "));
    tag.unwrap_or_else(|| panic!("no tag: {head}")).to_owned()
}

/// A range of a film is had by the tag of its version; with another tag all of it is.
async fn has_versions(person: &Person, path: &str, film: &[u8]) {
    let (head, _) = read(person, path, "Range: bytes=0-1\r\n").await;
    let tag = tag(&head);
    assert!(tag.starts_with('"') && tag.ends_with('"'), "strong: {tag}");
    let range = "Range: bytes=7-8\r\n";
    for (headers, status, count) in [
        (format!("{range}If-Range: {tag}\r\n"), "206", 2),
        (format!("{range}If-Range: \"old\"\r\n"), "200", film.len()),
        (format!("{range}If-Range: W/{tag}\r\n"), "200", film.len()),
        (
            format!("{range}If-Range: Sat, 29 Oct 1994 19:43:31 GMT\r\n"),
            "200",
            film.len(),
        ),
        (
            "Range: bytes=99999999-\r\nIf-Range: \"old\"\r\n".to_owned(),
            "200",
            film.len(),
        ),
        (format!("If-None-Match: \"old\", {tag}\r\n"), "304", 0),
        (format!("{range}If-None-Match: W/{tag}\r\n"), "304", 0),
        (format!("{range}If-None-Match: \"old\"\r\n"), "206", 2),
        (format!("{range}If-Match: {tag}\r\n"), "206", 2),
        (format!("{range}If-Match: \"old\"\r\n"), "412", 0),
    ] {
        let (head, body) = read(person, path, &headers).await;
        assert_eq!(&head[9..12], status, "{headers}: {head}");
        assert_eq!(body.len(), count, "{headers}: {head}");
        assert!(head.contains(&format!("etag: {tag}")), "{headers}: {head}");
        assert!(status != "200" || body == film, "{headers}");
    }
}

#[tokio::test]
async fn a_range_of_another_version_is_never_taken_for_one_of_this() {
    let (ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    let film = share_films(&ann).await;
    let me = text(&ann.one(&["id"]).await["peer_id"]);
    let own = format!("/files/{me}/films/film.mkv");
    let hers = "/files/ann/films/film.mkv";
    has_versions(&ann, &own, &film).await;
    has_versions(&ben, hers, &film).await;
    let old = tag(&read(&ann, &own, "").await.0);
    assert_eq!(old, tag(&read(&ben, hers, "Range: bytes=0-1\r\n").await.0));
    let out = ben.file("out").display().to_string();
    let begun = ben
        .one(&["get", "ann/films", "--out", &out, "--background"])
        .await;
    let done = async { while ben.json(&["transfers"]).await[0]["state"] != "done" {} };
    timeout(PATIENCE, done).await.expect("in time");
    let fetched = format!("/transfers/{}/files/film.mkv", begun["id"]);
    has_versions(&ben, &fetched, &film).await;

    let mut another = film.clone();
    another.reverse();
    fs::write(ann.file("films/film.mkv"), &another).expect("room");
    let of_old = format!("Range: bytes=7-8\r\nIf-Range: {old}\r\n");
    let changed = async {
        loop {
            let (head, body) = read(&ann, &own, &of_old).await;
            match &head[9..12] {
                "409" => {}
                "200" => return assert!(body == another && tag(&head) != old, "{head}"),
                _ => panic!("{head}"),
            }
        }
    };
    timeout(PATIENCE, changed).await.expect("in time");
    has_versions(&ann, &own, &another).await;
    // What was fetched and is edited here is another, too.
    let before = tag(&read(&ben, &fetched, "").await.0);
    fs::write(ben.file("out/films/film.mkv"), &another).expect("room");
    let of_before = format!("Range: bytes=7-8\r\nIf-Range: {before}\r\n");
    let (head, body) = read(&ben, &fetched, &of_before).await;
    assert!(
        head.starts_with("http/1.1 200") && body == another,
        "{head}"
    );
}

#[tokio::test]
async fn what_an_own_share_holds_is_listed() {
    let ann = Person::up().await;
    share_films(&ann).await;
    let me = text(&ann.one(&["id"]).await["peer_id"]);
    let listed = ann.json(&["ls", &format!("{me}/films")]).await;
    let names: Vec<String> = listed.iter().map(|it| text(&it["name"])).collect();
    assert_eq!(names, [ODD, "empty", "film.mkv"]);
    let one = ann.one(&["ls", &format!("{me}/films/film.mkv")]).await;
    assert_eq!(one["bytes"], 3 << 20);
    let none = ann.run(&["ls", &format!("{me}/films/none")]).await;
    none.failed(3, &[]);
}

#[tokio::test]
async fn a_contacts_file_is_read_without_having_been_fetched() {
    let (mut ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    let film = share_films(&ann).await;
    reads_films(&ben, "/files/ann/films", &film).await;
    assert_eq!(ben.json(&["transfers"]).await, [] as [Value; 0]);
    // Of her shares what is behind the only one, and behind what is none.
    let only = text(&ben.one(&["ls", "ann"]).await["share_id"]);
    let (head, body) = read(&ben, &format!("/ls?path=ann&after={only}"), "").await;
    assert!(head.starts_with("http/1.1 200") && body == b"[]", "{head}");
    let (head, _) = read(&ben, "/ls?path=ann&after=junk", "").await;
    assert!(head.starts_with("http/1.1 400"), "{head}");
    let (head, _) = read(&ben, "/files/ann/none/film.mkv", "").await;
    assert!(head.starts_with("http/1.1 404"), "{head}");
    let (head, _) = read(&ben, "/files/nobody/films/film.mkv", "").await;
    assert!(head.starts_with("http/1.1 404"), "{head}");

    fs::write(ann.file("films/other"), "later").expect("room");
    ann.stop("TERM").await;
    let (head, body) = read(&ben, "/files/ann/films/other", "").await;
    assert!(head.starts_with("http/1.1 503"), "{head}");
    let failure: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(failure["kind"], "not_found", "{failure}");
}

#[tokio::test]
async fn a_range_of_which_nothing_comes_is_an_error_in_words_and_no_head_without_bytes() {
    let (mut ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    let film = share_films(&ann).await;
    let path = "/files/ann/films/film.mkv";
    let (head, body) = read(&ben, path, "Range: bytes=0-1\r\n").await;
    assert!(
        head.starts_with("http/1.1 206") && body == film[..2],
        "{head}"
    );
    // How long it is is known from then on, and its owner goes.
    ann.stop("TERM").await;
    let (head, body) = read(&ben, path, "Range: bytes=3000000-\r\n").await;
    assert!(head.starts_with("http/1.1 503"), "{head}");
    let failure: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(failure["kind"], "not_found", "{failure}");
    assert!(failure["message"].is_string(), "{failure}");
}

#[tokio::test]
async fn a_finished_transfer_is_read_after_a_restart() {
    let (ann, mut ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    let film = share_films(&ann).await;
    let out = ben.file("out").display().to_string();
    let get = ["get", "ann/films", "--out", &out, "--background"];
    let begun = ben.one(&get).await;
    let done = async { while ben.json(&["transfers"]).await[0]["state"] != "done" {} };
    timeout(PATIENCE, done).await.expect("in time");
    ben.stop("TERM").await;
    ben.start(&[]).await;
    reads_films(&ben, &format!("/transfers/{}/files", begun["id"]), &film).await;
}

#[tokio::test]
async fn how_soon_a_file_is_wanted_is_said_at_first_and_later() {
    let (ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    share_films(&ann).await;
    let out = ben.file("out").display().to_string();
    let get = ["get", "ann/films", "--out", &out, "--background"];
    let put_off = ["--priority", "film.mkv=unwanted", "--priority", "=low"];
    let ran = ben
        .run(&[&get[..], &["--priority", "film.mkv"]].concat())
        .await;
    ran.failed(2, &["PATH=LEVEL"]);
    let ran = ben
        .run(&[&get[..], &["--priority", "film.mkv=first"]].concat())
        .await;
    ran.failed(2, &["high, normal, low or unwanted"]);
    // What is said of everything undoes what was said before of a part.
    let put_off = [put_off[2], put_off[3], put_off[0], put_off[1]];
    let begun = ben.one(&[&get[..], &put_off].concat()).await;
    let said = serde_json::json!([
        {"path": "", "level": "low"}, {"path": "film.mkv", "level": "unwanted"},
    ]);
    assert_eq!(begun["priorities"], said);
    let id = begun["id"].to_string();
    let ran = ben.run(&["transfers", "priority", "77", "", "high"]).await;
    ran.failed(3, &["no transfer 77"]);
    let told = ben
        .one(&["transfers", "priority", &id, "film.mkv", "high"])
        .await;
    assert_eq!(told["priorities"][1]["level"], "high");
    let done = async { while ben.json(&["transfers"]).await[0]["state"] != "done" {} };
    timeout(PATIENCE, done).await.expect("in time");
}
