//! A version of a share, by its hash, for as long as its files are here.

use std::fs;
use std::sync::Arc;

use kith_core::content::access::Asker;
use kith_core::ids::{BlobHash, ShareId};

use super::world::{Fault, NOW, World, bytes, snapshot};
use crate::content::past::VERSIONS_MAX;
use crate::content::{Get, GetError, Recipients, Shared, store};

fn at(world: &World, shared: &Shared) -> Get {
    Get {
        at: Some(shared.head.manifest),
        ..world.request(shared.head.share)
    }
}

fn rescan(world: &World, share: &ShareId) -> Shared {
    let rescanned = world.shares.rescan(share, NOW).expect("scanned");
    rescanned.expect("changed")
}

#[tokio::test]
async fn a_past_version_is_fetched_by_its_hash_while_its_files_are_here() {
    let world = World::new();
    world.write("sub/kept", b"as it was");
    let first = world.share(Recipients::Contacts);
    let then = snapshot(&world.source());
    world.write("sub/added", b"later");
    let second = rescan(&world, &first.head.share);
    let got = world.get(at(&world, &first)).await.expect("still whole");
    assert_eq!(snapshot(&got.target), then);
    assert_eq!(got.head, first.head);
    fs::remove_dir_all(&got.target).expect("removed");
    // A file that moved within the share is still here.
    fs::rename(world.source().join("sub"), world.source().join("moved")).expect("renamed");
    rescan(&world, &first.head.share);
    let got = world.get(at(&world, &second)).await.expect("still whole");
    assert_eq!(got.head, second.head);
    assert!(got.target.join("sub/added").exists());
}

#[tokio::test]
async fn a_past_version_of_which_a_file_is_gone_is_told_as_not_offered() {
    let world = World::new();
    world.write("kept", b"1");
    world.write("edited", b"before");
    let first = world.share(Recipients::Contacts);
    world.write("edited", b"afterwards");
    rescan(&world, &first.head.share);
    let error = world.get(at(&world, &first)).await.expect_err("not whole");
    assert!(matches!(error, GetError::Version), "{error}");
    assert!(!world.out().join("holiday").exists());
}

#[tokio::test]
async fn a_version_that_never_was_is_not_offered_and_a_stranger_cannot_ask_for_one() {
    let mut world = World::new();
    world.write("f", b"1");
    let first = world.share(Recipients::Contacts);
    world.write("g", b"2");
    rescan(&world, &first.head.share);
    let request = Get {
        at: Some(BlobHash([9; 32])),
        ..world.request(first.head.share)
    };
    let error = world.get(request).await.expect_err("unknown");
    assert!(matches!(error, GetError::Version), "{error}");
    world.asker = Asker::STRANGER;
    let error = world.get(at(&world, &first)).await.expect_err("a stranger");
    assert!(matches!(error, GetError::NotFound), "{error}");
}

#[tokio::test]
async fn of_many_versions_the_last_few_are_kept_and_nothing_of_the_others() {
    let world = World::new();
    world.write("first", b"1");
    let mut all = vec![world.share(Recipients::Contacts)];
    let share = all[0].head.share;
    for number in 0..VERSIONS_MAX + 5 {
        world.write(&format!("{number}"), b"1");
        all.push(rescan(&world, &share));
    }
    let (nodes, heads): (u64, u64) = store::run(world.shares.database(), |connection| {
        let count = |table| {
            let statement = format!("SELECT count(*) FROM {table}");
            connection
                .query_row(&statement, [], |row| row.get::<_, i64>(0))
                .map(i64::cast_unsigned)
        };
        Ok((count("share_node")?, count("share_past")?))
    })
    .expect("read");
    let kept = VERSIONS_MAX as u64;
    assert_eq!((nodes, heads), (kept + 1, kept));
    let oldest = &all[all.len() - 1 - VERSIONS_MAX];
    world.get(at(&world, oldest)).await.expect("kept");
    let before = &all[all.len() - 2 - VERSIONS_MAX];
    let error = world.get(at(&world, before)).await.expect_err("dropped");
    assert!(matches!(error, GetError::Version), "{error}");
    world.shares.unshare(&share, NOW).expect("taken back");
    let error = world.get(at(&world, oldest)).await.expect_err("taken back");
    assert!(matches!(error, GetError::NotFound), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_under_way_ends_with_the_version_it_began_with() {
    let mut world = World::new();
    world.write("big", &bytes(1, 24 << 20));
    for number in 0..50 {
        world.write(&format!("sub/{number}"), &bytes(number, 10_000));
    }
    let shared = world.share(Recipients::Contacts);
    let then = snapshot(&world.source());
    let (shares, added) = (Arc::clone(&world.shares), world.source().join("added"));
    let (share, at) = (shared.head.share, 4 << 20);
    let change = move || {
        fs::write(&added, b"meanwhile").expect("written");
        shares.rescan(&share, NOW).expect("scanned");
    };
    world.fault = Fault::At(at, Arc::new(change));
    let got = world.get(world.request(share)).await.expect("fetched");
    assert!(world.source().join("added").exists());
    assert_eq!(snapshot(&got.target), then);
    assert_eq!(got.head, shared.head);
}
