//! What contacts share is remembered, and whatever is not any more is told, so that nothing of it stays.

use std::time::Duration;

use kith_core::data::manifest::{Entry, File};
use kith_core::ids::BlobHash;
use rusqlite::Connection;

use super::world::{NOW, World};
use crate::content::remembered::make_room;
use crate::content::{Forgotten, Recipients, store};

fn file(name: &str) -> Entry {
    Entry::File(File {
        name: name.to_owned(),
        size: 1,
        hash: BlobHash([1; 32]),
        executable: false,
        mtime_ms: 0,
    })
}

#[test]
fn files_that_are_not_remembered_any_more_are_told() {
    let world = World::new();
    world.write("a.jpg", b"a");
    let head = world.share(Recipients::Contacts).head;
    let remember = |path: &str, names: &[&str], at: u64| {
        let entries: Vec<Entry> = names.iter().copied().map(file).collect();
        let told =
            world
                .shares
                .remember_folder(&head, path, &entries, NOW + Duration::from_secs(at));
        told.expect("kept")
            .into_iter()
            .flat_map(|it| it.files)
            .collect::<Vec<_>>()
    };
    assert!(
        remember("", &["a.jpg"], 0).is_empty(),
        "of no share that is remembered"
    );
    let (owner, share) = (head.owner, head.share);
    let told = world
        .shares
        .remember(&owner, std::slice::from_ref(&head), NOW);
    assert_eq!(told.expect("kept"), []);
    assert!(remember("", &["a.jpg", "b.jpg"], 0).is_empty());
    assert!(remember("day 1", &["c.jpg", "d.jpg"], 1).is_empty());
    assert_eq!(remember("", &["b.jpg", "e.jpg"], 2), ["a.jpg"]);
    assert_eq!(remember("day 1", &["c.jpg"], 1), ["day 1/d.jpg"]);
    let mut files = world.shares.remembered_files(&share).expect("read");
    files.sort();
    assert_eq!(files, ["b.jpg", "day 1/c.jpg", "e.jpg"]);

    let room: i64 = run(&world, |connection| {
        connection.query_row(
            "SELECT sum(length(node)) FROM share_remembered_node WHERE path = ''",
            [],
            |row| row.get(0),
        )
    });
    let gone = run(&world, |connection| {
        make_room(connection, room.cast_unsigned())
    });
    let expected = Forgotten {
        owner,
        share,
        name: head.name.clone(),
        files: vec!["day 1/c.jpg".to_owned()],
    };
    assert_eq!(gone, [expected], "seen longest ago");
    let all = world.shares.forget(&owner).expect("forgotten");
    assert_eq!(all[0].files, ["b.jpg", "e.jpg"]);
    assert_eq!(
        world.shares.remembered_files(&share).expect("read"),
        [""; 0]
    );
}

fn run<T>(world: &World, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> T {
    store::run(world.shares.database(), work).expect("a sound database")
}
