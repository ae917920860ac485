//! Trees that nobody could have made by sharing something: what they say is refused before anything of it is made.
//!
//! Their provider is a node like any other, in whose database such a tree was put: it serves what it finds there as a copy of somebody's share.

use std::fs;
use std::path::Path;

use kith::core::codec;
use kith::core::crypto::{Ed25519, SecretKey};
use kith::core::data::head::{Audience, Layout, Ownership, SignedHead, Terms};
use kith::core::data::link::Link;
use kith::core::data::manifest::Totals;
use kith::core::ids::BlobHash;
use rusqlite::{Connection, params};

use crate::person::{Person, text};

/// A tree of one root node.
struct Tree {
    secret: SecretKey,
    root: Vec<u8>,
    totals: Totals,
}

/// A text in CBOR.
fn cbor(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("short");
    assert!(length < 24, "the short form");
    [&[0x60 | length], text.as_bytes()].concat()
}

/// A file of one byte.
fn file(name: &str) -> Vec<u8> {
    let fields = [&[0x85], cbor(name).as_slice(), &[1, 0x58, 32], &[7; 32]].concat();
    [&[0x82, 0, 0x81], fields.as_slice(), &[0xf4, 0]].concat()
}

/// A symbolic link.
fn link(target: &str) -> Vec<u8> {
    [&[0x82, 2, 0x81, 0x82][..], &cbor("l"), &cbor(target)].concat()
}

/// With these entries in its root, so many of them files.
fn tree(number: u8, files: u8, entries: &[Vec<u8>]) -> Tree {
    let count = u8::try_from(entries.len()).expect("a few");
    Tree {
        secret: SecretKey::from_bytes([number; 32]),
        root: [
            &[0x82, 1, 0x82, 0, 0x81, 0x80 | count],
            &entries.concat()[..],
        ]
        .concat(),
        totals: Totals {
            bytes: files.into(),
            files: files.into(),
        },
    }
}

/// Puts a tree in the database of a node that does not run, as a copy of a share that is for everybody, and of this owner.
fn provide(person: &Person, owner: &SecretKey, tree: &Tree) {
    let hash = BlobHash(*blake3::hash(&tree.root).as_bytes());
    let terms = Terms {
        owner: Ownership::sign(&Ed25519, owner, &tree.secret.share_id()),
        sequence: 1,
        epoch: 1,
        manifest: hash,
        name: "holiday".to_owned(),
        audience: Audience::Public,
        layout: Layout::Folder,
        totals: tree.totals,
        at: kith::clock::now(),
    };
    let head = SignedHead::sign(&Ed25519, &tree.secret, terms).expect("a safe name");
    let (share, head) = (tree.secret.share_id().0, codec::encode(&head));
    let target = person.file("config.toml");
    let target = target.to_str().expect("plain").as_bytes();
    let database = Connection::open(person.file("kith.db")).expect("it is there");
    let put = |statement: &str, row: &[&dyn rusqlite::ToSql]| {
        database.execute(statement, row).expect("room");
    };
    put(
        "INSERT INTO share_known (share, owner, head, heard_ms) VALUES (?1, ?2, ?3, 0)",
        params![share, owner.peer_id().0, head],
    );
    put(
        "INSERT INTO share_copy (share, head, target, used_ms, kept, examined) VALUES (?1, ?2, ?3, 0, 1, 1)",
        params![share, head, target],
    );
    put(
        "INSERT INTO share_node (share, hash, sequence, bytes) VALUES (?1, ?2, 1, ?3)",
        params![share, hash.0, tree.root],
    );
}

/// Somebody who provides these trees, and a link that leads there; whose they are it does not say.
async fn provider(owner: &SecretKey, trees: &[Tree]) -> (Person, Link) {
    let mut mallory = Person::up().await;
    mallory.stop("TERM").await;
    for tree in trees {
        provide(&mallory, owner, tree);
    }
    mallory.start(&[]).await;
    fs::write(mallory.file("letter"), "for the way there").expect("room");
    let letter = mallory.file("letter");
    let letter = letter.to_str().expect("plain");
    let shared = mallory.one(&["share", letter, "--public"]).await;
    let mut link: Link = text(&shared["link"]).parse().expect("a link");
    link.owner = owner.peer_id();
    (mallory, link)
}

#[tokio::test]
async fn a_tree_whose_paths_escape_is_code_5_and_nothing_of_it_is_made() {
    let owner = SecretKey::from_bytes([200; 32]);
    let hostile = [
        tree(1, 1, &[file("..")]),
        tree(2, 1, &[file("../escaped")]),
        tree(3, 1, &[file("/escaped")]),
        tree(4, 1, &[file("a\\b")]),
        tree(5, 0, &[link("../../escaped")]),
        tree(6, 0, &[link("/etc/passwd")]),
        tree(7, 2, &[file("README"), file("readme")]),
        // What it holds is not what its head says.
        tree(8, 2, &[file("fine")]),
    ];
    let honest = [tree(9, 1, &[file("fine")])];
    let (hostile_count, trees) = (hostile.len(), hostile.into_iter().chain(honest));
    let trees: Vec<Tree> = trees.collect();
    let (_mallory, mut link) = provider(&owner, &trees).await;
    let ben = Person::up().await;
    let out = ben.file("here/out");
    for (number, tree) in trees.iter().enumerate() {
        link.share = tree.secret.share_id();
        let (link, out) = (link.to_string(), out.to_str().expect("plain"));
        let get = ["get", &link, "--out", out, "--wait", "0s"];
        let ran = ben.run(&get).await;
        if number == hostile_count {
            // The same in honest words is taken as far as its content, which is nowhere: the others are refused for what they say.
            assert!(![0, 5].contains(&ran.code), "{ran:?}");
            continue;
        }
        ran.failed(5, &["kith: cannot get it from"]);
        assert_eq!(ran.stderr.trim_end().lines().count(), 1, "{ran:?}");
    }
    for outside in [
        ben.file("escaped"),
        ben.file("here/escaped"),
        "/escaped".into(),
    ] {
        assert!(!Path::new(&outside).exists(), "{}", outside.display());
    }
    let named = fs::read_dir(&out).into_iter().flatten().flatten();
    let mut named = named.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let made = named.find(|name| !name.ends_with(".partial"));
    assert_eq!(made, None);
}
