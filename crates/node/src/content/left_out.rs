//! What lies in a shared folder and is not in the share, by name: for its owner, who is told how many things that are in any case.

use std::io;
use std::path::PathBuf;

use kith_core::ids::ShareId;
use rusqlite::{Connection, params};

use crate::content::shares::Shares;
use crate::content::store::{self, path, path_bytes};
use crate::data::scan::LeftOut;

/// The room's piece of schema for it.
pub(super) const SCHEMA: &str = "
    CREATE TABLE share_left_out (
        share      BLOB NOT NULL,
        number     INTEGER NOT NULL,
        path       BLOB NOT NULL,
        why        TEXT NOT NULL,
        PRIMARY KEY (share, number)
    ) STRICT, WITHOUT ROWID;
";

impl Shares {
    /// What the last scan of an own share left out, as far as its list goes ([`LEFT_OUT_MAX`](crate::data::scan::LEFT_OUT_MAX)). Blocks.
    ///
    /// # Errors
    /// The database's.
    pub fn left_out(&self, share: &ShareId) -> io::Result<Vec<LeftOut>> {
        store::run(self.database(), |connection| of(connection, share))
    }

    /// Whether something was left out and its names are not known: by a version that kept only how many there are. The next look scans, and has them.
    pub(super) fn lacks_left_out(&self, share: &ShareId) -> io::Result<bool> {
        store::run(self.database(), |connection| {
            let row = store::share(connection, share)?;
            Ok(row.is_some_and(|row| row.left_out > 0) && of(connection, share)?.is_empty())
        })
    }

    /// Keeps what a scan left out in place of what the one before did. What is shared is shared, whether that can be kept or not.
    pub(super) fn keep_left_out(&self, share: &ShareId, left_out: &[LeftOut]) {
        let kept = store::run(self.database(), |connection| {
            keep(connection, share, left_out)
        });
        if let Err(error) = kept {
            tracing::warn!(%error, "what is not in a share cannot be kept");
        }
    }
}

fn keep(
    connection: &mut Connection,
    share: &ShareId,
    left_out: &[LeftOut],
) -> rusqlite::Result<()> {
    // Most scans find what the one before them did, and write nothing.
    if of(connection, share)? == left_out {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    transaction.execute("DELETE FROM share_left_out WHERE share = ?1", [share.0])?;
    let statement = "INSERT INTO share_left_out (share, number, path, why) VALUES (?1, ?2, ?3, ?4)";
    for (number, it) in (0_i64..).zip(left_out) {
        let row = params![share.0, number, path_bytes(&it.path), it.why];
        transaction.execute(statement, row)?;
    }
    transaction.commit()
}

fn of(connection: &Connection, share: &ShareId) -> rusqlite::Result<Vec<LeftOut>> {
    connection
        .prepare_cached("SELECT path, why FROM share_left_out WHERE share = ?1 ORDER BY number")?
        .query_map([share.0], |row| {
            let path: PathBuf = path(row.get(0)?);
            Ok(LeftOut {
                path,
                why: row.get(1)?,
            })
        })?
        .collect()
}
