//! What is remembered, what makes room, and what an older database knew.

use super::*;
use crate::content::kept::Why;

fn database() -> Connection {
    let connection = Connection::open_in_memory().expect("memory");
    for piece in crate::content::SCHEMAS {
        connection.execute_batch(piece).expect("tables");
    }
    connection
}

fn version(number: u8, target: &str) -> Version {
    Version {
        share: ShareId([7; 32]),
        manifest: BlobHash([number; 32]),
        target: target.into(),
        only: String::new(),
    }
}

/// A node of its own of each version, of 1,000 bytes, and one that all have.
fn nodes(number: u8) -> impl Iterator<Item = NodeBlob> {
    [number, 0].into_iter().map(|number| NodeBlob {
        hash: BlobHash([number; 32]),
        bytes: vec![number; 1_000],
    })
}

fn numbers(connection: &Connection) -> Vec<u8> {
    let versions = versions(connection, &ShareId([7; 32])).expect("read");
    versions.iter().map(|was| was.manifest.0[0]).collect()
}

#[test]
fn the_last_four_versions_of_each_folder_are_remembered_and_what_they_have_in_common_once() {
    let mut connection = database();
    let mut begin = |number, target| {
        begin(
            &mut connection,
            &version(number, target),
            nodes(number),
            1 << 20,
        )
        .expect("written");
        (numbers(&connection), bytes(&connection).expect("read"))
    };
    begin(1, "/elsewhere");
    for number in 2..=5 {
        begin(number, "/here");
    }
    assert_eq!(begin(2, "/here"), (vec![2, 5, 4, 3, 1], 6_000), "the last");
    assert_eq!(begin(6, "/here"), (vec![6, 2, 5, 4, 1], 6_000));
}

#[test]
fn a_database_of_when_one_version_was_remembered_goes_on_with_several() {
    let mut connection = Connection::open_in_memory().expect("memory");
    let pieces = crate::content::SCHEMAS.iter();
    let first = pieces.clone().position(|piece| *piece == SCHEMA);
    let first = first.expect("it is one of them") + 1;
    for piece in pieces.clone().take(first) {
        connection.execute_batch(piece).expect("tables");
    }
    connection
        .execute_batch("INSERT INTO share_was (share, head) VALUES (x'07', x'08')")
        .expect("as it was written then");
    for piece in pieces.skip(first) {
        connection.execute_batch(piece).expect("tables");
    }
    let known = numbers(&connection);
    assert!(known.is_empty(), "that is not known any more");
    let version = version(1, "/here");
    begin(&mut connection, &version, nodes(1), 1 << 20).expect("written");
    assert_eq!(numbers(&connection), [1]);
}

#[test]
fn what_was_got_longest_ago_makes_room() {
    let mut connection = database();
    for number in 1..=3 {
        let version = version(number, "/here");
        begin(&mut connection, &version, nodes(number), 4_000).expect("written");
    }
    assert_eq!(numbers(&connection), [3, 2, 1]);
    begin(&mut connection, &version(4, "/here"), nodes(4), 4_000).expect("written");
    assert_eq!(numbers(&connection), [4, 3, 2]);
    begin(&mut connection, &version(5, "/here"), nodes(5), 1_999).expect("written");
    assert!(numbers(&connection).is_empty(), "not even one has room");
    assert_eq!(bytes(&connection).expect("read"), 0);
}

#[test]
fn what_did_not_come_is_written_down_with_the_reason() {
    let mut connection = database();
    let version = Version {
        only: "*.jpg\n*.png".to_owned(),
        ..version(1, "/here")
    };
    begin(&mut connection, &version, nodes(1), 1 << 20).expect("written");
    let was = |connection: &Connection| {
        let was = versions(connection, &version.share)
            .expect("read")
            .remove(0);
        let (kept, only) = rest(connection, &was).expect("read");
        assert_eq!(only.as_ref(), Some(&version.only));
        (was.is_whole, kept)
    };
    assert_eq!(was(&connection), (false, Kept::default()));
    let mut kept = Kept::default();
    for (path, why) in [
        ("a", Why::Left),
        ("day/b", Why::Left),
        ("c", Why::Waiting),
        (".", Why::Waiting),
        ("d", Why::Changed),
    ] {
        assert!(kept.add(path.to_owned(), why));
    }
    assert!(!kept.add("a".to_owned(), Why::Waiting), "it is known");
    complete(&connection, &version, &kept).expect("written");
    assert_eq!(was(&connection), (true, kept.clone()));
    let before = bytes(&connection).expect("read");
    complete(&connection, &version, &Kept::default()).expect("written");
    assert_eq!(was(&connection), (true, Kept::default()));
    let freed = before - bytes(&connection).expect("read");
    assert_eq!(
        freed,
        "a//day/b".len() as u64 + ".//c".len() as u64 + "d".len() as u64
    );
}

#[test]
fn the_last_that_came_stays_whatever_was_begun_since() {
    let mut connection = database();
    let begin = |connection: &mut Connection, number, only: &str| {
        let version = Version {
            only: only.to_owned(),
            ..version(number, "/here")
        };
        begin(connection, &version, nodes(number), 1 << 20).expect("written");
        version
    };
    for (number, only) in [(1, ""), (2, "a")] {
        let version = begin(&mut connection, number, only);
        complete(&connection, &version, &Kept::default()).expect("written");
    }
    for number in 3..9 {
        begin(&mut connection, number, "");
        begin(&mut connection, number, "a");
    }
    assert_eq!(
        numbers(&connection),
        [8, 8, 7, 7, 6, 6, 5, 5, 2, 1],
        "four of each, and the last that came of each"
    );
    for number in 20..60 {
        let version = begin(&mut connection, number, &number.to_string());
        complete(&connection, &version, &Kept::default()).expect("written");
    }
    let left: Vec<u8> = (44..60).rev().chain([1]).collect();
    assert_eq!(numbers(&connection), left, "of all selections together");
}

#[test]
fn what_came_of_a_version_is_unsure_when_it_comes_again_after_another() {
    let mut connection = database();
    let is_whole = |connection: &Connection| {
        let versions = versions(connection, &ShareId([7; 32])).expect("read");
        versions[0].is_whole
    };
    for number in [1, 2, 2, 1] {
        let version = version(number, "/here");
        let known = numbers(&connection).first() == Some(&number);
        begin(&mut connection, &version, nodes(number), 1 << 20).expect("written");
        assert_eq!(is_whole(&connection), known);
        complete(&connection, &version, &Kept::default()).expect("written");
        assert!(is_whole(&connection));
    }
}

#[test]
fn what_was_written_down_before_selections_were_is_known() {
    let connection = Connection::open_in_memory().expect("memory");
    connection.execute_batch(SCHEMA).expect("tables");
    connection.execute_batch(VERSIONS_SCHEMA).expect("tables");
    let version = version(1, "/here");
    connection
        .execute(
            "INSERT INTO share_was (number, share, target, manifest, whole, kept)
             VALUES (5, ?1, ?2, ?3, 1, 'a//day/b')",
            params![
                version.share.0,
                store::path_bytes(&version.target),
                version.manifest.0
            ],
        )
        .expect("written");
    connection.execute_batch(SELECTIONS_SCHEMA).expect("tables");
    connection.execute_batch(CHANGED_SCHEMA).expect("tables");
    let was = versions(&connection, &version.share).expect("read");
    let expected = Was {
        number: 5,
        manifest: version.manifest,
        target: version.target.clone(),
        only: None,
        is_whole: true,
    };
    assert_eq!(was, [expected]);
    let (kept, only) = rest(&connection, &was[0]).expect("read");
    assert_eq!((kept.why("day/b"), only), (Some(Why::Left), None));
    assert_eq!(number(&connection, &version).expect("read"), Some(5));
}
