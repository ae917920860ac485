//! What was got of shares of others: the manifest of each version, which files of it were to come to which folder, written down before anything gets its name
//! there; and, when that is over, what did not come, and why. By that it shows later which files nobody has touched since. Also the manifests of copies that
//! are provided no longer, where nothing was written down when they were got.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use kith_core::data::builder::NodeBlob;
use kith_core::ids::{BlobHash, ShareId};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::content::kept::{Kept, Why};
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

/// The piece for selections: `only` is the hash of the filter's name, which lies with the nodes, and empty where all was to come. `waiting` are paths as `kept`
/// are, to which nothing came yet.
pub(super) const SELECTIONS_SCHEMA: &str = "
    ALTER TABLE share_was RENAME TO share_was_whole;
    CREATE TABLE share_was (
        number     INTEGER PRIMARY KEY,
        share      BLOB NOT NULL,
        target     BLOB NOT NULL,
        only       BLOB NOT NULL DEFAULT x'',
        manifest   BLOB NOT NULL,
        whole      INTEGER NOT NULL DEFAULT 0,
        kept       TEXT NOT NULL DEFAULT '',
        waiting    TEXT NOT NULL DEFAULT '',
        UNIQUE (share, target, only, manifest)
    ) STRICT;
    INSERT INTO share_was (number, share, target, manifest, whole, kept)
        SELECT number, share, target, manifest, whole, kept FROM share_was_whole;
    DROP TABLE share_was_whole;
";

/// The piece that tells of what was changed here that it was: `changed` are paths as `kept` are, which came by a version that need not be remembered any more.
pub(super) const CHANGED_SCHEMA: &str = "
    ALTER TABLE share_was ADD COLUMN changed TEXT NOT NULL DEFAULT '';
";

/// The most versions that are remembered of one selection for one folder, beside the last that came: the one that lies there, those that may, and those that
/// had what its owner has no more.
const VERSIONS_MAX: u32 = 4;

/// The most for one folder, of all selections, beside the last of which all came: each is looked through for a file that came by none.
const FOLDER_VERSIONS_MAX: u32 = 16;

/// The most versions that are remembered in all: those of a thousand folders, or files by themselves, that somebody follows. The one got longest ago
/// goes first,
const ALL_VERSIONS_MAX: u32 = 4_096;

/// and so it does where all nodes together take more than this, in bytes: a quarter of what copies may take.
pub(super) const BYTES_MAX: u64 = 256 << 20;

/// A version of a share, and where it was got to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    /// Which share.
    pub(super) share: ShareId,
    /// The version.
    pub(super) manifest: BlobHash,
    /// Where it lies, or some of it.
    pub(super) target: PathBuf,
    /// The name of the filter by which files were chosen; empty for all.
    pub(super) only: String,
}

/// What is remembered of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Was {
    /// By which the rest of it is found.
    pub(super) number: i64,
    /// The version.
    pub(super) manifest: BlobHash,
    /// Where it was got to.
    pub(super) target: PathBuf,
    /// Where the name of its filter is, if files were chosen.
    pub(super) only: Option<BlobHash>,
    /// Whether it came to its end: what was to lie there does, but for what was [`Kept`]. Else anything of it may.
    pub(super) is_whole: bool,
}

impl Version {
    /// What it is of, in its row.
    fn selection(&self) -> Vec<u8> {
        match self.only.as_str() {
            "" => Vec::new(),
            only => blake3::hash(only.as_bytes()).as_bytes().to_vec(),
        }
    }

    fn filter(&self) -> Option<NodeBlob> {
        let hash = self.selection().try_into().ok()?;
        Some(NodeBlob {
            hash: BlobHash(hash),
            bytes: self.only.clone().into_bytes(),
        })
    }
}

/// Writes down what is to get its name, as the last that was got. What is known of the same version stays with it, unless another has come there since.
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
            transaction.execute(
                "UPDATE share_was SET whole = 0, kept = '', waiting = '', changed = '' WHERE number = ?1 AND EXISTS
                     (SELECT 1 FROM share_was AS other WHERE other.number > ?1
                      AND other.share = ?2 AND other.target = ?3 AND other.manifest <> ?4)",
                params![
                    before,
                    version.share.0,
                    store::path_bytes(&version.target),
                    version.manifest.0
                ],
            )?;
            for table in ["share_was", "share_was_node"] {
                let statement = format!("UPDATE {table} SET number = ?2 WHERE number = ?1");
                transaction.execute(&statement, [before, next])?;
            }
        }
        None => insert(&transaction, next, version)?,
    }
    for node in nodes.chain(version.filter()) {
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

/// All of it that was to come is here now, but for what was kept, by paths as [`below`] has them.
pub(super) fn complete(
    connection: &Connection,
    version: &Version,
    kept: &Kept,
) -> rusqlite::Result<()> {
    let Some(number) = number(connection, version)? else {
        return Ok(());
    };
    connection.execute(
        "UPDATE share_was SET whole = 1, kept = ?2, waiting = ?3, changed = ?4 WHERE number = ?1",
        params![
            number,
            kept.text(Why::Left),
            kept.text(Why::Waiting),
            kept.text(Why::Changed)
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
            "SELECT number FROM share_was WHERE share = ?1 AND target = ?2 AND only = ?3 AND manifest = ?4",
        )?
        .query_row(
            params![
                version.share.0,
                store::path_bytes(&version.target),
                version.selection(),
                version.manifest.0
            ],
            |row| row.get(0),
        )
        .optional()
}

fn insert(connection: &Connection, number: i64, version: &Version) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO share_was (number, share, target, only, manifest) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            number,
            version.share.0,
            store::path_bytes(&version.target),
            version.selection(),
            version.manifest.0
        ],
    )?;
    Ok(())
}

/// Forgets what is beyond the bounds. By the last that came of a selection it is known what was deleted.
fn make_room(connection: &Connection, version: &Version, bytes_max: u64) -> rusqlite::Result<()> {
    let mut forgotten = connection.execute(
        "DELETE FROM share_was WHERE number IN (
             SELECT number FROM (
                 SELECT number, only,
                     whole AND 1 = row_number() OVER (PARTITION BY only, whole ORDER BY number DESC) AS is_last,
                     row_number() OVER (PARTITION BY only ORDER BY number DESC) AS of_selection,
                     row_number() OVER (ORDER BY number DESC) AS of_folder
                 FROM share_was WHERE share = ?1 AND target = ?2)
             WHERE (of_selection > ?3 AND NOT is_last)
                 OR (of_folder > ?4 AND NOT (is_last AND only = x'')))",
        params![
            version.share.0,
            store::path_bytes(&version.target),
            VERSIONS_MAX,
            FOLDER_VERSIONS_MAX
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
        .prepare_cached(
            "SELECT (SELECT coalesce(sum(size), 0) FROM share_was_bytes)
                  + (SELECT coalesce(sum(octet_length(kept) + octet_length(waiting) + octet_length(changed)), 0) FROM share_was)",
        )?
        .query_row([], |row| row.get(0))?;
    Ok(bytes.cast_unsigned())
}

/// The versions that are remembered of a share, the one got last first.
pub(super) fn versions(connection: &Connection, share: &ShareId) -> rusqlite::Result<Vec<Was>> {
    connection
        .prepare_cached(
            "SELECT number, manifest, target, only, whole FROM share_was WHERE share = ?1 ORDER BY number DESC",
        )?
        .query_map([share.0], |row| {
            let only: Vec<u8> = row.get(3)?;
            Ok(Was {
                number: row.get(0)?,
                manifest: BlobHash(row.get(1)?),
                target: store::path(row.get(2)?),
                only: only.try_into().ok().map(BlobHash),
                is_whole: row.get(4)?,
            })
        })?
        .collect()
}

/// What did not come of one, and the name of its filter, if files were chosen.
pub(super) fn rest(connection: &Connection, was: &Was) -> rusqlite::Result<(Kept, Option<String>)> {
    let texts = connection
        .prepare_cached("SELECT kept, waiting, changed FROM share_was WHERE number = ?1")?
        .query_row([was.number], |row| {
            Ok([row.get::<_, String>(0)?, row.get(1)?, row.get(2)?])
        })
        .optional()?;
    let mut kept = Kept::default();
    if let Some([left, waiting, changed]) = texts {
        kept.read(&left, Why::Left);
        kept.read(&waiting, Why::Waiting);
        kept.read(&changed, Why::Changed);
    }
    let only = was
        .only
        .map(|only| bytes_of(connection, &only))
        .transpose()?;
    let only = only.map(|only| only.unwrap_or_default());
    Ok((
        kept,
        only.map(|only| String::from_utf8_lossy(&only).into_owned()),
    ))
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
    bytes_of(connection, hash)
}

fn bytes_of(connection: &Connection, hash: &BlobHash) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT bytes FROM share_was_bytes WHERE hash = ?1")?
        .query_row([hash.0], |row| row.get(0))
        .optional()
}

/// Where a target is, whatever folder is the current one later.
pub(super) fn place(target: &Path) -> PathBuf {
    std::path::absolute(target).unwrap_or_else(|_| target.to_owned())
}

/// The path below a target of what lies there, written with `/`; `.` for the target itself.
pub(super) fn below(target: &Path, at: &Path) -> Option<String> {
    let below = at.strip_prefix(target).ok()?;
    let names: Vec<_> = below.iter().map(OsStr::to_string_lossy).collect();
    Some(match names.is_empty() {
        true => ".".to_owned(),
        false => names.join("/"),
    })
}

#[cfg(test)]
mod tests;
