//! What the failure of a transfer means to whoever asked for it.

use kith_core::data::head::Head;
use kith_core::ids::BlobHash;

use super::reach;
use crate::content::GetError;
use crate::error::Error;
use crate::routing::Refused;

/// Says whose fault it was, by name. To somebody `known` what was there is gone; to strangers it has never been.
pub(super) fn explain(error: GetError, name: &str, known: bool) -> Error {
    match error {
        GetError::NotFound => missing(name),
        GetError::Gone if !known => missing(name),
        GetError::Gone => Error::NotAllowed(format!(
            "{name} shares this no longer, or not with you any more; what arrived is kept until you delete it"
        )),
        GetError::Connection(source) => match source.downcast::<Error>() {
            Ok(error) => error,
            Err(source) => Error::stream(name, &reach::protocol(), source),
        },
        other => Error::Get {
            name: name.to_owned(),
            error: other,
        },
    }
}

/// There is no such share, as far as we are to know.
pub(super) fn missing(name: &str) -> Error {
    Error::UnknownShare(name.to_owned())
}

/// Whether trying again later may help: nobody was there, the connection was lost, or a disk may be plugged in.
pub(super) fn is_passing(error: &Error) -> bool {
    use kith_core::routing::UnreachableReason::{GivenUp, NotAContact, NothingShared};
    match error {
        Error::Unreachable { reason, .. } => {
            !matches!(reason, GivenUp | NotAContact | NothingShared)
        }
        Error::Refused { refused, .. } => matches!(refused, Refused::Busy),
        Error::Get { error, .. } => matches!(
            error,
            GetError::Stalled | GetError::Incomplete | GetError::Absent
        ),
        Error::Io { .. } => true,
        _ => false,
    }
}

/// The version of which files are not what they were at who gives them, and who hashes them anew: a newer one is to be had instead, or will be.
pub(super) fn outdated(error: &Error) -> Option<BlobHash> {
    match error {
        Error::Get {
            error: GetError::Changed { version, .. },
            ..
        } => Some(*version),
        _ => None,
    }
}

/// Whether its owner is there, and its files are not.
pub(super) fn is_absent(error: &Error) -> bool {
    matches!(
        error,
        Error::Get {
            error: GetError::Absent,
            ..
        }
    )
}

/// What is told of a file that has changed when its owner did not come to look at it.
pub(super) fn unexamined(error: Error) -> Error {
    match error {
        Error::Get {
            name,
            error: GetError::Changed { path, .. },
        } => Error::Get {
            name,
            error: GetError::Unexamined(path),
        },
        other => other,
    }
}

/// Whether a provider has an older version than is known.
pub(super) fn is_older(error: &Error) -> bool {
    matches!(
        error,
        Error::Get {
            error: GetError::Older,
            ..
        }
    )
}

/// Several shares go by one name.
pub(super) fn several<'a>(heads: impl Iterator<Item = &'a Head>) -> Error {
    let ids: Vec<String> = heads.map(|head| head.share.to_string()).collect();
    Error::Usage(format!(
        "several shares have this name; say which by its id: {}",
        ids.join(" ")
    ))
}

/// Whether it is this node's own fault, or what it wants is not there, so that another provider is of no help.
pub(super) fn is_local(error: &Error) -> bool {
    match error {
        Error::Get { error, .. } => matches!(
            error,
            GetError::NothingMatches
                | GetError::TargetExists(_)
                | GetError::Busy(_)
                | GetError::DiskFull
                | GetError::Disk { .. }
                | GetError::Tree(_)
                | GetError::Repeated(_)
        ),
        Error::Usage(_) | Error::Closed => true,
        _ => false,
    }
}
