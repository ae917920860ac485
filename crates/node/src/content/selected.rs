//! The tables of copies of some files: the manifest of the whole as it came, and where what is here is on its line.
//!
//! The files themselves are in the same table as those of own shares and of whole copies (see [`store`](super::store)).

use std::path::PathBuf;
use std::sync::Arc;

use kith_core::content::swarm::Span;
use kith_core::content::swarm::ranges::Ranges;
use kith_core::data::builder::NodeBlob;
use kith_core::data::manifest::Totals;
use kith_core::ids::ShareId;
use rusqlite::{Connection, params};

use crate::content::store::{path, path_bytes};
use crate::data::nodes::Nodes;

/// The room's ninth piece of schema, for copies of some files.
pub(super) const SCHEMA: &str = "
    ALTER TABLE share_copy ADD COLUMN part INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE share_part (
        share      BLOB NOT NULL,
        first      INTEGER NOT NULL,
        after      INTEGER NOT NULL,
        PRIMARY KEY (share, first)
    ) STRICT, WITHOUT ROWID;
";

/// The piece for the places where they lie, each of which holds what is below some path of the share.
pub(super) const PLACES_SCHEMA: &str = "
    CREATE TABLE share_place (
        share      BLOB NOT NULL,
        path       TEXT NOT NULL,
        target     BLOB NOT NULL,
        got_ms     INTEGER NOT NULL,
        PRIMARY KEY (share, path, target)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO share_place SELECT share, '', target, used_ms FROM share_copy WHERE part = 1;
";

/// The most places of one share: whoever wants more of its pictures than that gets folders. What was got longest ago makes room.
pub(super) const PLACES_MAX: u32 = 256;

/// Of what some files were fetched.
#[derive(Clone, Debug)]
pub struct PartOf {
    /// The path in the share of what lies at the target, without `/` at its ends.
    pub path: String,
    /// The share's manifest, as far as it came.
    pub nodes: Arc<Nodes>,
}

/// Where files lie that were fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The path in the share of what lies there, without `/` at its ends: empty for all of it.
    pub(super) path: String,
    /// Where it lies.
    pub(super) target: PathBuf,
}

/// Remembers a place, and forgets the oldest beyond [`PLACES_MAX`].
pub(super) fn keep_place(
    connection: &Connection,
    share: &ShareId,
    place: &Place,
    now_ms: u64,
) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT OR REPLACE INTO share_place (share, path, target, got_ms) VALUES (?1, ?2, ?3, ?4)",
        params![
            share.0,
            place.path,
            path_bytes(&place.target),
            now_ms.cast_signed()
        ],
    )?;
    connection.execute(
        "DELETE FROM share_place WHERE share = ?1 AND (path, target) IN (
             SELECT path, target FROM share_place WHERE share = ?1
             ORDER BY got_ms DESC LIMIT -1 OFFSET ?2)",
        params![share.0, PLACES_MAX],
    )?;
    Ok(())
}

/// Forgets all places of a share.
pub(super) fn forget_places(connection: &Connection, share: &ShareId) -> rusqlite::Result<()> {
    let statement = "DELETE FROM share_place WHERE share = ?1";
    connection.execute(statement, [share.0]).map(|_| ())
}

/// The places of a share, the one got last first.
pub(super) fn places(connection: &Connection, share: &ShareId) -> rusqlite::Result<Vec<Place>> {
    connection
        .prepare_cached(
            "SELECT path, target FROM share_place WHERE share = ?1 ORDER BY got_ms DESC, path",
        )?
        .query_map([share.0], |row| {
            Ok(Place {
                path: row.get(0)?,
                target: path(row.get(1)?),
            })
        })?
        .collect()
}

/// The number of a scan after those that have found files of a share.
pub(super) fn next_scan(connection: &Connection, share: &ShareId) -> rusqlite::Result<u64> {
    let last: i64 = connection
        .prepare_cached("SELECT coalesce(max(sequence), 0) FROM share_file WHERE share = ?1")?
        .query_row([share.0], |row| row.get(0))?;
    Ok(last.cast_unsigned() + 1)
}

/// How many files are here of a copy of some, and what they hold.
pub(super) fn totals(connection: &Connection, share: &ShareId) -> rusqlite::Result<Totals> {
    let files: i64 = connection
        .prepare_cached("SELECT count(*) FROM share_file WHERE share = ?1")?
        .query_row([share.0], |row| row.get(0))?;
    Ok(Totals {
        bytes: held(connection, share)?.bytes(),
        files: files.cast_unsigned(),
    })
}

/// Forgets the manifest of a copy.
pub(super) fn forget_nodes(connection: &Connection, share: &ShareId) -> rusqlite::Result<()> {
    let statement = "DELETE FROM share_node WHERE share = ?1";
    connection.execute(statement, [share.0]).map(|_| ())
}

/// Keeps the manifest of a copy of some files, beside what is kept of the share.
pub(super) fn keep_nodes(
    connection: &Connection,
    share: &ShareId,
    nodes: &Nodes,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO share_node (share, hash, sequence, bytes) VALUES (?1, ?2, 0, ?3)",
    )?;
    let mut keep = |node: &NodeBlob| {
        let kept = statement.execute(params![share.0, node.hash.0, node.bytes]);
        kept.map(|_| ())
    };
    for node in nodes.all() {
        // One that cannot be read any more is missing from the copy.
        if let Ok(Some(node)) = node {
            keep(&node)?;
        }
    }
    Ok(())
}

/// Writes down where what is here of a copy is on the line; nothing of a whole one.
pub(super) fn write(
    connection: &Connection,
    share: &ShareId,
    held: &Ranges,
) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM share_part WHERE share = ?1", [share.0])?;
    let mut statement = connection
        .prepare_cached("INSERT INTO share_part (share, first, after) VALUES (?1, ?2, ?3)")?;
    for span in held.iter() {
        let (first, after) = (span.start.cast_signed(), span.end.cast_signed());
        statement.execute(params![share.0, first, after])?;
    }
    Ok(())
}

/// Where what is here of a copy of some files is on the line.
pub(super) fn held(connection: &Connection, share: &ShareId) -> rusqlite::Result<Ranges> {
    let mut held = Ranges::default();
    let mut statement =
        connection.prepare_cached("SELECT first, after FROM share_part WHERE share = ?1")?;
    let mut rows = statement.query([share.0])?;
    while let Some(row) = rows.next()? {
        let (first, after): (i64, i64) = (row.get(0)?, row.get(1)?);
        held.insert(Span {
            start: first.cast_unsigned(),
            end: after.cast_unsigned(),
        });
    }
    Ok(held)
}
