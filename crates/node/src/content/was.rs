//! The tables of copies that are provided no longer, because something in them was edited, others needed their room or another version was got: their
//! manifests, and nothing else.

use kith_core::ids::{BlobHash, ShareId};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::content::store;

/// The room's piece of schema for it. The shares are in the order in which they were forgotten.
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

/// The most shares that are remembered so: what somebody follows. The one forgotten longest ago goes first.
const SHARES_MAX: u32 = 64;

/// The largest manifest that is remembered, in bytes: that of some fifty thousand files; all together are a quarter of what copies may take.
const MANIFEST_BYTES_MAX: u32 = 4 << 20;

/// Remembers a copy that is forgotten, or becomes one of another version, where its manifest is here.
pub(super) fn remember(connection: &Connection, share: &ShareId) -> rusqlite::Result<()> {
    let manifest_bytes: u32 = connection
        .prepare_cached(
            "SELECT min(coalesce(sum(length(bytes)), 0), ?2) FROM share_node
             WHERE share = ?1 AND share IN (SELECT share FROM share_copy)",
        )?
        .query_row(params![share.0, MANIFEST_BYTES_MAX + 1], |row| row.get(0))?;
    if !(1..=MANIFEST_BYTES_MAX).contains(&manifest_bytes) {
        return Ok(());
    }
    connection.execute("DELETE FROM share_was WHERE share = ?1", [share.0])?;
    connection.execute(
        "INSERT INTO share_was (share, head) SELECT share, head FROM share_copy WHERE share = ?1",
        [share.0],
    )?;
    connection.execute("DELETE FROM share_was_node WHERE share = ?1", [share.0])?;
    connection.execute(
        "INSERT INTO share_was_node SELECT share, hash, bytes FROM share_node WHERE share = ?1",
        [share.0],
    )?;
    connection.execute(
        "DELETE FROM share_was WHERE number IN
             (SELECT number FROM share_was ORDER BY number DESC LIMIT -1 OFFSET ?1)",
        [SHARES_MAX],
    )?;
    connection.execute(
        "DELETE FROM share_was_node WHERE share NOT IN (SELECT share FROM share_was)",
        [],
    )?;
    Ok(())
}

/// The head of the version that is remembered.
pub(super) fn head(connection: &Connection, share: &ShareId) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT head FROM share_was WHERE share = ?1")?
        .query_row([share.0], |row| row.get(0))
        .optional()
}

/// A node of the copy, or of the version that is remembered.
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
        .prepare_cached("SELECT bytes FROM share_was_node WHERE share = ?1 AND hash = ?2")?
        .query_row(params![share.0, hash.0], |row| row.get(0))
        .optional()
}
