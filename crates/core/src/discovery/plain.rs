//! Records that are not sealed, because everybody may read them: what somebody says under a key that is known anyway.
//!
//! There is one slot for each kind of statement, so that a later one replaces an earlier one and no kind can be taken for
//! another.

use thiserror::Error;

use crate::codec::{self, DecodeError, Wire};
use crate::crypto::{Scheme, SecretKey};
use crate::ids::Locator;
use crate::time::{CLOCK_SKEW_MAX, Time};

use super::record::{Record, RecordError, Slot, Terms};

/// A kind of statement.
pub(super) trait Plain: Wire {
    /// Its slot under every key.
    const SLOT: Slot;

    /// Whether it is within its bounds and may stand under `locator`.
    fn check(&self, locator: Locator) -> Result<(), PlainError>;
}

/// Why a record is not the statement that was looked for, or none can be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlainError {
    /// It stands under another key or in another slot, or speaks of another key than it stands under.
    #[error("under another key, or of another kind")]
    Elsewhere,
    /// Its time is over, by more than a clock may be wrong.
    #[error("expired")]
    Expired,
    /// The record itself is not to be believed.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// What is signed is no such statement.
    #[error("malformed: {0}")]
    Malformed(#[from] DecodeError),
    /// What is said breaks a bound.
    #[error("out of bounds: {0}")]
    Bounds(&'static str),
}

/// Signs a statement with the key it stands under.
pub(super) fn sign<T: Plain>(
    scheme: &impl Scheme,
    secret: &SecretKey,
    said: &T,
    sequence: u64,
    expires: Time,
) -> Result<Record, PlainError> {
    said.check(secret.locator())?;
    let terms = Terms {
        slot: T::SLOT,
        sequence,
        expires,
        payload: codec::encode(said),
    };
    Ok(Record::sign(scheme, secret, terms)?)
}

/// Reads what stands under a key, checking the cheapest first.
pub(super) fn open<T: Plain>(
    scheme: &impl Scheme,
    locator: Locator,
    record: &Record,
    now: Time,
) -> Result<T, PlainError> {
    if record.locator() != locator || record.slot() != T::SLOT {
        return Err(PlainError::Elsewhere);
    }
    if record.expires() + CLOCK_SKEW_MAX <= now {
        return Err(PlainError::Expired);
    }
    let said: T = codec::decode(record.payload())?;
    said.check(locator)?;
    record.verify(scheme)?;
    Ok(said)
}
