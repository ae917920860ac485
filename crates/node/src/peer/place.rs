//! The directory a node keeps its things in: one given, or a temporary one.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use thiserror::Error;

use crate::home::{Home, HomeError, HomeLock, Owner};

/// Where a node keeps its things.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) home: Home,
    /// Held by whoever changes what `config.toml` says, from reading what holds until it holds anew.
    pub(super) changing: tokio::sync::Mutex<()>,
    /// Whether the local network can be looked at while the node runs.
    pub(super) lan_possible: bool,
    /// Whether the public face has addresses, which strangers learn.
    pub(super) is_public_server: bool,
    /// Held for as long as the node runs, which may be shorter than its handles live.
    lock: Mutex<Option<HomeLock>>,
    _temporary: Option<tempfile::TempDir>,
}

/// Why there is no place.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// The data directory cannot be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// No temporary directory for a node without one of its own.
    #[error("cannot make a temporary directory: {0}")]
    Temporary(#[from] io::Error),
}

impl Place {
    /// Opens `directory` for this owner, or a temporary one that goes when the node does.
    pub(super) fn open(directory: Option<PathBuf>, owner: Owner) -> Result<Self, PlaceError> {
        let (directory, temporary) = match directory {
            Some(directory) => (directory, None),
            None => {
                let temporary = tempfile::tempdir()?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let home = Home::at(directory);
        let lock = match home.open() {
            Err(in_use @ HomeError::InUse { .. }) => {
                // Whose it is does not change when the process that holds it ends: nobody need wait for that.
                home.check_for(owner)?;
                return Err(in_use.into());
            }
            opened => opened?,
        };
        home.take_for(owner)?;
        Ok(Self {
            home,
            changing: tokio::sync::Mutex::default(),
            lan_possible: true,
            is_public_server: false,
            lock: Mutex::new(Some(lock)),
            _temporary: temporary,
        })
    }
    /// Lets the next node in: this one writes nothing more.
    pub(super) fn release(&self) {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        drop(lock.take());
    }
}
