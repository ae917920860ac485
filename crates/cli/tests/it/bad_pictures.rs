//! Pictures that are none, or that mean ill: each costs one error with words for it, and the next picture is made.

use std::fs;

use serde_json::{Value, json};

use crate::files::read;
use crate::person::{Person, text};
use crate::previews::{png, preview};

/// The smallest start of a JPEG: it begins, and its one segment is said to be longer than it is.
const JPEG_START: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0";

/// A piece of a PNG, with its checksum (PNG, section 5.3).
fn chunk(kind: &[u8], content: &[u8]) -> Vec<u8> {
    let body = [kind, content].concat();
    let sum = body.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    });
    let length = (content.len() as u32).to_be_bytes();
    [&length[..], &body, &(!sum).to_be_bytes()].concat()
}

/// A sound PNG but for its header, which says that it is this large.
fn png_that_says(width: u32, height: u32) -> Vec<u8> {
    let sound = png(1, 1);
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, 0, 0, 0, 0]);
    // The signature has 8 bytes, the header's piece 25.
    [&sound[..8], &chunk(b"IHDR", &header), &sound[33..]].concat()
}

/// Ann, who shares an album with these files and a sound picture, and Ben, who looks at it.
async fn with_files(files: &[(&str, &[u8])]) -> (Person, Person) {
    let (ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    fs::create_dir(ann.file("album")).expect("room");
    for (name, bytes) in files {
        fs::write(ann.file("album").join(name), bytes).expect("room");
    }
    fs::write(ann.file("album/sound.png"), png(40, 30)).expect("room");
    ann.one(&["share", &ann.file("album").display().to_string()])
        .await;
    (ann, ben)
}

/// Each of these has no preview, at its owner's and at the other side, by this status and words; the sound one has.
async fn have_none(people: (Person, Person), expected: &[(&str, u16, &str)]) {
    let (ann, ben) = &people;
    let me = text(&ann.one(&["id"]).await["peer_id"]);
    for (person, owner) in [(ann, me.as_str()), (ben, "ann")] {
        for (name, status, said) in expected {
            let (told, _, body) = preview(person, &format!("{owner}/album/{name}"), "").await;
            assert_eq!(told, *status, "{name} at {owner}");
            let body: Value = serde_json::from_slice(&body).expect("a failure");
            let words = text(&body["message"]);
            assert!(words.contains(said), "{name}: {words}");
        }
        let (status, _, small) = preview(person, &format!("{owner}/album/sound.png"), "").await;
        assert_eq!(status, 200, "and all goes on");
        assert!(small.starts_with(&[0xff, 0xd8, 0xff]));
    }
}

#[tokio::test]
async fn a_broken_picture_is_told_as_damaged() {
    let mut bytes = png(60, 40);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    let noise = [JPEG_START, &[7; 500]].concat();
    let people = with_files(&[("flipped.png", &bytes), ("noise.jpg", &noise)]).await;
    have_none(
        people,
        &[
            ("flipped.png", 422, "damaged"),
            ("noise.jpg", 422, "damaged"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_truncated_picture_is_told_as_damaged() {
    let bytes = png(600, 400);
    let people = with_files(&[
        ("half.png", &bytes[..bytes.len() / 2]),
        ("head.png", &bytes[..20]),
        ("start.jpg", JPEG_START),
    ])
    .await;
    let none = ["half.png", "head.png", "start.jpg"].map(|name| (name, 422, "damaged"));
    have_none(people, &none).await;
}

#[tokio::test]
async fn a_mislabelled_file_is_what_its_bytes_say() {
    let sound = png(60, 40);
    let people = with_files(&[
        ("really-a-png.jpg", &sound),
        ("page.jpg", b"<!doctype html><script>alert(1)</script>"),
        ("drawing.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("phone.jpg", b"\0\0\0\x18ftypheic\0\0\0\0heicmif1"),
        ("empty.png", b""),
    ])
    .await;
    let (status, _, small) = preview(&people.1, "ann/album/really-a-png.jpg", "").await;
    assert_eq!(status, 200);
    assert!(small.starts_with(&[0xff, 0xd8, 0xff]));
    // Whatever it says it is, it is sent as no page.
    for name in ["page.jpg", "drawing.png"] {
        let (head, _) = read(&people.1, &format!("/files/ann/album/{name}"), "").await;
        assert!(head.contains("content-type: image/"), "{head}");
        assert!(head.contains("x-content-type-options: nosniff"), "{head}");
        assert!(head.contains("content-security-policy: sandbox"), "{head}");
    }
    let none = ["page.jpg", "drawing.png", "phone.jpg", "empty.png"];
    have_none(people, &none.map(|name| (name, 415, "kith does not know"))).await;
}

#[tokio::test]
async fn an_enormous_picture_is_told_as_too_large() {
    let bomb = png_that_says(50_000, 50_000);
    let people = with_files(&[("bomb.png", &bomb), ("long.jpg", JPEG_START)]).await;
    // A file of more bytes than any camera writes, which takes no room.
    let long = fs::File::options()
        .append(true)
        .open(people.0.file("album/long.jpg"));
    long.expect("there").set_len(300 << 20).expect("sparse");
    people
        .0
        .one(&["share", &people.0.file("album").display().to_string()])
        .await;
    have_none(
        people,
        &[
            ("bomb.png", 413, "too large"),
            ("long.jpg", 413, "too large"),
        ],
    )
    .await;
}

#[tokio::test]
async fn names_with_markup_control_and_bidi_characters_are_text_everywhere() {
    let names = [
        "<img src=x onerror=alert(1)>.png",
        "\u{202e}gnp.exe.png",
        "bell\u{7} and \u{1b}[31mred.png",
        "two\nlines.png",
        "'\"&amp;%2e%2e.png",
    ];
    let sound = png(40, 30);
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, &sound[..])).collect();
    let (_ann, ben) = with_files(&files).await;
    let listed = ben.json(&["ls", "ann/album"]).await;
    for name in names {
        assert!(
            listed.iter().any(|it| it["name"] == json!(name)),
            "{name:?}"
        );
        let path: String = (name.bytes().map(|byte| format!("%{byte:02x}"))).collect();
        let (status, ..) = preview(&ben, &format!("ann/album/{path}"), "").await;
        assert_eq!(status, 200, "{name:?}");
        let (head, bytes) = read(&ben, &format!("/files/ann/album/{path}"), "").await;
        assert!(
            head.starts_with("http/1.1 200") && bytes == sound,
            "{name:?}: {head}"
        );
        let how = head
            .lines()
            .find(|it| it.starts_with("content-disposition"));
        let how = how.expect("said");
        assert!(
            how.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
            "{how}"
        );
        assert!(!how.contains(['<', '"']), "{how}");
    }
    // On a terminal nothing of them steers it, or turns what stands beside them.
    let shown = ben.run(&["ls", "ann/album"]).await;
    let shown = String::from_utf8(shown.stdout).expect("text");
    assert_eq!(
        shown.lines().count(),
        names.len() + 1,
        "a line each: {shown:?}"
    );
    let steers = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!shown.contains(steers), "{shown:?}");
    // And they arrive as they are.
    let out = ben.file("out").display().to_string();
    ben.json(&["get", "ann/album", "--out", &out]).await;
    for name in names {
        let got = fs::read(ben.file("out/album").join(name)).expect("there");
        assert!(got == sound, "{name:?}");
    }
}
