//! The tables of what others share, as far as this node has to do with it: what is known of a share, and where its copy lies.
//!
//! The nodes and files of a copy are in the same tables as those of own shares (see [`store`](super::store)), so both are served alike.

use std::path::{Path, PathBuf};

use kith_core::codec;
use kith_core::content::access::CopyFate;
use kith_core::data::head::{Head, HeadError, SignedHead};
use kith_core::ids::{BlobHash, PeerId, ShareId};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::content::selected::{self, PartOf, Place};
use crate::content::store::{path, path_bytes};
use crate::content::was::{self, Version};

/// The room's fifth piece of schema, for what others share.
pub(crate) const SCHEMA: &str = "
    CREATE TABLE share_known (
        share      BLOB NOT NULL PRIMARY KEY,
        owner      BLOB NOT NULL,
        head       BLOB NOT NULL,
        granted    BLOB,
        link       BLOB,
        heard_ms   INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX share_known_owner ON share_known (owner);
    CREATE TABLE share_copy (
        share      BLOB NOT NULL PRIMARY KEY,
        head       BLOB NOT NULL,
        target     BLOB NOT NULL,
        used_ms    INTEGER NOT NULL,
        kept       INTEGER NOT NULL,
        examined   INTEGER NOT NULL DEFAULT 0,
        weight     INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
";

/// The most shares of others that are known without a copy: what somebody wanted within a month. The one heard of longest ago makes room.
const KNOWN_MAX: u32 = 1_024;

/// What is known of a share of somebody else.
#[derive(Clone, Debug)]
pub(super) struct KnownRow {
    pub(super) share: ShareId,
    pub(super) owner: PeerId,
    /// The newest signed head.
    pub(super) head: Vec<u8>,
    /// The newest grant for us.
    pub(super) granted: Option<Vec<u8>>,
    /// The link's secret, where one led here.
    pub(super) link: Option<[u8; 32]>,
    /// When it was last heard of, in milliseconds since 1970.
    pub(super) heard_ms: u64,
}

/// A copy.
#[derive(Clone, Debug)]
pub(super) struct CopyRow {
    pub(super) share: ShareId,
    /// The signed head that it is of.
    pub(super) head: Vec<u8>,
    pub(super) target: PathBuf,
    /// When it was fetched, or asked for last (to the hour), in milliseconds since 1970.
    pub(super) used_ms: u64,
    /// Whether it never makes room for others.
    pub(super) kept: bool,
    /// Whether it was found to be what its head says.
    pub(super) examined: bool,
    /// Whether it has some files of it only,
    pub(super) is_part: bool,
    /// and where these lie then.
    pub(super) places: Vec<Place>,
}

/// What is known of one share.
pub(super) fn known(
    connection: &Connection,
    share: &ShareId,
) -> rusqlite::Result<Option<KnownRow>> {
    connection
        .prepare_cached(
            "SELECT share, owner, head, granted, link, heard_ms FROM share_known WHERE share = ?1",
        )?
        .query_row([share.0], known_row)
        .optional()
}

/// What is known of the shares of somebody.
pub(super) fn known_of(connection: &Connection, owner: &PeerId) -> rusqlite::Result<Vec<KnownRow>> {
    connection
        .prepare_cached(
            "SELECT share, owner, head, granted, link, heard_ms FROM share_known
             WHERE owner = ?1 ORDER BY share",
        )?
        .query_map([owner.0], known_row)?
        .collect()
}

fn known_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<KnownRow> {
    let heard_ms: i64 = row.get(5)?;
    Ok(KnownRow {
        share: ShareId(row.get(0)?),
        owner: PeerId(row.get(1)?),
        head: row.get(2)?,
        granted: row.get(3)?,
        link: row.get(4)?,
        heard_ms: heard_ms.cast_unsigned(),
    })
}

/// Keeps what is known of a share, and has its copy go on under the new head, or end.
pub(super) fn learn(
    connection: &mut Connection,
    row: &KnownRow,
    fate: CopyFate,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO share_known (share, owner, head, granted, link, heard_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            row.share.0,
            row.owner.0,
            row.head,
            row.granted,
            row.link,
            row.heard_ms.cast_signed()
        ])?;
    transaction
        .prepare_cached(
            "DELETE FROM share_known WHERE share IN (
                 SELECT share FROM share_known WHERE share NOT IN (SELECT share FROM share_copy)
                 ORDER BY heard_ms DESC LIMIT -1 OFFSET ?1)",
        )?
        .execute([KNOWN_MAX])?;
    match fate {
        CopyFate::Stays => {}
        CopyFate::GoesOn => {
            let statement = "UPDATE share_copy SET head = ?2 WHERE share = ?1";
            transaction.execute(statement, params![row.share.0, row.head])?;
        }
        CopyFate::Ends => {
            forget_copy(&transaction, &row.share)?;
        }
    }
    transaction.commit()
}

/// One copy.
pub(super) fn copy(connection: &Connection, share: &ShareId) -> rusqlite::Result<Option<CopyRow>> {
    let row = connection
        .prepare_cached(&format!(
            "SELECT {COPY_COLUMNS} FROM share_copy WHERE share = ?1"
        ))?
        .query_row([share.0], copy_row)
        .optional()?;
    row.map(|row| with_places(connection, row)).transpose()
}

/// All copies, in the order of the shares' ids.
pub(super) fn copies(connection: &Connection) -> rusqlite::Result<Vec<CopyRow>> {
    let rows = connection
        .prepare_cached(&format!(
            "SELECT {COPY_COLUMNS} FROM share_copy ORDER BY share"
        ))?
        .query_map([], copy_row)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let rows = rows.into_iter();
    rows.map(|row| with_places(connection, row)).collect()
}

fn with_places(connection: &Connection, row: CopyRow) -> rusqlite::Result<CopyRow> {
    let places = match row.is_part {
        true => selected::places(connection, &row.share)?,
        false => Vec::new(),
    };
    Ok(CopyRow { places, ..row })
}

impl CopyRow {
    /// Whether it is provided: it was found to be what its head says, and still lies where it lay, or some of its files do. Whoever moves it away or
    /// deletes it says nothing to us.
    pub(super) fn is_provided(&self) -> bool {
        let is_there = |target: &Path| target.symlink_metadata().is_ok();
        let mut places = self.places.iter();
        self.examined && (is_there(&self.target) || places.any(|place| is_there(&place.target)))
    }
}

const COPY_COLUMNS: &str = "share, head, target, used_ms, kept, examined, part";

fn copy_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<CopyRow> {
    let used_ms: i64 = row.get(3)?;
    Ok(CopyRow {
        share: ShareId(row.get(0)?),
        head: row.get(1)?,
        target: path(row.get(2)?),
        used_ms: used_ms.cast_unsigned(),
        kept: row.get(4)?,
        examined: row.get::<_, i64>(5)? == EXAMINED,
        is_part: row.get(6)?,
        places: Vec::new(),
    })
}

/// That a copy was found to be what its head says. It is to be examined where it says none of these two.
const EXAMINED: i64 = 1;

/// That it is being examined: whatever is to be looked at anew meanwhile takes this away.
const BEING_EXAMINED: i64 = 2;

/// A copy that is to be examined, which begins now.
pub(super) fn begin_examining(
    connection: &Connection,
    share: &ShareId,
) -> rusqlite::Result<Option<CopyRow>> {
    let found = copy(connection, share)?.filter(|copy| !copy.examined);
    if found.is_some() {
        let statement = "UPDATE share_copy SET examined = ?2 WHERE share = ?1";
        connection.execute(statement, params![share.0, BEING_EXAMINED])?;
    }
    Ok(found)
}

/// Whether nothing is to be looked at anew since it began.
pub(super) fn is_being_examined(
    connection: &Connection,
    share: &ShareId,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM share_copy WHERE share = ?1 AND examined = ?2")?
        .exists(params![share.0, BEING_EXAMINED])
}

/// A copy that is being examined was found to be what its head says.
pub(super) fn end_examining(connection: &Connection, share: &ShareId) -> rusqlite::Result<()> {
    let statement = "UPDATE share_copy SET examined = ?2 WHERE share = ?1";
    connection.execute(statement, params![share.0, EXAMINED])?;
    Ok(())
}

/// A copy is to be examined again.
pub(super) fn doubt_copy(connection: &Connection, share: &ShareId) -> rusqlite::Result<()> {
    let statement = "UPDATE share_copy SET examined = 0 WHERE share = ?1";
    connection.execute(statement, [share.0]).map(|_| ())
}

/// Whether a head that was verified when it was kept is of the version of this manifest.
pub(super) fn is_version(head: &[u8], manifest: &BlobHash) -> bool {
    version(head).is_some_and(|version| version == *manifest)
}

/// Which version such a head is of.
fn version(head: &[u8]) -> Option<BlobHash> {
    trusted(head).ok().map(|head| head.manifest)
}

/// A head that was verified when it was kept.
pub(super) fn trusted(head: &[u8]) -> Result<Head, HeadError> {
    codec::decode::<SignedHead>(head)?.trusted()
}

/// Remembers where a copy lies, instead of an earlier one, or beside it where both are of some files; it is to be examined. What was kept stays
/// kept.
pub(super) fn hold(
    connection: &mut Connection,
    row: &CopyRow,
    part_of: Option<&PartOf>,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    let before = copy(&transaction, &row.share)?;
    let is_known = |before: &CopyRow| version(&before.head) == version(&row.head);
    if let Some(before) = before.as_ref().filter(|before| !is_known(before)) {
        remember(&transaction, before)?;
    }
    let before = before.filter(|before| before.is_part);
    transaction.execute(
        "INSERT INTO share_copy (share, head, target, used_ms, kept, part) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET head = excluded.head, target = excluded.target, used_ms = excluded.used_ms,
             kept = max(kept, excluded.kept), examined = 0, part = excluded.part",
        params![
            row.share.0,
            row.head,
            path_bytes(&row.target),
            row.used_ms.cast_signed(),
            row.kept,
            row.is_part
        ],
    )?;
    match part_of {
        Some(part_of) => {
            if !before.as_ref().is_some_and(is_known) {
                selected::forget_nodes(&transaction, &row.share)?;
            }
            selected::keep_nodes(&transaction, &row.share, &part_of.nodes)?;
            let place = Place {
                path: part_of.path.clone(),
                target: row.target.clone(),
            };
            selected::keep_place(&transaction, &row.share, &place, row.used_ms)?;
        }
        None => selected::forget_places(&transaction, &row.share)?,
    }
    transaction.commit()
}

/// Forgets a copy; its files stay. False where there is none.
pub(super) fn drop_copy(connection: &mut Connection, share: &ShareId) -> rusqlite::Result<bool> {
    let transaction = connection.transaction()?;
    let dropped = forget_copy(&transaction, share)?;
    transaction.commit()?;
    Ok(dropped)
}

pub(super) fn forget_copy(connection: &Connection, share: &ShareId) -> rusqlite::Result<bool> {
    if let Some(copy) = copy(connection, share)? {
        remember(connection, &copy)?;
    }
    let dropped = connection.execute("DELETE FROM share_copy WHERE share = ?1", [share.0])?;
    if dropped > 0 {
        for table in ["share_node", "share_file", "share_part", "share_place"] {
            connection.execute(&format!("DELETE FROM {table} WHERE share = ?1"), [share.0])?;
        }
    }
    Ok(dropped > 0)
}

/// What a copy was is remembered.
fn remember(connection: &Connection, copy: &CopyRow) -> rusqlite::Result<()> {
    let Some(manifest) = version(&copy.head) else {
        return Ok(());
    };
    let version = Version {
        share: copy.share,
        manifest,
        target: was::place(&copy.target),
        only: String::new(),
    };
    was::remember(connection, &version)
}
