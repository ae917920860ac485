//! Trees of all kinds arrive as they are; large ones are never in memory whole.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::sync::Arc;

use kith_core::codec;
use kith_core::content::swarm::wire::What;
use kith_core::crypto::{Ed25519, SecretKey};
use kith_core::data::builder::{Built, DirectoryBuilder, NodeBlob};
use kith_core::data::head::{Audience, Layout, Ownership, SignedHead, Terms};
use kith_core::data::manifest::{self, Entry};
use kith_core::data::repeats::{ENTRY_BYTES_MIN, REPEATED_MAX};
use kith_core::data::walk::Walk;
use kith_core::ids::BlobHash;

use super::world::{NOW, World, snapshot};
use crate::content::store::{self, ShareRow};
use crate::content::swarm::reading::Reading;
use crate::content::{GetError, Recipients};
use crate::data::encoding::Encoding;
use crate::data::range::Blob;
use crate::data::scan::Found;

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_any_script_arrive_byte_for_byte() {
    let world = World::new();
    let names = [
        "composed/caf\u{e9}",
        "decomposed/cafe\u{301}",
        "right to left/\u{5e9}\u{5dc}\u{5d5}\u{5dd}.txt",
        "turned/\u{202e}gpj.exe",
        "steering/\u{1b}[2J",
        "steering/line\nbreak",
        "zero width/a\u{200d}b",
        "emoji/\u{1f469}\u{200d}\u{1f680}",
        "-rf",
        " leading",
    ];
    for name in names {
        world.write(name, name.as_bytes());
    }
    fs::create_dir_all(world.source().join("empty/\u{e9}/nothing")).expect("created");
    let shared = world.share(Recipients::Contacts);
    assert_eq!(shared.left_out_count, 0);
    let got = world.get(world.request(shared.head.share)).await;
    let target = got.expect("fetched").target;
    assert_eq!(snapshot(&target), snapshot(&world.source()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_of_folders_that_repeat_is_refused_before_they_are_made() {
    let world = World::new();
    let secret = SecretKey::from_bytes([7; 32]);
    let share = secret.share_id();
    // A thousand times the same folder of a thousand links, in some 70 KiB.
    let mut builder = DirectoryBuilder::default();
    for number in 0..1_000 {
        let link = Entry::Symlink(manifest::Symlink {
            name: format!("{number:03}"),
            target: "000".to_owned(),
        });
        assert!(builder.push(link).expect("in order").is_empty());
    }
    let (mut found, inner) = builder.finish().expect("bounded");
    let mut builder = DirectoryBuilder::default();
    for number in 0..1_000 {
        let folder = Entry::Directory(manifest::Directory {
            name: format!("{number:03}"),
            node: inner.node,
            totals: inner.totals,
        });
        assert!(builder.push(folder).expect("in order").is_empty());
    }
    let (nodes, built) = builder.finish().expect("bounded");
    found.extend(nodes);
    let bytes: usize = found.iter().map(|node| node.bytes.len()).sum();
    let found: Vec<Found> = found.into_iter().map(Found::Node).collect();
    let kept = store::run(world.shares.database(), |connection| {
        store::keep(connection, &share, 1, &found)
    });
    kept.expect("kept");
    create(&world, &secret, &built);
    let mut told = None;
    let refused = world.get_reporting(world.request(share), |progress| told = progress.total);
    let refused = refused.await.expect_err("a million links of nothing");
    assert!(matches!(refused, GetError::Repeated(_)), "{refused}");
    assert_eq!(told, Some(0), "nobody was told of them");
    let most = REPEATED_MAX + bytes as u64 / ENTRY_BYTES_MIN;
    assert!(most < 120_000, "{most}");
    // The thousand folders, and not one link.
    assert!(snapshot(&world.out()).len() < 1_010);
    assert!(!world.out().join("large").exists());
}

/// In all: a hundred folders of a thousand files, and one of a hundred thousand.
const ENTRIES: u64 = 200_000 + 101;

/// It takes 26 MiB, of which the program itself and the database need half; a tree held whole would add more than the rest.
const MEMORY_KIB_MAX: u64 = 36 * 1024;

#[cfg(target_os = "linux")]
#[test]
fn a_tree_of_200_000_entries_is_built_kept_served_and_read_in_little_memory() {
    let peak = peak_of("content::tests::trees::a_large_tree_in_a_process_of_its_own");
    assert!(peak < MEMORY_KIB_MAX, "{peak} KiB");
}

/// Runs a test in a process of its own, and gives the most memory that it had, in KiB.
pub(super) fn peak_of(name: &str) -> u64 {
    let this = std::env::current_exe().expect("a program");
    let ran = Command::new(this)
        .args([name, "--exact", "--ignored", "--nocapture"])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&ran.stdout);
    let cried = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}{cried}");
    let peak = said
        .lines()
        .find_map(|line| line.strip_prefix("peak KiB: "));
    peak.expect("told").parse().expect("a number")
}

/// Tells it, in such a process.
pub(super) fn tell_peak() {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.expect("told").trim().trim_end_matches(" kB").trim();
    // Directly, because the harness would add its own words.
    std::io::Write::write_all(
        &mut std::io::stdout(),
        format!("\npeak KiB: {peak}\n").as_bytes(),
    )
    .expect("open");
}

#[test]
#[ignore = "run by the test above, alone, because it measures its process"]
fn a_large_tree_in_a_process_of_its_own() {
    let world = World::new();
    let secret = SecretKey::from_bytes([7; 32]);
    let share = secret.share_id();
    let mut held = Vec::new();
    let mut nodes = 0;
    let mut keep = |blobs: Vec<NodeBlob>| {
        nodes += blobs.len();
        held.extend(blobs.into_iter().map(Found::Node));
        store::run(world.shares.database(), |connection| {
            store::keep(connection, &share, 1, &std::mem::take(&mut held))
        })
        .expect("kept");
    };
    let mut root = DirectoryBuilder::default();
    for folder in 0..=100u64 {
        let files = if folder == 100 { 100_000 } else { 1_000 };
        let built = build(folder, files, &mut keep);
        let entry = Entry::Directory(manifest::Directory {
            name: format!("folder {folder:03}"),
            node: built.node,
            totals: built.totals,
        });
        keep(root.push(entry).expect("in order"));
    }
    let (last, built) = root.finish().expect("bounded");
    keep(last);
    assert!(nodes > 105, "the large folder is divided: {nodes}");
    create(&world, &secret, &built);
    assert_eq!(walk(&world, &built, &secret), ENTRIES);
    tell_peak();
}

pub(super) fn build(folder: u64, files: u64, keep: &mut impl FnMut(Vec<NodeBlob>)) -> Built {
    let mut builder = DirectoryBuilder::default();
    for number in 0..files {
        let file = Entry::File(manifest::File {
            name: format!("{number:08} of a folder with long names.txt"),
            size: 1,
            hash: BlobHash(*blake3::hash(&(folder << 32 | number).to_be_bytes()).as_bytes()),
            executable: false,
            mtime_ms: 0,
        });
        let full = builder.push(file).expect("in order");
        if !full.is_empty() {
            keep(full);
        }
    }
    let (last, built) = builder.finish().expect("bounded");
    keep(last);
    built
}

pub(super) fn create(world: &World, secret: &SecretKey, built: &Built) {
    let terms = Terms {
        owner: Ownership::sign(
            &Ed25519,
            &SecretKey::from_bytes([1; 32]),
            &secret.share_id(),
        ),
        sequence: 1,
        epoch: 1,
        manifest: built.node,
        name: "large".into(),
        audience: Audience::Public,
        layout: Layout::Folder,
        totals: built.totals,
        at: NOW,
    };
    let head = SignedHead::sign(&Ed25519, secret, terms).expect("a safe name");
    let row = ShareRow {
        share: secret.share_id(),
        secret: *secret.as_bytes(),
        head: codec::encode(&head),
        link: None,
        revoked: false,
        scan: 1,
        scanned_at: NOW,
        bare: false,
        left_out: 0,
    };
    store::run(world.shares.database(), |connection| {
        store::create(connection, &row, &[], &[])
    })
    .expect("created");
}

/// Asks for every node as a getter does, reads the tree, and counts what is in it.
fn walk(world: &World, built: &Built, secret: &SecretKey) -> u64 {
    let shares = Arc::clone(&world.shares);
    let reading = Reading::new(shares, secret.share_id(), built.node);
    let mut walk = Walk::new(built.node, built.totals, 0, 0);
    let (mut entries, mut asked) = (0, BTreeSet::new());
    while let Some(wanted) = walk.first() {
        let (hash, mut encoded) = (wanted.node, Encoding::default());
        let size = reading.read(What::Node(hash), 0, &mut encoded);
        let size = size.expect("it is there");
        let bytes = Blob { hash, size }
            .decode(encoded.as_ref())
            .expect("verified");
        asked.insert(wanted.node);
        let items = walk.handle_node(wanted.ticket, &bytes).expect("sound");
        entries += items.len() as u64;
    }
    assert!(walk.is_done());
    entries
}
