//! The tables of copies of some files: the manifest of the whole as it came, and where what is here is on its line.
//!
//! The files themselves are in the same table as those of own shares and of whole copies (see [`store`](super::store)).

use kith_core::content::swarm::Span;
use kith_core::content::swarm::ranges::Ranges;
use kith_core::data::builder::NodeBlob;
use kith_core::data::manifest::Totals;
use kith_core::ids::ShareId;
use rusqlite::{Connection, params};

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

/// The number of a scan after those that have found files of a share.
pub(super) fn next_scan(connection: &Connection, share: &ShareId) -> rusqlite::Result<u64> {
    let last: i64 = connection
        .prepare_cached("SELECT coalesce(max(sequence), 0) FROM share_file WHERE share = ?1")?
        .query_row([share.0], |row| row.get(0))?;
    Ok(last.cast_unsigned() + 1)
}

/// How many files are here of a copy of some, those without bytes aside, and what they hold.
pub(super) fn totals(connection: &Connection, share: &ShareId) -> rusqlite::Result<Totals> {
    let files: i64 = connection
        .prepare_cached("SELECT count(*) FROM share_file WHERE share = ?1")?
        .query_row([share.0], |row| row.get(0))?;
    Ok(Totals {
        bytes: held(connection, share)?.bytes(),
        files: files.cast_unsigned(),
    })
}

/// Keeps the manifest of a copy of some files, in place of what was kept of the share.
pub(super) fn keep_nodes(
    connection: &Connection,
    share: &ShareId,
    nodes: &Nodes,
) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM share_node WHERE share = ?1", [share.0])?;
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
