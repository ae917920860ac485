//! What is given out is what lies there now.

use std::fs;
use std::sync::Arc;

use kith_core::ids::{BlobHash, PeerId};
use kith_core::time::Time;

use super::world::{Fault, NOW, World, bytes, snapshot};
use crate::content::store::Scan;
use crate::content::{Get, GetError, Recipients, ShareError};

/// Within the tick of the clock in which the share was made.
const JUST_NOW: Time = Time(NOW.0 - 1);

#[tokio::test]
async fn a_file_edited_or_added_since_is_in_what_the_next_asker_gets() {
    let world = World::new();
    world.write("edited", b"old");
    world.write("sub/left", b"as it was");
    let shared = world.share(Recipients::Contacts);
    world.write("edited", b"something new");
    world
        .get(world.request(shared.head.share))
        .await
        .expect("fetched");
    assert_eq!(
        snapshot(&world.source()),
        snapshot(&world.out().join("holiday"))
    );
}

#[tokio::test]
async fn a_folder_whose_entries_changed_is_noticed_by_its_time() {
    let world = World::new();
    world.write("sub/first", b"1");
    let shared = world.share(Recipients::Contacts);
    world.write("sub/second", b"2");
    let changed = fs::File::open(world.source().join("sub")).expect("a folder");
    let after = std::time::UNIX_EPOCH + std::time::Duration::from_millis(JUST_NOW.0);
    let times = fs::FileTimes::new().set_modified(after);
    changed.set_times(times).expect("set");
    world
        .get(world.request(shared.head.share))
        .await
        .expect("fetched");
    assert!(world.out().join("holiday/sub/second").exists());
}

#[tokio::test]
async fn what_has_not_changed_keeps_its_head() {
    let world = World::new();
    world.write("f", b"x");
    let shared = world.share(Recipients::Contacts);
    let got = world
        .get(world.request(shared.head.share))
        .await
        .expect("fetched");
    assert_eq!(got.head, shared.head);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_scanned_anew_under_way_is_told_as_changed_and_not_as_gone() {
    let mut world = World::new();
    world.write("big", &bytes(1, 48 << 20));
    let share = world.share(Recipients::Contacts).head.share;
    let (shares, big) = (Arc::clone(&world.shares), world.source().join("big"));
    let change = move || {
        fs::write(&big, b"other").expect("written");
        shares.rescan(&share, NOW).expect("scanned");
    };
    world.fault = Fault::At(8 << 20, Arc::new(change));
    let error = world.get(world.request(share)).await.expect_err("changed");
    assert!(matches!(error, GetError::Changed { .. }), "{error}");
}

#[test]
fn a_share_taken_back_while_it_is_scanned_stays_taken_back() {
    let world = World::new();
    world.write("f", b"x");
    let share = world.share(Recipients::Contacts).head.share;
    world.shares.unshare(&share, NOW).expect("taken back");
    let scan = Scan {
        number: 7,
        at: NOW,
        left_out: 0,
    };
    let renewed = crate::content::store::run(world.shares.database(), |connection| {
        crate::content::past::renew(connection, &share, scan, None)
    });
    let taken_back = crate::content::past::Renewed::TakenBack;
    assert_eq!(renewed.expect("the database works"), taken_back);
    assert!(world.shares.mine().expect("read").is_empty());
    assert!(matches!(
        world.shares.rescan(&share, NOW),
        Err(ShareError::Unknown)
    ));
}

#[tokio::test]
async fn another_owner_or_version_than_asked_for_is_refused() {
    let world = World::new();
    world.write("f", b"x");
    let head = world.share(Recipients::Contacts).head;
    let request = || world.request(head.share);
    let owner = PeerId([9; 32]);
    let error = world
        .get(Get { owner, ..request() })
        .await
        .expect_err("another");
    assert!(matches!(error, GetError::Head(_)), "{error}");
    let at = Some(BlobHash([9; 32]));
    let error = world
        .get(Get { at, ..request() })
        .await
        .expect_err("another");
    assert!(matches!(error, GetError::Version), "{error}");
    let at = Some(head.manifest);
    world.get(Get { at, ..request() }).await.expect("this one");
}
