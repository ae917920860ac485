//! What a transfer holds of a tree does not grow with the tree.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kith_core::content::swarm::wire::{Ask, What};
use kith_core::crypto::SecretKey;
use kith_core::data::builder::{Built, DirectoryBuilder, NodeBlob};
use kith_core::data::manifest::{self, Entry};
use kith_core::ids::BlobHash;
use tokio::sync::Notify;

use super::fake::{self, Reply};
use super::trees::{build, create, peak_of, tell_peak};
use super::world::{World, getting};
use crate::content::swarm::Intake;
use crate::content::transfer::FILES_AHEAD_MAX;
use crate::content::{Filter, Get, GetError, Progress, get};
use crate::data::encoding::Encoding;
use crate::data::hash;
use crate::data::range::Blob;

/// Files of a folder of which the names alone fill some twenty nodes.
const FILES: u64 = 200_000;

/// When nothing was reported for so long, the transfer waited for something: it looks around every second.
const WAITED: Duration = Duration::from_millis(500);

/// A process that fetches a tree needs half of it in any case.
const MEMORY_KIB_MAX: u64 = 64 * 1024;

/// How many nodes of a tree without end are read.
const NODES_READ: u64 = 3_000;

/// The nodes of a tree.
type Nodes = BTreeMap<BlobHash, Vec<u8>>;

/// Gives any of them, and nothing of any file.
fn give(nodes: &Nodes, ask: Ask) -> Reply {
    let What::Node(hash) = ask.what else {
        return Reply::Silence;
    };
    let bytes = nodes[&hash].as_slice();
    let size = bytes.len() as u64;
    let (_, outboard) = hash::hash_bytes(bytes);
    let mut encoded = Encoding::default();
    (Blob { hash, size }.encode(bytes, outboard.as_slice(), &(0..size), &mut encoded))
        .expect("encoded");
    Reply::Node(encoded.as_ref().to_vec(), size)
}

/// Fetches from somebody who answers so, until it is told to stop.
async fn fetch_until(
    world: &World,
    request: Get,
    reply: impl Fn(Ask) -> Reply + Send + Sync + 'static,
    report: impl FnMut(&Progress) + Send,
    stop: &Notify,
) {
    let reply = Arc::new(reply);
    let ask = || world.head(&request);
    let feed = async |intake: Intake| {
        let reply = Arc::clone(&reply);
        let end = fake::run(intake, move |ask| reply(ask)).await;
        GetError::from(end)
    };
    let getting = getting();
    tokio::select! {
        got = get(&getting, ask, feed, request.clone(), report) => panic!("{got:?}"),
        () = stop.notified() => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_folder_is_read_no_further_ahead_than_its_files_come() {
    let world = World::new();
    let secret = SecretKey::from_bytes([7; 32]);
    let mut nodes = Nodes::new();
    let mut keep =
        |blobs: Vec<NodeBlob>| nodes.extend(blobs.into_iter().map(|node| (node.hash, node.bytes)));
    let built = build(0, FILES, &mut keep);
    create(&world, &secret, &built);
    let count = nodes.len();
    assert!(count > 10, "{count}");

    let prepared = Arc::new(AtomicU64::new(0));
    let preparing = Arc::clone(&prepared);
    let request = Get {
        here: Some(Arc::new(move |blobs: &[Blob]| {
            preparing.fetch_add(blobs.len() as u64, Ordering::SeqCst);
            BTreeMap::new()
        })),
        ..world.request(secret.share_id())
    };
    let given = Arc::new(Mutex::new(BTreeSet::new()));
    let giving = Arc::clone(&given);
    let reply = move |ask: Ask| {
        if let What::Node(hash) = ask.what {
            giving.lock().expect("no panic").insert(hash);
        }
        give(&nodes, ask)
    };
    let stop = Notify::new();
    let mut last = (0, Instant::now());
    let report = |_: &Progress| {
        let now = (prepared.load(Ordering::SeqCst), Instant::now());
        let has_waited = now.0 == last.0 && now.1 - last.1 > WAITED;
        if has_waited && given.lock().expect("no panic").len() == count {
            stop.notify_one();
        }
        last = now;
    };
    fetch_until(&world, request, reply, report, &stop).await;
    let prepared = prepared.load(Ordering::SeqCst);
    // With all that one node lists.
    assert!(prepared >= FILES_AHEAD_MAX, "{prepared}");
    assert!(prepared <= 2 * FILES_AHEAD_MAX, "{prepared} files");
}

#[test]
fn a_tree_that_names_one_node_over_and_over_takes_little_memory() {
    let peak = peak_of("content::tests::held::a_tree_without_end_in_a_process_of_its_own");
    assert!(peak < MEMORY_KIB_MAX, "{peak} KiB");
}

/// A hundred directories in each, all of them the same, sixteen levels down.
fn without_end(nodes: &mut Nodes) -> Built {
    let mut built: Option<Built> = None;
    for _ in 0..17 {
        let mut builder = DirectoryBuilder::default();
        let mut made = Vec::new();
        if let Some(below) = &built {
            for number in 0..100 {
                let entry = Entry::Directory(manifest::Directory {
                    name: format!("{number:03}"),
                    node: below.node,
                    totals: below.totals,
                });
                made.extend(builder.push(entry).expect("in order"));
            }
        }
        let (last, directory) = builder.finish().expect("bounded");
        made.extend(last);
        nodes.extend(made.into_iter().map(|node| (node.hash, node.bytes)));
        built = Some(directory);
    }
    built.expect("seventeen")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the test above, alone, because it measures its process"]
async fn a_tree_without_end_in_a_process_of_its_own() {
    let world = World::new();
    let secret = SecretKey::from_bytes([7; 32]);
    let mut nodes = Nodes::new();
    let built = without_end(&mut nodes);
    assert_eq!(nodes.len(), 17);
    create(&world, &secret, &built);
    // None of its directories is made.
    let only = Filter {
        name: "nothing".into(),
        wants: Arc::new(|_| false),
    };
    let read = AtomicU64::new(0);
    let request = Get {
        only: Some(only),
        ..world.request(secret.share_id())
    };
    let stop = Notify::new();
    // At each turn one is read at most.
    let report = |_: &Progress| {
        if read.fetch_add(1, Ordering::SeqCst) == NODES_READ {
            stop.notify_one();
        }
    };
    fetch_until(&world, request, move |ask| give(&nodes, ask), report, &stop).await;
    tell_peak();
}
