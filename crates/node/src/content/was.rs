//! What was got of shares of others: the manifest of each version, and to which folder it was to come, written down before anything gets its name there. By
//! that it shows later which files nobody has touched since. Also the manifests of copies that are provided no longer, where nothing was written down when
//! they were got.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kith_core::data::builder::NodeBlob;
use kith_core::ids::{BlobHash, ShareId};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::content::store;

/// The room's piece of schema for it, as it was first.
pub(super) const SCHEMA: &str = "
    CREATE TABLE share_was (
        number     INTEGER PRIMARY KEY,
        share      BLOB NOT NULL UNIQUE,
        head       BLOB NOT NULL
    ) STRICT;
    CREATE TABLE share_was_node (
        share      BLOB NOT NULL,
        hash       BLOB NOT NULL,
        bytes      BLOB NOT NULL,
        PRIMARY KEY (share, hash)
    ) STRICT, WITHOUT ROWID;
";

/// The piece for several versions of each share. They are in the order in which they were got; `kept` are paths below the target.
pub(super) const VERSIONS_SCHEMA: &str = "
    DROP TABLE share_was;
    DROP TABLE share_was_node;
    CREATE TABLE share_was (
        number     INTEGER PRIMARY KEY,
        share      BLOB NOT NULL,
        target     BLOB NOT NULL,
        manifest   BLOB NOT NULL,
        whole      INTEGER NOT NULL DEFAULT 0,
        kept       TEXT NOT NULL DEFAULT '',
        UNIQUE (share, target, manifest)
    ) STRICT;
    CREATE TABLE share_was_node (
        number     INTEGER NOT NULL,
        hash       BLOB NOT NULL,
        PRIMARY KEY (number, hash)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX share_was_node_hash ON share_was_node (hash);
    CREATE TABLE share_was_bytes (
        hash       BLOB NOT NULL PRIMARY KEY,
        size       INTEGER NOT NULL,
        bytes      BLOB NOT NULL
    ) STRICT;
    CREATE INDEX share_was_bytes_size ON share_was_bytes (size);
";

/// The most versions that are remembered for one folder: the one that lies there, and those of which some files may, where only some of each were got.
const VERSIONS_MAX: u32 = 4;

/// The most versions that are remembered in all: those of a thousand folders, or files by themselves, that somebody follows. The one got longest ago
/// goes first,
const ALL_VERSIONS_MAX: u32 = 4_096;

/// and so it does where all nodes together take more than this, in bytes: a quarter of what copies may take.
pub(super) const BYTES_MAX: u64 = 256 << 20;

/// What separates paths, none of which has it.
const SEPARATOR: &str = "//";

/// A version of a share, and where it was got to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    /// Which share.
    pub(super) share: ShareId,
    /// The version.
    pub(super) manifest: BlobHash,
    /// Where it lies, or some of it.
    pub(super) target: PathBuf,
}

/// What is remembered of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Was {
    /// The version.
    pub(super) manifest: BlobHash,
    /// Where it was got to.
    pub(super) target: PathBuf,
    /// Whether all files came of what was to lie there,
    pub(super) is_whole: bool,
    /// but for these, of which another content stayed, by their paths below the target.
    pub(super) kept: BTreeSet<String>,
}

/// Writes down what is to get its name, as the last that was got; what was of the same version stays with it.
pub(super) fn begin(
    connection: &mut Connection,
    version: &Version,
    nodes: impl Iterator<Item = NodeBlob>,
    bytes_max: u64,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    let before = number(&transaction, version)?;
    let next = transaction.query_row(
        "SELECT coalesce(max(number), 0) + 1 FROM share_was",
        [],
        |row| row.get::<_, i64>(0),
    )?;
    match before {
        Some(before) => {
            for table in ["share_was", "share_was_node"] {
                let statement = format!("UPDATE {table} SET number = ?2 WHERE number = ?1");
                transaction.execute(&statement, [before, next])?;
            }
        }
        None => insert(&transaction, next, version)?,
    }
    for node in nodes {
        transaction
            .prepare_cached("INSERT OR IGNORE INTO share_was_node (number, hash) VALUES (?1, ?2)")?
            .execute(params![next, node.hash.0])?;
        transaction
            .prepare_cached(
                "INSERT OR IGNORE INTO share_was_bytes (hash, size, bytes) VALUES (?1, length(?2), ?2)",
            )?
            .execute(params![node.hash.0, node.bytes])?;
    }
    make_room(&transaction, version, bytes_max)?;
    transaction.commit()
}

/// All files of it are here now, but for those of which another content was kept, by their paths below the target.
pub(super) fn complete(
    connection: &Connection,
    version: &Version,
    kept: &[String],
) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE share_was SET whole = 1, kept = ?4 WHERE share = ?1 AND target = ?2 AND manifest = ?3",
        params![
            version.share.0,
            store::path_bytes(&version.target),
            version.manifest.0,
            kept.join(SEPARATOR)
        ],
    )?;
    Ok(())
}

/// Remembers a copy that is forgotten, or becomes one of another version, where nothing was written down when it was got.
pub(super) fn remember(connection: &Connection, version: &Version) -> rusqlite::Result<()> {
    if number(connection, version)?.is_some() {
        return Ok(());
    }
    // Before those that were written down: it was got by then.
    let first: i64 = connection.query_row(
        "SELECT coalesce(min(number), 0) - 1 FROM share_was",
        [],
        |row| row.get(0),
    )?;
    insert(connection, first, version)?;
    connection.execute(
        "INSERT INTO share_was_node SELECT ?2, hash FROM share_node WHERE share = ?1",
        params![version.share.0, first],
    )?;
    connection.execute(
        "INSERT OR IGNORE INTO share_was_bytes SELECT hash, length(bytes), bytes FROM share_node WHERE share = ?1",
        [version.share.0],
    )?;
    make_room(connection, version, BYTES_MAX)
}

fn number(connection: &Connection, version: &Version) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "SELECT number FROM share_was WHERE share = ?1 AND target = ?2 AND manifest = ?3",
        )?
        .query_row(
            params![
                version.share.0,
                store::path_bytes(&version.target),
                version.manifest.0
            ],
            |row| row.get(0),
        )
        .optional()
}

fn insert(connection: &Connection, number: i64, version: &Version) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO share_was (number, share, target, manifest) VALUES (?1, ?2, ?3, ?4)",
        params![
            number,
            version.share.0,
            store::path_bytes(&version.target),
            version.manifest.0
        ],
    )?;
    Ok(())
}

/// Forgets what is beyond the bounds.
fn make_room(connection: &Connection, version: &Version, bytes_max: u64) -> rusqlite::Result<()> {
    let mut forgotten = connection.execute(
        "DELETE FROM share_was WHERE number IN
             (SELECT number FROM share_was WHERE share = ?1 AND target = ?2
              ORDER BY number DESC LIMIT -1 OFFSET ?3)",
        params![
            version.share.0,
            store::path_bytes(&version.target),
            VERSIONS_MAX
        ],
    )?;
    forgotten += connection.execute(
        "DELETE FROM share_was WHERE number IN
             (SELECT number FROM share_was ORDER BY number DESC LIMIT -1 OFFSET ?1)",
        [ALL_VERSIONS_MAX],
    )?;
    if forgotten > 0 {
        forget_nodes(connection)?;
    }
    // One goes with each round, and there are few.
    while bytes(connection)? > bytes_max {
        connection.execute(
            "DELETE FROM share_was WHERE number = (SELECT min(number) FROM share_was)",
            [],
        )?;
        forget_nodes(connection)?;
    }
    Ok(())
}

/// Forgets the nodes that no version has any more.
fn forget_nodes(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM share_was_node WHERE number NOT IN (SELECT number FROM share_was)",
        [],
    )?;
    connection.execute(
        "DELETE FROM share_was_bytes WHERE NOT EXISTS
             (SELECT 1 FROM share_was_node WHERE share_was_node.hash = share_was_bytes.hash)",
        [],
    )?;
    Ok(())
}

fn bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let bytes: i64 = connection
        .prepare_cached("SELECT coalesce(sum(size), 0) FROM share_was_bytes")?
        .query_row([], |row| row.get(0))?;
    Ok(bytes.cast_unsigned())
}

/// The versions that are remembered of a share, the one got last first.
pub(super) fn versions(connection: &Connection, share: &ShareId) -> rusqlite::Result<Vec<Was>> {
    connection
        .prepare_cached(
            "SELECT manifest, target, whole, kept FROM share_was WHERE share = ?1 ORDER BY number DESC",
        )?
        .query_map([share.0], |row| {
            let kept: String = row.get(3)?;
            let kept = kept.split(SEPARATOR).filter(|path| !path.is_empty());
            Ok(Was {
                manifest: BlobHash(row.get(0)?),
                target: store::path(row.get(1)?),
                is_whole: row.get(2)?,
                kept: kept.map(ToOwned::to_owned).collect(),
            })
        })?
        .collect()
}

/// A node of the copy, or of a version that is remembered.
pub(super) fn node(
    connection: &Connection,
    share: &ShareId,
    hash: &BlobHash,
) -> rusqlite::Result<Option<Vec<u8>>> {
    let of_copy = store::node(connection, share, hash)?;
    if of_copy.is_some() {
        return Ok(of_copy);
    }
    connection
        .prepare_cached("SELECT bytes FROM share_was_bytes WHERE hash = ?1")?
        .query_row([hash.0], |row| row.get(0))
        .optional()
}

/// Where a target is, whatever folder is the current one later.
pub(super) fn place(target: &Path) -> PathBuf {
    std::path::absolute(target).unwrap_or_else(|_| target.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(
            numbers(&connection).is_empty(),
            "that is not known any more"
        );
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
    fn what_was_kept_is_no_part_of_what_came() {
        let mut connection = database();
        let version = version(1, "/here");
        begin(&mut connection, &version, nodes(1), 1 << 20).expect("written");
        let was = |connection: &Connection| {
            versions(connection, &version.share)
                .expect("read")
                .remove(0)
        };
        assert!(!was(&connection).is_whole);
        let kept = ["a".to_owned(), "day/b".to_owned()];
        complete(&connection, &version, &kept).expect("written");
        assert!(was(&connection).is_whole);
        assert_eq!(was(&connection).kept, BTreeSet::from(kept));
        complete(&connection, &version, &[]).expect("written");
        assert_eq!(was(&connection).kept, BTreeSet::new());
    }
}
