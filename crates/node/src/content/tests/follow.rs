//! A folder that changes becomes a new head by itself.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kith_core::data::head::Head;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

use super::brought::as_somebody;
use super::world::{NOW, World, snapshot};
use crate::content::{Credential, Get, NewShare, Recipients, ShareEvent, follow};
use kith_core::random::Random;

/// Between two looks at what nothing tells of.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Follows a world's shares, and waits until what is there now has been looked at.
pub(super) async fn followed(world: &World) -> (JoinHandle<()>, broadcast::Receiver<ShareEvent>) {
    let changes = world.shares.events();
    let following = tokio::spawn(follow(Arc::clone(&world.shares), || NOW));
    let mine = world.shares.mine().expect("read");
    let are_watched = async || {
        while !mine
            .iter()
            .all(|mine| world.shares.looks().is_watched(&mine.head.share))
        {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(PATIENCE, are_watched())
        .await
        .expect("watched");
    (following, changes)
}

/// The next new head of a share of this node.
pub(super) async fn next(changes: &mut broadcast::Receiver<ShareEvent>) -> Head {
    let head = async {
        loop {
            if let ShareEvent::Changed(head) = changes.recv().await.expect("followed") {
                return head;
            }
        }
    };
    tokio::time::timeout(PATIENCE, head)
        .await
        .expect("noticed in time")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_becomes_a_new_head_of_the_same_share_with_nobody_asking() {
    let world = World::new();
    world.write("sub/edited", b"before");
    let shared = world.share(Recipients::Link);
    let (following, mut changes) = followed(&world).await;
    world.write("sub/edited", b"afterwards");
    let edited = next(&mut changes).await;
    assert_eq!(edited.share, shared.head.share);
    assert!(edited.is_newer_than(&shared.head));
    // In a folder that was not there when watching began.
    world.write("new/deep/file", b"1");
    let mut head = next(&mut changes).await;
    while head.totals.files < 2 {
        head = next(&mut changes).await;
    }
    world.write("new/deep/file", b"12");
    while head.totals.bytes < edited.totals.bytes + 2 {
        head = next(&mut changes).await;
    }
    fs::rename(world.source().join("new"), world.source().join("renamed")).expect("renamed");
    let before = head.manifest;
    while head.manifest == before {
        head = next(&mut changes).await;
    }
    world.write("renamed/deep/file", b"123");
    while head.totals.bytes < edited.totals.bytes + 3 {
        head = next(&mut changes).await;
    }
    following.abort();
    let request = Get {
        credential: Credential::Link(shared.link.expect("a link")),
        ..world.request(head.share)
    };
    let got = world.get(request).await.expect("fetched");
    assert_eq!(snapshot(&got.target), snapshot(&world.source()));
    assert_eq!(got.head, head);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_becomes_executable_is_noticed_though_its_time_stays() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    world.write("tool", b"#!/bin/sh\n");
    world.share(Recipients::Contacts);
    let (following, mut changes) = followed(&world).await;
    let permissions = fs::Permissions::from_mode(0o755);
    fs::set_permissions(world.source().join("tool"), permissions).expect("set");
    next(&mut changes).await;
    following.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_file_is_followed_when_an_editor_replaces_it() {
    let world = World::new();
    world.write("one.txt", b"before");
    let new = NewShare {
        paths: vec![world.source().join("one.txt")],
        recipients: Recipients::Contacts,
        name: None,
        bare: false,
    };
    let shared = world
        .shares
        .share(&new, &mut Random::new([1; 32]), NOW)
        .expect("shared");
    let (following, mut changes) = followed(&world).await;
    world.write("one.txt~", b"something else");
    fs::rename(
        world.source().join("one.txt~"),
        world.source().join("one.txt"),
    )
    .expect("renamed");
    let head = next(&mut changes).await;
    assert_eq!(head.share, shared.head.share);
    assert_eq!(head.totals.bytes, 14);
    following.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changed_while_nobody_watched_is_found_at_the_start() {
    let world = World::new();
    world.write("f", b"before");
    world.share(Recipients::Contacts);
    world.write("f", b"afterwards");
    let mut changes = world.shares.events();
    let following = tokio::spawn(follow(Arc::clone(&world.shares), || NOW));
    assert_eq!(next(&mut changes).await.totals.bytes, 10);
    following.abort();
}

#[test]
fn a_folder_that_cannot_be_read_keeps_no_change_beside_it_from_being_seen() {
    as_somebody("follow::follow_beside_a_closed_folder");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the test above, as somebody to whom a folder can be closed"]
async fn follow_beside_a_closed_folder() {
    let world = World::new();
    world.write("a/closed", b"mine");
    world.write("b/f", b"before");
    let set_mode = |mode| {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(world.source().join("a"), mode).expect("set");
    };
    set_mode(0o000);
    world.share(Recipients::Contacts);
    // By the look at the start,
    world.write("b/f", b"afterwards");
    let mut changes = world.shares.events();
    let following = tokio::spawn(follow(Arc::clone(&world.shares), || NOW));
    assert_eq!(next(&mut changes).await.totals.bytes, 10);
    // and by its watch, long before the next look.
    world.write("b/new", b"1");
    let seen = tokio::time::timeout(PATIENCE / 2, next(&mut changes));
    assert_eq!(seen.await.expect("at once").totals.files, 2);
    following.abort();
    set_mode(0o700);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_large_folder_only_what_changed_is_hashed_again() {
    let world = World::new();
    for number in 0..20 {
        world.write(&format!("{number}"), b"content");
    }
    let shared = world.share(Recipients::Contacts);
    // Other bytes that seem to be the same: whoever reads them again finds another hash.
    world.edit_unseen("7", b"CONTENT");
    let (following, mut changes) = followed(&world).await;
    world.write("8", b"changed");
    let changed = next(&mut changes).await;
    following.abort();
    assert!(changed.is_newer_than(&shared.head));
    let rows = world.shares.mine().expect("read");
    assert_eq!(rows[0].head.totals.files, 20);
    let content = crate::data::hash::hash_bytes(b"CONTENT").0;
    let found = crate::content::store::run(world.shares.database(), |connection| {
        crate::content::store::files(connection, &changed.share, &content)
    });
    assert!(found.expect("read").is_empty(), "it was read again");
}

/// How long a folder that never rests may be left alone: half of what is taken for rest. It happens where the machine is busy.
const REST_MAX: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_never_rests_is_scanned_a_few_times_only() {
    let world = World::new();
    world.write("0", b"");
    world.share(Recipients::Contacts);
    let (following, mut changes) = followed(&world).await;
    let mut started = Instant::now();
    let mut busy = tokio::time::interval(Duration::from_millis(50));
    let (mut heads, mut files, mut written) = (0, 0, started);
    while heads < 2 {
        busy.tick().await;
        if written.elapsed() > REST_MAX {
            (heads, started) = (0, Instant::now());
        }
        written = Instant::now();
        files += 1;
        world.write(&format!("{}", files % 100), &[0; 100][..files % 100]);
        heads += u32::from(matches!(changes.try_recv(), Ok(ShareEvent::Changed(_))));
        assert!(started.elapsed() < PATIENCE, "{heads} heads");
    }
    following.abort();
    // Two heads are at least as far apart as a busy folder waits at most.
    assert!(started.elapsed() >= Duration::from_secs(10));
}

#[test]
fn nothing_is_kept_of_files_that_are_shared_no_longer() {
    let world = World::new();
    world.write("kept", &super::world::bytes(1, 100_000));
    world.write("edited", &super::world::bytes(2, 100_000));
    let share = world.share(Recipients::Contacts).head.share;
    let outboards = || fs::read_dir(world.shares.outboards().folder()).expect("there");
    assert_eq!(outboards().count(), 2);
    world.write("edited", &super::world::bytes(3, 100_000));
    world.shares.rescan(&share, NOW).expect("scanned");
    assert_eq!(outboards().count(), 3);
    assert_eq!(world.shares.sweep().expect("swept"), 1);
    assert_eq!(world.shares.sweep().expect("swept"), 0);
    world.shares.unshare(&share, NOW).expect("taken back");
    assert_eq!(world.shares.sweep().expect("swept"), 2);
    assert_eq!(outboards().count(), 0);
}
