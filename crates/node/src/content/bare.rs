//! Bare shares: the pictures and films of some folder without what they say beside their pixels, and nothing else that lies there.
//!
//! The folder is scanned and followed like any other. But what stands in the tree is each picture without place, time, camera and words: itself where it
//! says none of that, else a copy of the node's own ([`crate::data::bare`]). That is decided by each scan, before a head is signed; so what is added or edited later is not
//! served with what it says either, and its owner's files are never written to. What nothing is surely left out of (documents, damaged pictures, films of kinds that are
//! not known) is left out itself, and told.
//!
//! The rows of a bare share name the files where they lie, too, so that their changes are noticed. No tree of the share names their content, so nobody is given it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kith_core::ids::BlobHash;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::content::shares::Shares;
use crate::content::store;
use crate::data::bare::Picture;
use crate::data::hash::{self, Stamp};
use crate::data::range::Blob;
use crate::data::scan::ScanError;

/// The room's sixth piece of schema. What became of a content is kept for as long as a file with it lies in a share; nothing, where nothing is surely left
/// out of it.
pub(crate) const SCHEMA: &str = "
    ALTER TABLE share ADD COLUMN bare INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE share ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE share_bare (
        original   BLOB NOT NULL PRIMARY KEY,
        bare       BLOB
    ) STRICT, WITHOUT ROWID;
";

/// The room's seventh: copies made before this leave out less. Nothing of a bare share has the stamp that it had any more: so none of it is given before
/// it was looked at again, and the copies are made anew then.
pub(crate) const ANEW_SCHEMA: &str = "
    DELETE FROM share_bare;
    UPDATE share_file SET size = -1 WHERE share IN (SELECT share FROM share WHERE bare <> 0);
";

/// The room's seventeenth: nothing was left out of films and HEIC before this, so all that was left out itself is looked at anew: with
/// the next look, since its names are not known.
pub(crate) const KINDS_SCHEMA: &str = "
    DELETE FROM share_bare WHERE bare IS NULL;
    DELETE FROM share_left_out WHERE share IN (SELECT share FROM share WHERE bare <> 0);
";

impl Shares {
    /// Which file is shared in place of the one at `path`, which holds `lying`: itself, or a copy; `None` where nothing is surely left out of it.
    ///
    /// # Errors
    /// [`ScanError::Read`] for the file and its copy, [`ScanError::Keep`] for the database.
    pub(super) fn bare(&self, path: &Path, lying: &Blob) -> Result<Option<PathBuf>, ScanError> {
        let known = store::run(self.database(), |connection| known(connection, &lying.hash));
        let known = known.map_err(ScanError::Keep)?;
        let is_there = |bare: BlobHash| bare == lying.hash || self.has_copy(&bare);
        let bare = match known {
            Some(bare) if bare.is_none_or(is_there) => bare,
            _ => self.make_bare(path, lying)?,
        };
        Ok(bare.map(|bare| match bare == lying.hash {
            true => path.to_owned(),
            false => self.bare_pictures().path(&bare),
        }))
    }

    /// Removes copies of pictures that are in no share any more. As [`Shares::sweep`], not while a scan is under way.
    pub(super) fn sweep_bare(&self) -> io::Result<u64> {
        let removed = self
            .bare_pictures()
            .sweep(|hash| self.is_in_a_share(hash))?;
        store::run(self.database(), |connection| {
            let gone = "DELETE FROM share_bare WHERE original NOT IN (SELECT hash FROM share_file)";
            connection.execute(gone, [])
        })?;
        Ok(removed)
    }

    fn make_bare(&self, path: &Path, lying: &Blob) -> Result<Option<BlobHash>, ScanError> {
        let read = |error| ScanError::Read {
            path: path.to_owned(),
            error,
        };
        let bare = match Picture::lying(path, lying).map_err(read)? {
            None => None,
            Some(picture) => match picture.write_bare(io::sink()).map_err(read)? {
                Some(bare) if bare.hash != lying.hash => {
                    // A film may have no room, or change meanwhile: it is left out, and the others are shared.
                    let saved = self.bare_pictures().save(&picture);
                    saved.map_err(read)?
                }
                bare => bare.map(|bare| bare.hash),
            },
        };
        let kept = store::run(self.database(), |connection| {
            keep(connection, &lying.hash, bare.as_ref())
        });
        kept.map_err(ScanError::Keep)?;
        Ok(bare)
    }

    /// Whether the copy of this content is there, and is it.
    fn has_copy(&self, hash: &BlobHash) -> bool {
        let path = self.bare_pictures().path(hash);
        let Ok(metadata) = fs::symlink_metadata(&path) else {
            return false;
        };
        let known = store::run(self.database(), |connection| {
            store::known(connection, &path, Stamp::of(&metadata))
        });
        let is_known = matches!(known, Ok(Some(blob)) if blob.hash == *hash);
        is_known || hash::hash_file(&path).is_ok_and(|hashed| hashed.hash == *hash)
    }
}

/// What became of a content: the hash of what is shared in its place, or nothing; `None` where it was not looked at so far.
fn known(
    connection: &Connection,
    original: &BlobHash,
) -> rusqlite::Result<Option<Option<BlobHash>>> {
    connection
        .prepare_cached("SELECT bare FROM share_bare WHERE original = ?1")?
        .query_row([original.0], |row| {
            let bare: Option<[u8; 32]> = row.get(0)?;
            Ok(bare.map(BlobHash))
        })
        .optional()
}

fn keep(
    connection: &Connection,
    original: &BlobHash,
    bare: Option<&BlobHash>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO share_bare (original, bare) VALUES (?1, ?2)")?
        .execute(params![original.0, bare.map(|bare| bare.0)])?;
    Ok(())
}
