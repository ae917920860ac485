//! The database `kith.db`: what the machines asked to keep, and tables of the rooms that need their own.
//!
//! SQLite in WAL mode. Machines keep [`Row`]s in one table, `state`; a room with more to ask of a database (search,
//! counting) brings a piece of schema of its own. Pieces are applied in order, once, and `user_version` counts them; a
//! piece that was released is never edited, a change is a further piece.
//!
//! `synchronous` is `FULL`, because what was told to somebody as done (a burned invite, a raised epoch) must not be undone by
//! a power cut; in WAL mode `NORMAL` may lose the last transactions. `secure_delete` is on, because the reach secret of
//! somebody blocked ends, also on the disk.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kith_core::row::Row;
use rusqlite::{Connection, params};

mod error;

pub use error::StoreError;
use error::{explain, explain_io};

/// The piece of schema every database begins with.
const STATE: &str = "
    CREATE TABLE state (
        kind  TEXT NOT NULL,
        key   BLOB NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (kind, key)
    ) STRICT, WITHOUT ROWID;
";

/// Marks a database as kith's (`PRAGMA application_id`): `kith` in ASCII.
const APPLICATION_ID: i32 = 0x6b69_7468;

/// How long to wait for somebody looking into the database from outside (`sqlite3`), before it is an error.
const BUSY_WAIT_MAX: Duration = Duration::from_secs(5);

/// The most memory for pages of the database. A node with 20 contacts needs a tenth of it, and one that is idle shall
/// stay small.
const CACHE_KIBIBYTES: i32 = 2048;

/// The database. Clones are handles on the same one; calls run one after the other.
#[derive(Clone, Debug)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
    path: Arc<Path>,
}

/// A stored row as it is handed back to the machine that asked for it: kind, key, value.
pub type StoredRow = (String, Vec<u8>, Vec<u8>);

impl Store {
    /// Opens the database at `path`, and creates it (0600) where there is none. `pieces` are the rooms' schemas,
    /// oldest first: a list that only ever grows at its end.
    ///
    /// # Errors
    /// [`StoreError`]; a database that cannot be used is left as it is.
    pub fn open(path: &Path, pieces: &[&str]) -> Result<Self, StoreError> {
        create_private(path).map_err(|error| explain_io(path, error))?;
        let opened = Connection::open(path).and_then(|mut connection| {
            let version = configure(&mut connection, pieces)?;
            Ok((connection, version))
        });
        let (connection, version) = opened.map_err(|error| explain(path, error))?;
        let path_owned = path.to_owned();
        match version {
            Version::Current => Ok(Self {
                connection: Arc::new(Mutex::new(connection)),
                path: path.into(),
            }),
            Version::Newer { found, known } => Err(StoreError::Newer {
                path: path_owned,
                found,
                known,
            }),
            Version::Foreign => Err(StoreError::NotOurs { path: path_owned }),
        }
    }

    /// The file it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The rows of `kinds`, ordered by kind as listed, then by key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn load(&self, kinds: &[&str]) -> Result<Vec<StoredRow>, StoreError> {
        self.run(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT kind, key, value FROM state WHERE kind = ?1 ORDER BY key",
            )?;
            let mut found = Vec::new();
            for kind in kinds {
                let rows = statement
                    .query_map([kind], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
                for row in rows {
                    found.push(row?);
                }
            }
            Ok(found)
        })
    }

    /// Writes `rows` in their order, all or none; durable when it returns.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was written.
    pub fn write(&self, rows: &[Row]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.run(|connection| {
            let transaction = connection.transaction()?;
            {
                let mut put = transaction.prepare_cached(
                    "INSERT INTO state (kind, key, value) VALUES (?1, ?2, ?3)
                     ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value",
                )?;
                let mut delete =
                    transaction.prepare_cached("DELETE FROM state WHERE kind = ?1 AND key = ?2")?;
                for Row { kind, key, value } in rows {
                    match value {
                        Some(value) => put.execute(params![kind, key, value])?,
                        None => delete.execute(params![kind, key])?,
                    };
                }
            }
            transaction.commit()
        })
    }

    /// Runs `work` with the connection, for rooms with tables of their own; everybody else waits meanwhile. Blocks:
    /// inside a runtime use [`Store::call`].
    ///
    /// # Errors
    /// What `work` returns, explained.
    pub fn run<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        // A panic in `work` rolls its transaction back as it unwinds: the connection is sound.
        let mut connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        work(&mut connection).map_err(|error| explain(&self.path, error))
    }

    /// Runs `work` on a thread that may wait for the disk, away from the runtime's workers. Once begun it is
    /// finished, even when the returned future is dropped.
    ///
    /// # Errors
    /// What `work` returns, and [`StoreError::Stopping`].
    pub async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        match tokio::task::spawn_blocking(move || work(&store)).await {
            Ok(result) => result,
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(StoreError::Stopping),
            },
        }
    }
}

/// What `user_version` and `application_id` say.
enum Version {
    Current,
    Newer { found: i64, known: i64 },
    Foreign,
}

/// Sets a connection up and applies the pieces that are missing, unless it is not ours to touch.
fn configure(connection: &mut Connection, pieces: &[&str]) -> rusqlite::Result<Version> {
    connection.busy_timeout(BUSY_WAIT_MAX)?;
    let known = i64::try_from(1 + pieces.len()).expect("a handful of pieces");
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let owner: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if owner != APPLICATION_ID && (owner != 0 || found != 0 || tables != 0) {
        return Ok(Version::Foreign);
    }
    if found > known {
        return Ok(Version::Newer { found, known });
    }
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIBIBYTES)?;
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let missing = usize::try_from(found).unwrap_or_default();
    for piece in std::iter::once(&STATE).chain(pieces).skip(missing) {
        transaction.execute_batch(piece)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(Version::Current)
}

/// Creates an empty file for its owner alone where there is none: SQLite gives its other files the same permissions.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use tempfile::TempDir;

    const NOTES: &str = "CREATE TABLE note (text TEXT) STRICT;";

    fn place() -> (TempDir, PathBuf) {
        let directory = tempfile::tempdir().expect("a place for files");
        let path = directory.path().join("kith.db");
        (directory, path)
    }

    fn row(kind: &'static str, key: u8, value: Option<u8>) -> Row {
        Row {
            kind,
            key: vec![key],
            value: value.map(|byte| vec![byte]),
        }
    }

    fn stored(kind: &str, key: u8, value: u8) -> StoredRow {
        (kind.to_owned(), vec![key], vec![value])
    }

    #[test]
    fn rows_come_back_after_a_restart_in_order_of_their_keys() {
        let (_directory, path) = place();
        let store = Store::open(&path, &[]).expect("new");
        store
            .write(&[
                row("b", 2, Some(1)),
                row("b", 1, Some(2)),
                row("a", 1, Some(3)),
            ])
            .expect("room on the disk");
        store
            .write(&[row("b", 2, Some(9)), row("a", 1, None), row("a", 7, None)])
            .expect("room on the disk");
        drop(store);
        let store = Store::open(&path, &[]).expect("ours");
        let rows = store.load(&["b", "a"]).expect("readable");
        assert_eq!(rows, [stored("b", 1, 2), stored("b", 2, 9)]);
    }

    #[test]
    fn a_room_that_arrives_later_gets_its_tables_once() {
        let (_directory, path) = place();
        Store::open(&path, &[]).expect("new");
        let store = Store::open(&path, &[NOTES]).expect("one piece behind");
        store
            .run(|connection| connection.execute("INSERT INTO note VALUES ('a')", []))
            .expect("the table is there");
        drop(store);
        let store = Store::open(&path, &[NOTES]).expect("up to date");
        let count: i64 = store
            .run(|db| db.query_row("SELECT count(*) FROM note", [], |row| row.get(0)))
            .expect("the table is there");
        assert_eq!(count, 1);
    }

    #[test]
    fn a_database_of_a_newer_version_is_refused_and_unchanged() {
        let (_directory, path) = place();
        let store = Store::open(&path, &[NOTES]).expect("new");
        store.write(&[row("a", 1, Some(1))]).expect("room");
        drop(store);
        let before = std::fs::read(&path).expect("readable");
        let error = Store::open(&path, &[]).expect_err("one piece ahead");
        assert!(matches!(
            error,
            StoreError::Newer {
                found: 2,
                known: 1,
                ..
            }
        ));
        assert!(error.to_string().contains("update kith"));
        assert_eq!(std::fs::read(&path).expect("readable"), before);
        Store::open(&path, &[NOTES]).expect("nothing is lost");
    }

    #[test]
    fn what_is_no_database_is_named_damaged_and_left_alone() {
        let (_directory, path) = place();
        let bytes = b"this is no database, however long it may be. ".repeat(50);
        std::fs::write(&path, &bytes).expect("room");
        let error = Store::open(&path, &[]).expect_err("no database");
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        assert_eq!(std::fs::read(&path).expect("readable"), bytes);
    }

    #[test]
    fn a_database_cut_short_is_named_damaged() {
        let (_directory, path) = place();
        let store = Store::open(&path, &[]).expect("new");
        let rows: Vec<Row> = (0..200)
            .map(|key| Row {
                value: Some(vec![key; 1000]),
                ..row("a", key, None)
            })
            .collect();
        store.write(&rows).expect("room");
        drop(store);
        let file = OpenOptions::new().write(true).open(&path).expect("ours");
        let length = file.metadata().expect("there").len();
        file.set_len(length / 2).expect("shorter");
        let outcome = Store::open(&path, &[]).and_then(|store| store.load(&["a"]));
        let error = outcome.expect_err("half of it is missing");
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    }

    // sysfs takes no new files from anybody, root included, whose rights would defeat a test with `chmod`.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_read_only_place_is_one_clear_error() {
        let error = Store::open(Path::new("/sys/kernel/kith.db"), &[]).expect_err("read-only");
        assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    }

    #[test]
    fn a_database_of_another_program_is_refused() {
        let (_directory, path) = place();
        let other = Connection::open(&path).expect("new");
        other.execute_batch(NOTES).expect("room");
        drop(other);
        let error = Store::open(&path, &[]).expect_err("not ours");
        assert!(matches!(error, StoreError::NotOurs { .. }), "{error}");
    }

    #[test]
    fn a_full_disk_undoes_the_whole_write() {
        let (_directory, path) = place();
        let store = Store::open(&path, &[]).expect("new");
        store
            .run(|db| db.pragma_update_and_check(None, "max_page_count", 8, |_| Ok(())))
            .expect("a small disk");
        let large = Row {
            value: Some(vec![0; 100_000]),
            ..row("a", 2, None)
        };
        let error = store
            .write(&[row("a", 1, Some(1)), large])
            .expect_err("no room");
        assert!(matches!(error, StoreError::NoSpace { .. }), "{error}");
        assert_eq!(store.load(&["a"]).expect("readable"), []);
        store.write(&[row("a", 1, Some(1))]).expect("this one fits");
    }

    #[test]
    fn a_place_that_takes_no_files_is_one_clear_error() {
        let (directory, _) = place();
        let path = directory.path().join("missing/kith.db");
        let error = Store::open(&path, &[]).expect_err("no directory");
        assert!(matches!(error, StoreError::Io { .. }), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_the_database() {
        use std::os::unix::fs::PermissionsExt as _;
        let (directory, path) = place();
        let store = Store::open(&path, &[]).expect("new");
        store.write(&[row("a", 1, Some(1))]).expect("room");
        for entry in std::fs::read_dir(directory.path()).expect("readable") {
            let entry = entry.expect("readable");
            let mode = entry.metadata().expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
        }
    }

    #[test]
    fn a_panic_in_one_call_leaves_the_store_usable() {
        let (_directory, path) = place();
        let store = Store::open(&path, &[]).expect("new");
        let panicking = store.clone();
        let outcome = std::thread::spawn(move || {
            panicking.run(|connection| -> rusqlite::Result<()> {
                let transaction = connection.transaction()?;
                transaction.execute("INSERT INTO state VALUES ('a', x'01', x'01')", [])?;
                panic!("on purpose")
            })
        })
        .join();
        assert!(outcome.is_err());
        assert_eq!(store.load(&["a"]).expect("usable"), []);
    }

    #[tokio::test]
    async fn a_call_leaves_the_worker_free() {
        let (_directory, path) = place();
        let store = Store::open(&path, &[]).expect("new");
        let (release, wait) = std::sync::mpsc::channel();
        // On this single-threaded runtime the second branch runs only when the first does not block it.
        let call = store.call(move |store| {
            wait.recv().expect("released");
            store.write(&[row("a", 1, Some(1))])
        });
        let (written, ()) = tokio::join!(call, async move {
            release.send(()).expect("the call waits");
        });
        written.expect("room");
        let rows = store.call(|store| store.load(&["a"])).await;
        assert_eq!(rows.expect("readable"), [stored("a", 1, 1)]);
    }
}
