//! What contacts shared when they last said, and what lay in the folders of it that somebody looked into: to be shown while they are away.
//!
//! It is only what was shown here already. What its owner takes back is forgotten with their next word, and all of somebody's when they are a
//! contact no more.

use std::collections::BTreeSet;
use std::io;

use kith_core::data::builder::DirectoryBuilder;
use kith_core::data::head::Head;
use kith_core::data::manifest::{Body, Entry, Node, Totals};
use kith_core::ids::{BlobHash, PeerId, ShareId};
use kith_core::time::Time;
use rusqlite::{Connection, params};

use crate::content::shares::Shares;
use crate::content::store;

/// The room's piece of schema for what is remembered of contacts' shares.
pub(super) const SCHEMA: &str = "
    CREATE TABLE share_remembered (
        share      BLOB NOT NULL PRIMARY KEY,
        owner      BLOB NOT NULL,
        name       TEXT NOT NULL,
        manifest   BLOB NOT NULL,
        bytes      INTEGER NOT NULL,
        files      INTEGER NOT NULL,
        told_ms    INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX share_remembered_owner ON share_remembered (owner);
    CREATE TABLE share_remembered_node (
        share      BLOB NOT NULL,
        path       TEXT NOT NULL,
        number     INTEGER NOT NULL,
        manifest   BLOB NOT NULL,
        seen_ms    INTEGER NOT NULL,
        node       BLOB NOT NULL,
        PRIMARY KEY (share, path, number)
    ) STRICT;
";

/// The most shares of one contact that are remembered: more than anybody looks through.
pub const SHARES_MAX: usize = 1_024;

/// What the folders that were looked into take at most, in bytes: a hundred of 5,000 pictures. Those seen longest ago make room.
pub const FOLDERS_BYTES_MAX: u64 = 64 << 20;

/// A share of somebody, as they last said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Whose it is.
    pub owner: PeerId,
    /// Which.
    pub share: ShareId,
    /// What it was called.
    pub name: String,
    /// The hash of the version that it had.
    pub manifest: BlobHash,
    /// What it held.
    pub totals: Totals,
    /// Until when that is known to have held; where another version was looked into, when that was.
    pub told: Time,
}

/// Files of a share that are remembered no more: all of it that were known by name where the share itself is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// Whose it is.
    pub owner: PeerId,
    /// Which.
    pub share: ShareId,
    /// What it is called.
    pub name: String,
    /// Their paths in it.
    pub files: Vec<String>,
}

impl Shares {
    /// Remembers what a contact shares, all of it: what they shared before and do not any more is forgotten. Blocks.
    ///
    /// # Errors
    /// The database's; nothing has changed then.
    pub fn remember(
        &self,
        owner: &PeerId,
        heads: &[Head],
        now: Time,
    ) -> io::Result<Vec<Forgotten>> {
        let heads = &heads[..heads.len().min(SHARES_MAX)];
        store::run(self.database(), |connection| {
            let transaction = connection.transaction()?;
            let mut forgotten = Vec::new();
            for share in shares_of(&transaction, owner)? {
                if !heads.iter().any(|head| head.share == share) {
                    forgotten.push(forget(&transaction, owner, share)?);
                }
            }
            for head in heads {
                keep(&transaction, head, now)?;
            }
            transaction.commit()?;
            Ok(forgotten)
        })
    }

    /// Forgets all that somebody shared. Blocks.
    ///
    /// # Errors
    /// The database's; nothing has changed then.
    pub fn forget(&self, owner: &PeerId) -> io::Result<Vec<Forgotten>> {
        self.remember(owner, &[], Time(0))
    }

    /// Remembers what lay in a folder of a share that is remembered, at the version of this head. The files of it that lie there no more, and those of
    /// folders that make room for it. Blocks.
    ///
    /// # Errors
    /// The database's; nothing has changed then.
    pub fn remember_folder(
        &self,
        head: &Head,
        path: &str,
        entries: &[Entry],
        now: Time,
    ) -> io::Result<Vec<Forgotten>> {
        let nodes = nodes(entries);
        let path = path.trim_matches('/');
        store::run(self.database(), |connection| {
            let transaction = connection.transaction()?;
            if !shares_of(&transaction, &head.owner)?.contains(&head.share) {
                return Ok(Vec::new());
            }
            let mut gone = files(&transaction, &head.share, path)?;
            transaction.execute(
                "DELETE FROM share_remembered_node WHERE share = ?1 AND path = ?2",
                params![head.share.0, path],
            )?;
            let mut keep = transaction.prepare_cached(
                "INSERT INTO share_remembered_node (share, path, number, manifest, seen_ms, node)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            for (number, node) in (0_i64..).zip(&nodes) {
                let (manifest, seen) = (head.manifest.0, now.0.cast_signed());
                keep.execute(params![head.share.0, path, number, manifest, seen, node])?;
            }
            drop(keep);
            let still = files(&transaction, &head.share, path)?;
            let still: BTreeSet<&String> = still.iter().collect();
            gone.retain(|file| !still.contains(file));
            let mut forgotten = make_room(&transaction, FOLDERS_BYTES_MAX)?;
            forgotten.push(Forgotten {
                owner: head.owner,
                share: head.share,
                name: head.name.clone(),
                files: gone,
            });
            transaction.commit()?;
            forgotten.retain(|it| !it.files.is_empty());
            Ok(forgotten)
        })
    }

    /// The files of a share that are remembered by name. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub fn remembered_files(&self, share: &ShareId) -> io::Result<Vec<String>> {
        store::run(self.database(), |connection| all_files(connection, share))
    }

    /// All that is remembered, in the order of the shares' ids. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub fn remembered(&self) -> io::Result<Vec<Remembered>> {
        store::run(self.database(), |connection| {
            connection
                .prepare_cached(
                    "SELECT owner, share, name, manifest, bytes, files,
                         coalesce((SELECT min(told_ms, seen_ms) FROM share_remembered_node AS seen
                             WHERE seen.share = told.share AND path = '' AND number = 0
                                 AND seen.manifest <> told.manifest), told_ms)
                     FROM share_remembered AS told ORDER BY share",
                )?
                .query_map([], remembered_row)?
                .collect()
        })
    }

    /// Whether anything of somebody's is remembered. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub fn remembers(&self, owner: &PeerId) -> io::Result<bool> {
        store::run(self.database(), |connection| {
            Ok(!shares_of(connection, owner)?.is_empty())
        })
    }

    /// What is remembered of somebody holds until now: they were there, and said nothing else. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub fn still_told(&self, owner: &PeerId, now: Time) -> io::Result<()> {
        store::run(self.database(), |connection| {
            let statement =
                "UPDATE share_remembered SET told_ms = max(told_ms, ?2) WHERE owner = ?1";
            connection.execute(statement, params![owner.0, now.0.cast_signed()])?;
            Ok(())
        })
    }

    /// What lay in a folder of a share when it was last looked into; `None` where it was not. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub fn remembered_folder(
        &self,
        owner: &PeerId,
        share: &ShareId,
        path: &str,
    ) -> io::Result<Option<Vec<Entry>>> {
        store::run(self.database(), |connection| {
            if !shares_of(connection, owner)?.contains(share) {
                return Ok(None);
            }
            folder(connection, share, path.trim_matches('/'))
        })
    }
}

fn shares_of(connection: &Connection, owner: &PeerId) -> rusqlite::Result<Vec<ShareId>> {
    connection
        .prepare_cached("SELECT share FROM share_remembered WHERE owner = ?1")?
        .query_map([owner.0], |row| Ok(ShareId(row.get(0)?)))?
        .collect()
}

fn keep(connection: &Connection, head: &Head, now: Time) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO share_remembered (share, owner, name, manifest, bytes, files, told_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            head.share.0,
            head.owner.0,
            head.name,
            head.manifest.0,
            head.totals.bytes.cast_signed(),
            head.totals.files.cast_signed(),
            now.0.cast_signed()
        ])
        .map(|_| ())
}

/// Forgets a share, with what was seen of it.
fn forget(connection: &Connection, owner: &PeerId, share: ShareId) -> rusqlite::Result<Forgotten> {
    let forgotten = Forgotten {
        owner: *owner,
        share,
        name: connection
            .prepare_cached("SELECT name FROM share_remembered WHERE share = ?1")?
            .query_row([share.0], |row| row.get(0))?,
        files: all_files(connection, &share)?,
    };
    for table in ["share_remembered", "share_remembered_node"] {
        connection.execute(&format!("DELETE FROM {table} WHERE share = ?1"), [share.0])?;
    }
    Ok(forgotten)
}

/// The paths of the files in all folders of a share that were looked into.
fn all_files(connection: &Connection, share: &ShareId) -> rusqlite::Result<Vec<String>> {
    let folders: Vec<String> = connection
        .prepare_cached("SELECT DISTINCT path FROM share_remembered_node WHERE share = ?1")?
        .query_map([share.0], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut all = Vec::new();
    for path in folders {
        all.extend(files(connection, share, &path)?);
    }
    Ok(all)
}

/// The paths of the files in a folder of a share, as far as it was looked into.
fn files(connection: &Connection, share: &ShareId, path: &str) -> rusqlite::Result<Vec<String>> {
    let entries = folder(connection, share, path)?.unwrap_or_default();
    let files = entries.into_iter().filter_map(|entry| match entry {
        Entry::File(file) if path.is_empty() => Some(file.name),
        Entry::File(file) => Some(format!("{path}/{}", file.name)),
        Entry::Directory(_) | Entry::Symlink(_) => None,
    });
    Ok(files.collect())
}

fn folder(
    connection: &Connection,
    share: &ShareId,
    path: &str,
) -> rusqlite::Result<Option<Vec<Entry>>> {
    let nodes: Vec<Vec<u8>> = connection
        .prepare_cached(
            "SELECT node FROM share_remembered_node WHERE share = ?1 AND path = ?2 ORDER BY number",
        )?
        .query_map(params![share.0, path], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    if nodes.is_empty() {
        return Ok(None);
    }
    let mut entries = Vec::new();
    for node in nodes {
        // What does not decode is not what was written; the rest is.
        if let Ok(Body::Entries(more)) = Node::decode(&node).map(Node::into_body) {
            entries.extend(more);
        }
    }
    Ok(Some(entries))
}

/// Entries as the nodes of a directory that has them, as far as they can be those of one.
fn nodes(entries: &[Entry]) -> Vec<Vec<u8>> {
    let mut builder = DirectoryBuilder::default();
    let mut nodes = Vec::new();
    for entry in entries {
        // Of a listing that was cut all before it is in order; what is refused was refused when it came.
        nodes.extend(builder.push(entry.clone()).unwrap_or_default());
    }
    if let Ok((last, _)) = builder.finish() {
        nodes.extend(last);
    }
    nodes.into_iter().map(|node| node.bytes).collect()
}

/// Forgets the folders seen longest ago, as far as all together take more than this; the files in them.
pub(super) fn make_room(
    connection: &Connection,
    bytes_max: u64,
) -> rusqlite::Result<Vec<Forgotten>> {
    let folders: Vec<(PeerId, ShareId, String, String)> = connection
        .prepare_cached(
            "SELECT owner, share, name, path FROM (
                 SELECT share, path, sum(sum(length(node))) OVER (ORDER BY max(seen_ms) DESC, share, path) AS upto
                 FROM share_remembered_node GROUP BY share, path)
             JOIN share_remembered USING (share) WHERE upto > ?1",
        )?
        .query_map([bytes_max.cast_signed()], |row| {
            Ok((PeerId(row.get(0)?), ShareId(row.get(1)?), row.get(2)?, row.get(3)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut forgotten = Vec::new();
    for (owner, share, name, path) in folders {
        let files = files(connection, &share, &path)?;
        connection.execute(
            "DELETE FROM share_remembered_node WHERE share = ?1 AND path = ?2",
            params![share.0, path],
        )?;
        forgotten.push(Forgotten {
            owner,
            share,
            name,
            files,
        });
    }
    Ok(forgotten)
}

fn remembered_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Remembered> {
    let [bytes, files, told] = [4, 5, 6].map(|column| row.get::<_, i64>(column));
    Ok(Remembered {
        owner: PeerId(row.get(0)?),
        share: ShareId(row.get(1)?),
        name: row.get(2)?,
        manifest: BlobHash(row.get(3)?),
        totals: Totals {
            bytes: bytes?.cast_unsigned(),
            files: files?.cast_unsigned(),
        },
        told: Time(told?.cast_unsigned()),
    })
}
