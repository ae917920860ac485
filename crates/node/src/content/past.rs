//! What a share was before: its last few versions, for those who ask for one by its hash.
//!
//! Of a past version the head and the nodes are kept. Its files are those that lie here now: as long as all of its files are still
//! somewhere in the share, it can be fetched whole.

use kith_core::ids::{BlobHash, ShareId};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use crate::content::store::Scan;

/// The room's second piece of schema.
pub const SCHEMA: &str = "
    CREATE TABLE share_past (
        share      BLOB NOT NULL,
        scan       INTEGER NOT NULL,
        manifest   BLOB NOT NULL,
        head       BLOB NOT NULL,
        PRIMARY KEY (share, scan)
    ) STRICT, WITHOUT ROWID;
    ALTER TABLE share ADD COLUMN scan INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE share ADD COLUMN scanned_at INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX share_file_hash ON share_file (hash);
";

/// How many past versions of a share are kept: whoever fetches one by its hash has heard of it lately.
pub const VERSIONS_MAX: usize = 16;

/// How many bytes of nodes that only past versions have are kept for one share: as much as a tree of half a million files.
pub const PAST_BYTES_MAX: u64 = 64 << 20;

/// A head for what a scan has found.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewHead<'a> {
    /// It, as signed.
    pub(super) head: &'a [u8],
    /// The head that it follows on,
    pub(super) on: &'a [u8],
    /// and the manifest of that.
    pub(super) replaced: &'a BlobHash,
}

/// What became of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Renewed {
    /// It counts.
    Counts,
    /// It does not: the share has another head by now than the one that the new one follows on.
    Outdated,
    /// It does not: the share was taken back meanwhile, and what was found is forgotten.
    TakenBack,
}

/// Makes a scan the one that counts: with a new head where there is one, which puts the head until now among the past ones. What no
/// version has any more is forgotten.
pub(super) fn renew(
    connection: &mut Connection,
    share: &ShareId,
    scan: Scan,
    head: Option<NewHead<'_>>,
) -> rusqlite::Result<Renewed> {
    let transaction = connection.transaction()?;
    let until_now = transaction
        .query_row(
            "SELECT head, scan FROM share WHERE share = ?1 AND revoked = 0",
            [share.0],
            |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?)),
        )
        .optional()?;
    let Some((old, old_scan)) = until_now else {
        forget_before(&transaction, share, i64::MAX)?;
        transaction.execute("DELETE FROM share_file WHERE share = ?1", [share.0])?;
        transaction.commit()?;
        return Ok(Renewed::TakenBack);
    };
    if head.is_some_and(|new| new.on != old) {
        return Ok(Renewed::Outdated);
    }
    transaction.execute(
        "UPDATE share SET scan = ?2, scanned_at = ?3, left_out = ?4 WHERE share = ?1",
        params![
            share.0,
            scan.number.cast_signed(),
            scan.at.0.cast_signed(),
            scan.left_out.cast_signed()
        ],
    )?;
    if let Some(NewHead { head, replaced, .. }) = head {
        transaction.execute(
            "INSERT OR REPLACE INTO share_past (share, scan, manifest, head) VALUES (?1, ?2, ?3, ?4)",
            params![share.0, old_scan, replaced.0, old],
        )?;
        let statement = "UPDATE share SET head = ?2 WHERE share = ?1";
        transaction.execute(statement, params![share.0, head])?;
    }
    let oldest = bounded(&transaction, share, scan)?;
    forget_before(&transaction, share, oldest)?;
    // Whatever a scan does not find lies here no longer.
    transaction.execute(
        "DELETE FROM share_file WHERE share = ?1 AND sequence <> ?2",
        params![share.0, scan.number.cast_signed()],
    )?;
    transaction.commit()?;
    Ok(Renewed::Counts)
}

/// The head of a past version.
pub(super) fn version(
    connection: &Connection,
    share: &ShareId,
    manifest: &BlobHash,
) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached(
            "SELECT head FROM share_past WHERE share = ?1 AND manifest = ?2
             ORDER BY scan DESC LIMIT 1",
        )?
        .query_row(params![share.0, manifest.0], |row| row.get(0))
        .optional()
}

/// Drops past versions beyond the bounds, the oldest first; the number of the oldest scan that still counts.
fn bounded(transaction: &Transaction<'_>, share: &ShareId, scan: Scan) -> rusqlite::Result<i64> {
    let newest = scan.number.cast_signed();
    let scans: Vec<i64> = transaction
        .prepare_cached("SELECT scan FROM share_past WHERE share = ?1 ORDER BY scan DESC")?
        .query_map([share.0], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    // What was found last by each scan, the newest first: what versions from there on have and the ones after them have not.
    let mut sizes = transaction.prepare_cached(
        "SELECT sequence, sum(length(bytes)) FROM share_node
         WHERE share = ?1 AND sequence < ?2 GROUP BY sequence",
    )?;
    let sizes: Vec<(i64, i64)> = sizes
        .query_map(params![share.0, newest], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut oldest = newest;
    for past in scans.into_iter().take(VERSIONS_MAX) {
        let found = sizes.iter().filter(|(scan, _)| *scan >= past);
        let bytes: i64 = found.map(|(_, bytes)| *bytes).sum();
        if bytes.cast_unsigned() > PAST_BYTES_MAX {
            break;
        }
        oldest = past;
    }
    Ok(oldest)
}

fn forget_before(
    transaction: &Transaction<'_>,
    share: &ShareId,
    scan: i64,
) -> rusqlite::Result<()> {
    for (table, column) in [("share_node", "sequence"), ("share_past", "scan")] {
        let statement = format!("DELETE FROM {table} WHERE share = ?1 AND {column} < ?2");
        transaction.execute(&statement, params![share.0, scan])?;
    }
    Ok(())
}
