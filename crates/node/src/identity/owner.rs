//! Whose database it is: the PeerId whose contacts, shares and secrets its rows are.
//!
//! Keys and rows are files beside each other, and either can be lost or exchanged. What two contacts share is made of both
//! identities, so rows under another identity's key would reach nobody: the two are told apart before anything is sent.

use std::path::PathBuf;

use kith_core::ids::PeerId;
use kith_core::row::Row;
use thiserror::Error;

use crate::store::{Store, StoreError};

/// The kind of the one row that says it.
const OWNER_KIND: &str = "owner";

/// Why a database is not used with a key.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OwnerError {
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is somebody else's.
    #[error(
        "{database} is of {owner}, and the key is of {mine}: put back the key that belongs to it; to be {mine}, name another \
         directory with --data DIR"
    )]
    Another {
        /// The database.
        database: PathBuf,
        /// Whose it is.
        owner: PeerId,
        /// Whose key it was.
        mine: PeerId,
    },
}

/// Whose the database is; `None` where nobody has used it since such a row is kept.
///
/// # Errors
/// [`StoreError`].
pub fn owner(store: &Store) -> Result<Option<PeerId>, StoreError> {
    let rows = store.load(&[OWNER_KIND])?;
    Ok(rows.first().and_then(|(_, _, value)| {
        let bytes: [u8; 32] = value.as_slice().try_into().ok()?;
        Some(PeerId(bytes))
    }))
}

/// Makes the database that of `mine`, where it is nobody's yet.
///
/// # Errors
/// [`OwnerError`]; then nothing was written.
pub fn claim(store: &Store, mine: PeerId) -> Result<(), OwnerError> {
    if check(store, mine)? {
        return Ok(());
    }
    let row = Row {
        kind: OWNER_KIND,
        key: Vec::new(),
        value: Some(mine.as_bytes().to_vec()),
    };
    Ok(store.write(&[row])?)
}

/// Whether the database is that of `mine` already.
///
/// # Errors
/// [`OwnerError`], where it is somebody else's.
pub fn check(store: &Store, mine: PeerId) -> Result<bool, OwnerError> {
    match owner(store)? {
        Some(owner) if owner != mine => Err(OwnerError::Another {
            database: store.path().to_owned(),
            owner,
            mine,
        }),
        known => Ok(known.is_some()),
    }
}
