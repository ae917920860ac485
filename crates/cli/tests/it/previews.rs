//! Previews as a browser and a person meet them: real nodes, the real program that makes them.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;

use crate::files::read;
use crate::person::{Person, finish, kith, text};
use crate::web_client::{WebClient, up_with_browser};

/// An image of this size as PNG, without any library: stored blocks of one colour each line (RFC 1950, 1951; PNG).
pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    let row = [vec![0], vec![90; width as usize]].concat();
    let raw = row.repeat(height as usize);
    let mut packed = vec![0x78, 0x01];
    let mut blocks = raw.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        packed.push(u8::from(blocks.peek().is_none()));
        let length = block.len() as u16;
        packed.extend(length.to_le_bytes());
        packed.extend((!length).to_le_bytes());
        packed.extend(block);
    }
    let (low, high) = raw.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    packed.extend((high << 16 | low).to_be_bytes());
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, 0, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, content) in [(b"IHDR", header), (b"IDAT", packed), (b"IEND", vec![])] {
        file.extend((content.len() as u32).to_be_bytes());
        let body = [kind.as_slice(), &content].concat();
        let sum = body.iter().fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
                (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
            })
        });
        file.extend(&body);
        file.extend((!sum).to_be_bytes());
    }
    file
}

/// A folder with pictures, and with what is none.
async fn share_album(ann: &Person) {
    let album = ann.file("album");
    fs::create_dir_all(album.join("day 1")).expect("room");
    for (name, bytes) in [
        ("day 1/sea.png", png(900, 600)),
        ("cut.png", png(900, 600)[..2_000].to_vec()),
        ("bomb.png", {
            let mut bomb = png(1, 1);
            bomb[16..24].copy_from_slice(&[0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50]);
            bomb
        }),
        ("words.jpg", b"no picture at all".to_vec()),
    ] {
        fs::write(album.join(name), bytes).expect("room");
    }
    ann.one(&["share", &text(&album.display().to_string().into())])
        .await;
}

/// What a call for a preview gives: the status, the entity tag and the bytes.
pub(crate) async fn preview(person: &Person, path: &str, headers: &str) -> (u16, String, Vec<u8>) {
    let (head, body) = read(person, &format!("/previews/{path}"), headers).await;
    let status = head[9..12].parse().expect("a status");
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: "));
    (status, tag.unwrap_or_default().to_owned(), body)
}

#[tokio::test]
async fn whoever_may_have_an_album_sees_its_pictures_small_and_is_told_why_not() {
    let (ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    share_album(&ann).await;
    let me = text(&ann.one(&["id"]).await["peer_id"]);
    for (person, owner) in [(&ann, me.as_str()), (&ben, "ann")] {
        let sea = format!("{owner}/album/day%201/sea.png");
        let (status, tag, small) = preview(person, &sea, "").await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&small));
        assert!(small.starts_with(&[0xff, 0xd8, 0xff]) && small.len() < 64 << 10);
        let known = format!("If-None-Match: {tag}\r\n");
        assert_eq!(preview(person, &sea, &known).await.0, 304);
        let (_, large_tag, large) = preview(person, &format!("{sea}?size=1280"), "").await;
        assert!(large.len() > small.len() && large_tag != tag);
        for (name, status) in [
            ("cut.png", 422),
            ("bomb.png", 422),
            ("words.jpg", 415),
            ("none.png", 404),
        ] {
            let path = format!("{owner}/album/{name}");
            assert_eq!(preview(person, &path, "").await.0, status, "{name}");
        }
        assert_eq!(preview(person, &sea, "").await.0, 200, "and all goes on");
    }
    let (_, tag, _) = preview(&ben, "ann/album/day%201/sea.png", "").await;
    fs::write(ann.file("album/day 1/sea.png"), png(600, 900)).expect("room");
    ann.one(&["share", &ann.file("album").display().to_string()])
        .await;
    let (status, now, _) = preview(&ben, "ann/album/day%201/sea.png", "").await;
    assert_eq!(status, 200);
    assert_ne!(now, tag, "another picture");
}

#[tokio::test]
async fn a_browser_loads_previews_at_the_origin_of_content() {
    let (ann, client) = up_with_browser().await;
    share_album(&ann).await;
    let me = text(&ann.one(&["id"]).await["peer_id"]);
    let path = format!("/previews/{me}/album");
    let asked = json!({ "paths": [path] });
    let made = client.post("/content-urls", &asked).await;
    assert_eq!(made.status, 200, "{made:?}");
    let url = text(&made.json()[0]["url"]);
    let (content, path) = WebClient::at(&format!("{url}/day%201/sea.png"));
    let small = content.get(&path).await;
    assert_eq!(small.status, 200, "{small:?}");
    assert_eq!(small.header("content-type"), Some("image/jpeg"));
    let large = content.get(&format!("{path}?size=1280")).await;
    assert!(large.body.len() > small.body.len());
    let tag = small.header("etag").expect("a tag");
    let known = [("If-None-Match", tag)];
    let again = content.ask("GET", &path, &known, b"").await;
    assert_eq!(again.status, 304);
}

#[tokio::test]
async fn a_picture_said_to_unpack_beyond_memory_is_refused_by_its_process() {
    let mut worker = kith(&["preview-worker", "320"]);
    worker.env_clear();
    let made = finish(worker, &png(900, 600)).await;
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(made.stdout.starts_with(&[0xff, 0xd8, 0xff]));
    // As large as is decoded, and of sixteen bits: 800 MB of pixels.
    let mut bomb = png(1, 1);
    bomb.truncate(8);
    let mut header = [10_000_u32.to_be_bytes(), 10_000_u32.to_be_bytes()].concat();
    header.extend([16, 6, 0, 0, 0]);
    for (kind, content) in [(b"IHDR", header), (b"IDAT", vec![0x78, 0x01])] {
        let body = [kind.as_slice(), &content].concat();
        let sum = body.iter().fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
                (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
            })
        });
        let length = content.len() as u32;
        bomb.write_all(&length.to_be_bytes()).expect("memory");
        bomb.extend(&body);
        bomb.extend((!sum).to_be_bytes());
    }
    let refused = finish(kith(&["preview-worker", "320"]), &bomb).await;
    assert_eq!(refused.code, 12, "{}", refused.stderr);
    assert!(refused.stdout.is_empty());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_process_gives_up_what_it_does_not_need_before_it_reads() {
    let mut worker = kith(&["preview-worker", "320"]);
    worker.stdin(Stdio::piped()).kill_on_drop(true);
    let worker = worker.spawn().expect("it starts");
    let process = format!("/proc/{}", worker.id().expect("it waits for a picture"));
    // What is given up last is how soon its turn comes: the 19th field of `stat`, the 17th after the name (proc(5)).
    let niceness = || {
        let stat = fs::read_to_string(format!("{process}/stat")).expect("it runs");
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        fields.split_whitespace().nth(16).map(str::to_owned)
    };
    let confined = async {
        while niceness().as_deref() != Some("10") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let confined = tokio::time::timeout(Duration::from_secs(10), confined).await;
    assert!(confined.is_ok(), "{:?}", niceness());
    let limits = fs::read_to_string(format!("{process}/limits")).expect("it runs");
    for (limit, most) in [
        ("Max address space", "1073741824"),
        ("Max cpu time", "20"),
        ("Max file size", "0"),
        ("Max core file size", "0"),
        ("Max open files", "0"),
    ] {
        let line = limits.lines().find(|line| line.starts_with(limit));
        let line = line.and_then(|line| line.strip_prefix(limit));
        let bounds: Vec<&str> = line.into_iter().flat_map(str::split_whitespace).collect();
        assert_eq!(bounds.get(..2), Some([most, most].as_slice()), "{limit}");
    }
}

/// A JPEG around no pixels, whose EXIF has the directory of a place and nothing else.
const TAKEN_SOMEWHERE: &[u8] = b"\xff\xd8\xff\xe1\0\x20Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\
    \x88\x25\0\x04\0\0\0\x01\0\0\0\x1a\0\0\xff\xda\0\x02\x01\xff\xd9";

#[tokio::test]
async fn where_a_picture_was_taken_is_told_and_left_out_on_its_way_into_an_album() {
    let (ann, client) = up_with_browser().await;
    let lying = ann.file("sea.jpg");
    fs::write(&lying, TAKEN_SOMEWHERE).expect("room");
    let told = async |path: &std::path::Path| {
        let asked = json!({ "paths": [path] });
        client.post("/pictures/traces", &asked).await.json()
    };
    assert_eq!(told(&lying).await["place"], 1);
    let album = json!({ "name": "sea", "audience": "contacts" });
    assert_eq!(client.post("/albums", &album).await.status, 200);
    let put = async |name: &str, bytes: &[u8]| {
        let path = format!("/albums/sea/files/{name}?bare=true");
        client.change("PUT", &path, bytes).await.status
    };
    assert_eq!(put("sea.jpg", TAKEN_SOMEWHERE).await, 200);
    let bare = told(&ann.file("albums/sea/sea.jpg")).await;
    assert_eq!((&bare["pictures"], &bare["place"]), (&json!(1), &json!(0)));
    assert_eq!(put("notes.txt", b"who knows").await, 400);
    assert!(!ann.file("albums/sea/notes.txt").exists());
    assert_eq!(fs::read(&lying).expect("there"), TAKEN_SOMEWHERE);
}
