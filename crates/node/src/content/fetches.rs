//! Who fetched what of mine, and when: kept for the owner of a share, shown to nobody else, and forgotten with the share.

use kith_core::ids::{BlobHash, PeerId, ShareId};
use kith_core::time::Time;
use rusqlite::{Connection, OptionalExtension as _, params};

/// The room's third piece of schema. Whoever came by a link alone is nobody we know: the empty peer.
pub const SCHEMA: &str = "
    CREATE TABLE share_fetch (
        share      BLOB NOT NULL,
        peer       BLOB NOT NULL,
        bytes      INTEGER NOT NULL,
        first_at   INTEGER NOT NULL,
        last_at    INTEGER NOT NULL,
        manifest   BLOB NOT NULL,
        of_it      INTEGER NOT NULL,
        whole_at   INTEGER,
        PRIMARY KEY (share, peer)
    ) STRICT, WITHOUT ROWID;
";

/// How many are remembered for one share, the latest: more contacts than most people have.
pub const FETCHERS_MAX: u32 = 256;

/// What somebody has been given of a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// To whom; `None` for all who came as strangers, by a link or to a public share.
    pub peer: Option<PeerId>,
    /// Bytes of files, in all.
    pub bytes: u64,
    /// When the first were given.
    pub first: Time,
    /// When the last were.
    pub last: Time,
    /// When they had been given as many bytes of one version as it holds, without any of another in between; `None` when they never were
    /// by this node.
    pub whole: Option<Time>,
}

/// A version of a share of which something is given: the newest, or a past one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// The share.
    pub share: ShareId,
    /// The hash of its manifest.
    pub manifest: BlobHash,
    /// The bytes of all its files.
    pub size: u64,
}

/// Adds bytes of files of a version; false, and nothing, where the share is not our own, or was taken back meanwhile. The latest
/// [`FETCHERS_MAX`] are remembered.
pub(super) fn record(
    connection: &mut Connection,
    given: &Version,
    peer: Option<PeerId>,
    bytes: u64,
    now: Time,
) -> rusqlite::Result<bool> {
    let (share, version) = (&given.share, &given.manifest);
    let peer = peer.map_or_else(Vec::new, |peer| peer.0.to_vec());
    let transaction = connection.transaction()?;
    let is_there = transaction
        .prepare_cached("SELECT 1 FROM share WHERE share = ?1 AND revoked = 0")?
        .exists([share.0])?;
    if !is_there {
        return Ok(false);
    }
    let of_it: Option<i64> = transaction
        .query_row(
            "SELECT of_it FROM share_fetch WHERE share = ?1 AND peer = ?2 AND manifest = ?3",
            params![share.0, peer, version.0],
            |row| row.get(0),
        )
        .optional()?;
    let of_it = of_it.unwrap_or(0).cast_unsigned().saturating_add(bytes);
    let whole = (of_it >= given.size).then(|| now.0.cast_signed());
    transaction.execute(
        "INSERT INTO share_fetch (share, peer, bytes, first_at, last_at, manifest, of_it, whole_at)
         VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7)
         ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes, last_at = excluded.last_at,
             manifest = excluded.manifest, of_it = excluded.of_it,
             whole_at = coalesce(excluded.whole_at, whole_at)",
        params![
            share.0,
            peer,
            bytes.cast_signed(),
            now.0.cast_signed(),
            version.0,
            of_it.cast_signed(),
            whole
        ],
    )?;
    transaction.execute(
        "DELETE FROM share_fetch WHERE share = ?1 AND peer NOT IN
         (SELECT peer FROM share_fetch WHERE share = ?1 ORDER BY last_at DESC LIMIT ?2)",
        params![share.0, FETCHERS_MAX],
    )?;
    transaction.commit()?;
    Ok(true)
}

/// Who was given what of a share, the latest first; at most [`FETCHERS_MAX`].
pub(super) fn of(connection: &Connection, share: &ShareId) -> rusqlite::Result<Vec<Fetch>> {
    let time = |at: i64| Time(at.cast_unsigned());
    connection
        .prepare_cached(
            "SELECT peer, bytes, first_at, last_at, whole_at FROM share_fetch
             WHERE share = ?1 ORDER BY last_at DESC, peer",
        )?
        .query_map([share.0], |row| {
            let peer: Vec<u8> = row.get(0)?;
            Ok(Fetch {
                peer: peer.try_into().ok().map(PeerId),
                bytes: row.get::<_, i64>(1)?.cast_unsigned(),
                first: time(row.get(2)?),
                last: time(row.get(3)?),
                whole: row.get::<_, Option<i64>>(4)?.map(time),
            })
        })?
        .collect()
}
