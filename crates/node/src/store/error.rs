//! Why the database cannot be used, in words that say what to do.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use thiserror::Error;

/// Why the database cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Made by a later version; nothing in it was changed.
    #[error(
        "the database {path} was made by a newer kith (its format is {found}, this one knows {known}): update kith; \
         nothing was changed"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The latest format this version knows.
        known: i64,
    },
    /// A database of another program.
    #[error("{path} is a database, but not one of kith's; nothing was changed")]
    NotOurs {
        /// The database.
        path: PathBuf,
    },
    /// No database, or one whose bytes contradict each other.
    #[error(
        "the database {path} is damaged: move it aside and restore it from a backup; identity.key is not affected"
    )]
    Damaged {
        /// The database.
        path: PathBuf,
    },
    /// It may be read, but not written.
    #[error("the database {path} cannot be written: it is read-only or belongs to someone else")]
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// The disk is full; what was being written is undone.
    #[error("there is no space left for the database {path}; make some and try again")]
    NoSpace {
        /// The database.
        path: PathBuf,
    },
    /// The file could not be created.
    #[error("the database {path} cannot be opened: {source}")]
    Io {
        /// The database.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else SQLite says; a mistake in a statement is one.
    #[error("the database refused: {0}")]
    Sqlite(rusqlite::Error),
    /// The runtime ended before the call began.
    #[error("the node is stopping")]
    Stopping,
}

impl From<StoreError> for io::Error {
    fn from(error: StoreError) -> Self {
        let kind = match error {
            StoreError::NoSpace { .. } => io::ErrorKind::StorageFull,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

/// Says what an error of the system means for the database at `path`.
pub(super) fn explain_io(path: &Path, source: io::Error) -> StoreError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StoreError::ReadOnly { path }
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::NoSpace { path },
        _ => StoreError::Io { path, source },
    }
}

/// Says what an error of SQLite means for the database at `path`.
pub(super) fn explain(path: &Path, error: rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => StoreError::Damaged { path },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreError::ReadOnly { path },
        Some(ErrorCode::DiskFull) => StoreError::NoSpace { path },
        _ => StoreError::Sqlite(error),
    }
}
