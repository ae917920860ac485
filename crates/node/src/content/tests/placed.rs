//! A share on a disk that is not mounted is not where it is shared from, though its folder is there, and empty.

use std::fs;

use kith_core::ids::ShareId;

use super::world::{NOW, World};
use crate::content::{Recipients, ShareError, store};

/// As if its folder was on a file system of its own when it was looked at last.
fn was_mounted(world: &World) {
    let set = store::run(world.shares.database(), |connection| {
        connection.execute("UPDATE share_root SET mounted = 1", [])
    });
    assert_eq!(set.expect("written"), 1, "one folder is shared");
}

fn is_known_as_mounted(world: &World, share: &ShareId) -> bool {
    let roots = store::run(world.shares.database(), |connection| {
        store::roots(connection, share)
    });
    roots.expect("read")[0].was_mounted
}

#[test]
fn what_is_not_mounted_is_no_empty_version_and_what_was_emptied_is() {
    let world = World::new();
    world.write("f", b"x");
    let head = world.share(Recipients::Contacts).head;
    was_mounted(&world);
    fs::remove_file(world.source().join("f")).expect("there");
    let refused = world.shares.rescan(&head.share, NOW);
    assert!(matches!(refused, Err(ShareError::Scan(_))), "{refused:?}");
    world.shares.look(&head, NOW);
    let mine = || {
        let mine = world.shares.mine_in_place().expect("read");
        (mine[0].head.clone(), mine[0].absent.clone())
    };
    assert_eq!(mine(), (head.clone(), Some(world.source())));
    assert!(is_known_as_mounted(&world, &head.share), "it may come back");

    // From now on it is shared from the folder itself.
    world.write("f", b"x");
    world.shares.rescan(&head.share, NOW).expect("there");
    assert_eq!(mine().1, None);
    fs::remove_file(world.source().join("f")).expect("there");
    world.shares.rescan(&head.share, NOW).expect("there");
    let (emptied, absent) = mine();
    assert_eq!((emptied.totals.files, absent), (0, None));
    assert!(emptied.is_newer_than(&head));
}

#[test]
fn where_a_share_lies_is_learned_by_each_look_though_nothing_changed() {
    let world = World::new();
    world.write("f", b"x");
    let head = world.share(Recipients::Contacts).head;
    assert!(!is_known_as_mounted(&world, &head.share));
    was_mounted(&world);
    world.shares.look(&head, NOW);
    assert!(!is_known_as_mounted(&world, &head.share));
}
