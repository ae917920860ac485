//! How much is kept for the sake of copies, and which of them make room.
//!
//! The files of a copy are whoever's they were fetched for, and lie where they wanted them. What providing costs beside is bounded: the nodes of the
//! trees, a row for each file, and the outboards, which are a 256th of the files. The copies that nobody asked for longest are provided no longer
//! when a new one needs their room; one that was fetched to be kept, never; and own shares are not counted.

use kith_core::content::swarm::ranges::Ranges;
use kith_core::data::head::Head;
use kith_core::ids::ShareId;
use kith_core::time::Time;
use rusqlite::{Connection, params};

use crate::content::known::{self, CopyRow};
use crate::content::selected;

/// What is kept for copies when nobody says otherwise, in bytes: that of 256 GiB in large files, or of some millions of small ones.
pub const COPIES_BYTES_MAX: u64 = 1 << 30;

/// The most copies: each is asked about whenever its owner is met, and compared with what contacts look for.
const COPIES_MAX: usize = 1_024;

/// What a row for a file takes, in bytes, with its place in the index: two hashes, a path of common length, stamps.
const FILE_ROW_BYTES: u32 = 256;

/// What a row for a stretch of files that lie side by side takes, where only some of a share are here, in bytes.
const PART_ROW_BYTES: u32 = 64;

/// How many bytes of a file one byte of its outboard stands for.
const OUTBOARD_SHARE: u32 = 256;

/// How often it is written down that a copy is asked for, in milliseconds: often enough to tell a used copy from a forgotten one.
const USED_EVERY_MS: u64 = 3_600_000;

/// Notes that a copy was asked for by somebody who may have it.
pub(super) fn used(connection: &Connection, copy: &CopyRow, now: Time) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE share_copy SET used_ms = ?2 WHERE share = ?1")?
        .execute(params![copy.share.0, now.0.cast_signed()])?;
    Ok(())
}

/// Whether it was noted so long ago that it is to be noted again.
pub(super) fn is_stale(copy: &CopyRow, now: Time) -> bool {
    now.0.saturating_sub(copy.used_ms) >= USED_EVERY_MS
}

/// A copy is what this head says, or has some files of that, which lie on its line where `held` says: what a scan with this sequence found is kept,
/// what earlier ones found is not. Copies that nobody asked for make room for it in `room_bytes`. False where there is none for it, or it is not the
/// copy any more; it still is under a later head of the same version. False also where more was fetched, or a file was touched, while it was examined:
/// it is to be examined once more, and what was found is known by then.
pub(super) fn examined(
    connection: &mut Connection,
    row: &CopyRow,
    head: &Head,
    (sequence, held): &(u64, Ranges),
    room_bytes: u64,
) -> rusqlite::Result<bool> {
    let transaction = connection.transaction()?;
    let copy = known::copy(&transaction, &row.share)?;
    let is_it = copy.is_some_and(|copy| {
        // What is fetched of a part lies in one place after the other.
        (copy.is_part || copy.target == row.target)
            && copy.is_part == row.is_part
            && known::is_version(&copy.head, &head.manifest)
    });
    let is_all = is_it && known::is_being_examined(&transaction, &row.share)?;
    if is_all {
        known::end_examining(&transaction, &row.share)?;
    }
    // No scan has the sequence 0.
    let kept = if is_it { *sequence } else { 0 };
    // The nodes of a part are those of the whole, which no scan has found.
    let found: &[&str] = match row.is_part {
        true => &["share_file"],
        false => &["share_node", "share_file"],
    };
    for table in found {
        let statement = format!("DELETE FROM {table} WHERE share = ?1 AND sequence <> ?2");
        transaction.execute(&statement, params![row.share.0, kept.cast_signed()])?;
    }
    if is_it {
        selected::write(&transaction, &row.share, held)?;
    }
    let is_provided = is_all && make_room(&transaction, &row.share, room_bytes)?;
    transaction.commit()?;
    Ok(is_provided)
}

/// Weighs a copy that was examined, and drops those used least recently until all of them together are within `room_bytes`. False where
/// it does not fit beside those that are kept: then it is the one dropped.
fn make_room(connection: &Connection, share: &ShareId, room_bytes: u64) -> rusqlite::Result<bool> {
    weigh(connection, share)?;
    let copies: Vec<(ShareId, u64, bool)> = connection
        .prepare_cached("SELECT share, weight, kept FROM share_copy ORDER BY used_ms, share")?
        .query_map([], |row| {
            let weight: i64 = row.get(1)?;
            Ok((ShareId(row.get(0)?), weight.cast_unsigned(), row.get(2)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let stays = |copy: &&(ShareId, u64, bool)| copy.2 || copy.0 == *share;
    let fixed: u64 = copies.iter().filter(stays).map(|copy| copy.1).sum();
    let is_kept = copies.iter().any(|copy| copy.0 == *share && copy.2);
    if !is_kept && (fixed > room_bytes || copies.iter().filter(stays).count() > COPIES_MAX) {
        known::forget_copy(connection, share)?;
        return Ok(false);
    }
    let mut total: u64 = copies.iter().map(|copy| copy.1).sum();
    let mut count = copies.len();
    for (dropped, weight, _) in copies.iter().filter(|copy| !stays(copy)) {
        if total <= room_bytes && count <= COPIES_MAX {
            break;
        }
        known::forget_copy(connection, dropped)?;
        (total, count) = (total - weight, count - 1);
    }
    Ok(true)
}

/// What all copies take, in bytes.
pub(super) fn weight(connection: &Connection) -> rusqlite::Result<u64> {
    let weight: i64 = connection
        .prepare_cached("SELECT coalesce(sum(weight), 0) FROM share_copy")?
        .query_row([], |row| row.get(0))?;
    Ok(weight.cast_unsigned())
}

/// Writes down what a copy takes.
fn weigh(connection: &Connection, share: &ShareId) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE share_copy SET weight =
                 (SELECT coalesce(sum(length(bytes)), 0) FROM share_node WHERE share = ?1)
                 + (SELECT coalesce(sum(?2 + size / ?3), 0) FROM share_file WHERE share = ?1)
                 + (SELECT count(*) * ?4 FROM share_part WHERE share = ?1)
             WHERE share = ?1",
        )?
        .execute(params![
            share.0,
            FILE_ROW_BYTES,
            OUTBOARD_SHARE,
            PART_ROW_BYTES
        ])?;
    Ok(())
}
