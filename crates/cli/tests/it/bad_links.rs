//! Links that are not what their maker made, and places where nothing can be put.

use std::fs;

use kith::core::data::link::{Link, LinkSecret};
use kith::core::text::{decode, encode_uri};

use crate::person::{Person, text};

/// Where the version stands in a link's bytes: behind the head of the array.
const VERSION_AT: usize = 1;

/// Ann, who shares a letter by this link, and Ben, whom she does not know.
async fn link_of_ann() -> (Person, Person, String) {
    let (ann, ben) = (Person::up().await, Person::up().await);
    fs::write(ann.file("letter"), "for who holds the link").expect("room");
    let letter = ann.file("letter");
    let letter = letter.to_str().expect("plain");
    let shared = ann.one(&["share", letter, "--link"]).await;
    (ann, ben, text(&shared["link"]))
}

/// Nothing came of it, not even a folder.
fn got_nothing(person: &Person) {
    assert!(!person.file("out").exists());
}

async fn refused(ben: &Person, link: &str, code: i32, said: &[&str]) {
    let out = ben.file("out");
    let out = out.to_str().expect("plain");
    let ran = ben.run(&["get", link, "--out", out, "--wait", "0s"]).await;
    ran.failed(code, said);
    got_nothing(ben);
}

#[tokio::test]
async fn a_link_that_was_copied_badly_is_named_as_such() {
    let (_ann, ben, link) = link_of_ann().await;
    let at = link.len() / 2;
    let other = if link.as_bytes()[at] == b'q' {
        "p"
    } else {
        "q"
    };
    let corrupted = format!("{}{other}{}", &link[..at], &link[at + 1..]);
    refused(&ben, &corrupted, 2, &["link is damaged", "copy it again"]).await;
    for length in [link.len() - 1, link.len() / 2, "kith:link1".len()] {
        refused(&ben, &link[..length], 2, &["damaged"]).await;
    }
}

#[tokio::test]
async fn a_link_of_a_newer_version_asks_for_a_newer_kith() {
    let (_ann, ben, link) = link_of_ann().await;
    let mut bytes = decode(Link::PREFIX, &link).expect("a link");
    assert_eq!(bytes[VERSION_AT], 1);
    bytes[VERSION_AT] = 2;
    let newer = encode_uri(Link::PREFIX, &bytes);
    refused(&ben, &newer, 2, &["newer kith", "update"]).await;
}

#[tokio::test]
async fn a_forged_link_opens_nothing() {
    let (_ann, ben, link) = link_of_ann().await;
    let link: Link = link.parse().expect("a link");
    let mut guessed = link.clone();
    guessed.secret = Some(LinkSecret([7; 32]));
    refused(&ben, &guessed.to_string(), 3, &[]).await;
    let mut without = link.clone();
    without.secret = None;
    refused(&ben, &without.to_string(), 3, &[]).await;
    // Another's name on it: what comes is not theirs.
    let mut renamed = link;
    renamed.owner = kith::core::ids::PeerId([9; 32]);
    refused(&ben, &renamed.to_string(), 5, &[]).await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named_and_nothing_is_lost() {
    let (_ann, ben, link) = link_of_ann().await;
    // sysfs takes no new files from anybody, root included.
    let get = ["get", &link, "--out", "/sys/kernel", "--wait", "0s"];
    ben.run(&get).await.failed(1, &["/sys/kernel"]);
    let out = ben.file("out");
    ben.json(&["get", &link, "--out", out.to_str().expect("plain")])
        .await;
    assert_eq!(
        fs::read_to_string(out.join("letter")).expect("fetched"),
        "for who holds the link"
    );
}
