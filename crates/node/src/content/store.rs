//! The tables of shares in `kith.db`.
//!
//! A share's nodes are kept here, its files stay where they lie: a row says which file holds which blob, with the stamp it had when it was
//! hashed. Rows carry the number (`sequence`) of the scan that found them last, so that a new head and the end of what it replaces are one transaction.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use kith_core::ids::{BlobHash, PeerId, ShareId};
use kith_core::time::Time;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::data::hash::Stamp;
use crate::data::range::Blob;
use crate::data::scan::{Found, Root};
use crate::store::Store;

/// The room's piece of schema.
pub const SCHEMA: &str = "
    CREATE TABLE share (
        share      BLOB NOT NULL PRIMARY KEY,
        secret     BLOB NOT NULL,
        head       BLOB NOT NULL,
        link       BLOB,
        revoked    INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE share_root (
        share      BLOB NOT NULL,
        path       BLOB NOT NULL,
        PRIMARY KEY (share, path)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE share_named (
        share      BLOB NOT NULL,
        peer       BLOB NOT NULL,
        PRIMARY KEY (share, peer)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE share_node (
        share      BLOB NOT NULL,
        hash       BLOB NOT NULL,
        sequence   INTEGER NOT NULL,
        bytes      BLOB NOT NULL,
        PRIMARY KEY (share, hash)
    ) STRICT;
    CREATE TABLE share_file (
        share      BLOB NOT NULL,
        hash       BLOB NOT NULL,
        path       BLOB NOT NULL,
        sequence   INTEGER NOT NULL,
        size       INTEGER NOT NULL,
        mtime_ns   INTEGER NOT NULL,
        PRIMARY KEY (share, hash, path)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX share_file_path ON share_file (path);
";

/// The room's eighth: what was hashed before this has no such stamp, and is hashed anew.
pub const CTIME_SCHEMA: &str = "
    ALTER TABLE share_file ADD COLUMN ctime_ns INTEGER NOT NULL DEFAULT 0;
    UPDATE share_copy SET examined = 0;
";

/// The room's tenth: heads from before do not say that they are their owner's, and nobody believes those of others, nor past ones. Own shares are
/// signed anew (see [`unowned`](super::unowned)).
pub(super) const OWNED_SCHEMA: &str = "
    DELETE FROM share_node WHERE share NOT IN (SELECT share FROM share);
    DELETE FROM share_file WHERE share NOT IN (SELECT share FROM share);
    DELETE FROM share_past;
    DELETE FROM share_known;
    DELETE FROM share_copy;
    DELETE FROM share_part;
";

/// The room's eighteenth: what was shared before this is looked at once more before it is known whether a disk is mounted there.
pub(super) const MOUNTED_SCHEMA: &str =
    "ALTER TABLE share_root ADD COLUMN mounted INTEGER NOT NULL DEFAULT 0;";

/// How many copies of one blob in one share are tried before it counts as changed: a folder of equal files is common, one in which
/// several of them changed since the last scan is not.
const COPIES_MAX: u32 = 8;

/// Something that runs work on the database, one after the other.
pub trait Database: Send + Sync {
    /// Runs `work`, which is called once.
    ///
    /// # Errors
    /// What `work` returns, or why it could not run.
    fn work(&self, work: &mut dyn FnMut(&mut Connection) -> rusqlite::Result<()>)
    -> io::Result<()>;
}

impl Database for Mutex<Connection> {
    fn work(
        &self,
        work: &mut dyn FnMut(&mut Connection) -> rusqlite::Result<()>,
    ) -> io::Result<()> {
        let mut connection = self.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut connection).map_err(io::Error::other)
    }
}

impl Database for Store {
    fn work(
        &self,
        work: &mut dyn FnMut(&mut Connection) -> rusqlite::Result<()>,
    ) -> io::Result<()> {
        Ok(self.run(work)?)
    }
}

/// Runs `work` and gives what it gives.
pub(super) fn run<T>(
    database: &dyn Database,
    work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
) -> io::Result<T> {
    let mut work = Some(work);
    let mut result = None;
    database.work(&mut |connection| {
        if let Some(work) = work.take() {
            result = Some(work(connection)?);
        }
        Ok(())
    })?;
    result.ok_or_else(|| io::Error::other("the database did not run the work"))
}

/// A share's row.
#[derive(Clone, Debug)]
pub(super) struct ShareRow {
    pub(super) share: ShareId,
    /// The share's secret key.
    pub(super) secret: [u8; 32],
    /// The signed head.
    pub(super) head: Vec<u8>,
    /// The link's secret.
    pub(super) link: Option<[u8; 32]>,
    pub(super) revoked: bool,
    /// The number of the scan that counts.
    pub(super) scan: u64,
    /// When it began.
    pub(super) scanned_at: Time,
    /// Whether its pictures are shared without what they say, and nothing else is.
    pub(super) bare: bool,
    /// How many things that scan left out.
    pub(super) left_out: u64,
}

/// A scan of a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scan {
    /// Higher than those of the scans before it.
    pub(super) number: u64,
    /// When it began.
    pub(super) at: Time,
    /// How many things it left out.
    pub(super) left_out: u64,
}

const SHARE_COLUMNS: &str = "share, secret, head, link, revoked, scan, scanned_at, bare, left_out";

fn share_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<ShareRow> {
    Ok(ShareRow {
        share: ShareId(row.get(0)?),
        secret: row.get(1)?,
        head: row.get(2)?,
        link: row.get(3)?,
        revoked: row.get(4)?,
        scan: row.get::<_, i64>(5)?.cast_unsigned(),
        scanned_at: Time(row.get::<_, i64>(6)?.cast_unsigned()),
        bare: row.get(7)?,
        left_out: row.get::<_, i64>(8)?.cast_unsigned(),
    })
}

/// One share, also a revoked one.
pub(super) fn share(
    connection: &Connection,
    share: &ShareId,
) -> rusqlite::Result<Option<ShareRow>> {
    connection
        .prepare_cached(&format!(
            "SELECT {SHARE_COLUMNS} FROM share WHERE share = ?1"
        ))?
        .query_row([share.0], share_row)
        .optional()
}

/// The shares after `after` that are not revoked, in the order of their ids.
pub(super) fn shares(
    connection: &Connection,
    after: Option<ShareId>,
) -> rusqlite::Result<Vec<ShareRow>> {
    let after = after.map_or_else(Vec::new, |share| share.0.to_vec());
    connection
        .prepare_cached(&format!(
            "SELECT {SHARE_COLUMNS} FROM share WHERE share > ?1 AND revoked = 0 ORDER BY share"
        ))?
        .query_map([after], share_row)?
        .collect()
}

/// All shares, also revoked ones.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<ShareRow>> {
    connection
        .prepare_cached(&format!("SELECT {SHARE_COLUMNS} FROM share"))?
        .query_map([], share_row)?
        .collect()
}

/// What was shared, and what is known of it.
pub(super) fn roots(connection: &Connection, share: &ShareId) -> rusqlite::Result<Vec<Root>> {
    connection
        .prepare_cached("SELECT path, mounted FROM share_root WHERE share = ?1 ORDER BY path")?
        .query_map([share.0], |row| {
            Ok(Root {
                path: path(row.get(0)?),
                was_mounted: row.get(1)?,
            })
        })?
        .collect()
}

/// What was shared.
pub(super) fn paths(connection: &Connection, share: &ShareId) -> rusqlite::Result<Vec<PathBuf>> {
    let roots = roots(connection, share)?;
    Ok(roots.into_iter().map(|root| root.path).collect())
}

/// Keeps what is known of one thing that was shared.
pub(super) fn set_root(
    connection: &Connection,
    share: &ShareId,
    root: &Root,
) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE share_root SET mounted = ?3 WHERE share = ?1 AND path = ?2",
        params![share.0, path_bytes(&root.path), root.was_mounted],
    )?;
    Ok(())
}

/// With whom it was shared by name.
pub(super) fn named(connection: &Connection, share: &ShareId) -> rusqlite::Result<Vec<PeerId>> {
    connection
        .prepare_cached("SELECT peer FROM share_named WHERE share = ?1 ORDER BY peer")?
        .query_map([share.0], |row| Ok(PeerId(row.get(0)?)))?
        .collect()
}

/// Whether it was shared with this peer by name.
pub(super) fn is_named(
    connection: &Connection,
    share: &ShareId,
    peer: &PeerId,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM share_named WHERE share = ?1 AND peer = ?2")?
        .exists(params![share.0, peer.0])
}

/// Makes a new share known, with all that it has beside its head.
pub(super) fn create(
    connection: &mut Connection,
    row: &ShareRow,
    roots: &[Root],
    named: &[PeerId],
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute(
        "INSERT INTO share (share, secret, head, link, revoked, scan, scanned_at, bare, left_out)
         VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8)",
        params![
            row.share.0,
            row.secret,
            row.head,
            row.link,
            row.scan.cast_signed(),
            row.scanned_at.0.cast_signed(),
            row.bare,
            row.left_out.cast_signed()
        ],
    )?;
    for root in roots {
        transaction.execute(
            "INSERT OR IGNORE INTO share_root (share, path, mounted) VALUES (?1, ?2, ?3)",
            params![row.share.0, path_bytes(&root.path), root.was_mounted],
        )?;
    }
    name(&transaction, &row.share, named)?;
    transaction.commit()
}

/// Names more peers with whom a share is shared.
pub(super) fn name(
    connection: &Connection,
    share: &ShareId,
    peers: &[PeerId],
) -> rusqlite::Result<()> {
    let statement = "INSERT OR IGNORE INTO share_named (share, peer) VALUES (?1, ?2)";
    let mut statement = connection.prepare_cached(statement)?;
    for peer in peers {
        statement.execute(params![share.0, peer.0])?;
    }
    Ok(())
}

/// Gives a share another head, unless it has another by now. Whether it has got it.
pub(super) fn replace_head(
    connection: &Connection,
    row: &ShareRow,
    head: &[u8],
) -> rusqlite::Result<bool> {
    let statement = "UPDATE share SET head = ?3 WHERE share = ?1 AND head = ?2 AND revoked = 0";
    let replaced = connection.execute(statement, params![row.share.0, row.head, head])?;
    Ok(replaced > 0)
}

/// Keeps the last head of a share that is no more, and forgets the rest of it, unless it has another head by now. Whether it has got it.
pub(super) fn revoke(
    connection: &mut Connection,
    row: &ShareRow,
    head: &[u8],
) -> rusqlite::Result<bool> {
    let transaction = connection.transaction()?;
    if !replace_head(&transaction, row, head)? {
        return Ok(false);
    }
    let share = row.share.0;
    let statement = "UPDATE share SET link = NULL, revoked = 1 WHERE share = ?1";
    transaction.execute(statement, [share])?;
    // Those who were named stay: they may be told that it is no more.
    for table in BESIDE {
        transaction.execute(&format!("DELETE FROM {table} WHERE share = ?1"), [share])?;
    }
    transaction.commit()?;
    Ok(true)
}

/// What is kept of an own share beside its row and those who were named.
const BESIDE: [&str; 6] = [
    "share_root",
    "share_node",
    "share_file",
    "share_past",
    "share_fetch",
    "share_left_out",
];

/// Forgets an own share altogether; how many there were.
pub(super) fn forget(connection: &Connection, share: &ShareId) -> rusqlite::Result<usize> {
    for table in BESIDE.iter().chain(&["share_named"]) {
        connection.execute(&format!("DELETE FROM {table} WHERE share = ?1"), [share.0])?;
    }
    connection.execute("DELETE FROM share WHERE share = ?1", [share.0])
}

/// Keeps what the scan of this number found.
pub(super) fn keep(
    connection: &mut Connection,
    share: &ShareId,
    scan: u64,
    found: &[Found],
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for thing in found {
        match thing {
            Found::Node(node) => transaction
                .prepare_cached(
                    "INSERT INTO share_node (share, hash, sequence, bytes) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT DO UPDATE SET sequence = excluded.sequence",
                )?
                .execute(params![share.0, node.hash.0, scan.cast_signed(), node.bytes])?,
            Found::File { blob, path, stamp } => transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO share_file (share, hash, path, sequence, size, mtime_ns, ctime_ns)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![
                    share.0,
                    blob.hash.0,
                    path_bytes(path),
                    scan.cast_signed(),
                    stamp.size.cast_signed(),
                    stamp.mtime_ns,
                    stamp.ctime_ns
                ])?,
        };
    }
    transaction.commit()
}

/// A node of a share.
pub(super) fn node(
    connection: &Connection,
    share: &ShareId,
    hash: &BlobHash,
) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT bytes FROM share_node WHERE share = ?1 AND hash = ?2")?
        .query_row(params![share.0, hash.0], |row| row.get(0))
        .optional()
}

/// The files of a share that hold a blob, at most [`COPIES_MAX`].
pub(super) fn files(
    connection: &Connection,
    share: &ShareId,
    hash: &BlobHash,
) -> rusqlite::Result<Vec<(PathBuf, Stamp)>> {
    connection
        .prepare_cached(
            "SELECT path, size, mtime_ns, ctime_ns FROM share_file WHERE share = ?1 AND hash = ?2 LIMIT ?3",
        )?
        .query_map(params![share.0, hash.0, COPIES_MAX], stamped)?
        .collect()
}

/// The files of any share that hold a blob, at most [`COPIES_MAX`].
pub(super) fn anywhere(
    connection: &Connection,
    hash: &BlobHash,
) -> rusqlite::Result<Vec<(PathBuf, Stamp)>> {
    connection
        .prepare_cached(
            "SELECT path, size, mtime_ns, ctime_ns FROM share_file WHERE hash = ?1 LIMIT ?2",
        )?
        .query_map(params![hash.0, COPIES_MAX], stamped)?
        .collect()
}

/// Whether there is any file of any share.
pub(super) fn has_files(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM share_file LIMIT 1")?
        .exists([])
}

/// A path, and the stamp that its file had.
fn stamped(row: &rusqlite::Row<'_>) -> rusqlite::Result<(PathBuf, Stamp)> {
    Ok((path(row.get(0)?), stamp(row, 1)?))
}

/// A stamp, of which this is the first column.
fn stamp(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Stamp> {
    let size: i64 = row.get(first)?;
    Ok(Stamp {
        size: size.cast_unsigned(),
        mtime_ns: row.get(first + 1)?,
        ctime_ns: row.get(first + 2)?,
    })
}

/// The files of a share with the stamps they had when they were hashed, after the one given.
pub(super) fn stamps(
    connection: &Connection,
    share: &ShareId,
    after: Option<&(BlobHash, PathBuf)>,
    limit: u32,
) -> rusqlite::Result<Vec<(BlobHash, PathBuf, Stamp)>> {
    let (hash, after_path) = match after {
        Some((hash, path)) => (hash.0.to_vec(), path_bytes(path)),
        None => (Vec::new(), Vec::new()),
    };
    connection
        .prepare_cached(
            "SELECT hash, path, size, mtime_ns, ctime_ns FROM share_file
             WHERE share = ?1 AND (hash, path) > (?2, ?3) ORDER BY hash, path LIMIT ?4",
        )?
        .query_map(params![share.0, hash, after_path, limit], |row| {
            let stamp = stamp(row, 2)?;
            Ok((BlobHash(row.get(0)?), path(row.get(1)?), stamp))
        })?
        .collect()
}

/// The blob that a file held when it had this stamp.
pub(super) fn known(
    connection: &Connection,
    path: &Path,
    stamp: Stamp,
) -> rusqlite::Result<Option<Blob>> {
    connection
        .prepare_cached(
            "SELECT hash FROM share_file WHERE path = ?1 AND size = ?2 AND mtime_ns = ?3 AND ctime_ns = ?4 LIMIT 1",
        )?
        .query_row(
            params![
                path_bytes(path),
                stamp.size.cast_signed(),
                stamp.mtime_ns,
                stamp.ctime_ns
            ],
            |row| {
                Ok(Blob {
                    hash: BlobHash(row.get(0)?),
                    size: stamp.size,
                })
            },
        )
        .optional()
}

#[cfg(unix)]
pub(super) fn path_bytes(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt as _;
    path.as_os_str().as_bytes().to_vec()
}

#[cfg(unix)]
pub(super) fn path(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
pub(super) fn path_bytes(path: &Path) -> Vec<u8> {
    path.to_string_lossy().into_owned().into_bytes()
}

#[cfg(not(unix))]
pub(super) fn path(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}
