//! Why a transfer did not end well: the provider's fault, the disk's, or the network's, each by its name.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use kith_core::data::head::HeadError;
use kith_core::data::repeats::Repeated;
use kith_core::data::walk::WalkError;
use kith_core::ids::BlobHash;
use thiserror::Error;

use crate::data::disk::StagingError;

/// How long nothing at all may arrive: longer than any change of path, shorter than anybody waits before giving up.
pub(super) const STALL_MAX: Duration = Duration::from_secs(60);

/// How long it is waited for others where those who give have nothing more of what is wanted: whoever is there has been found and asked by then.
pub(super) const SPENT_MAX: Duration = Duration::from_secs(10);

/// What the last words advise where a version is not offered any more: a program may add how that is done with it.
pub const NEWEST: &str = "get the newest";

/// What they advise where a target exists.
pub const ELSEWHERE: &str = "choose another folder";

/// What they advise where it was not waited for long enough.
pub const LONGER: &str = "wait longer";

/// Why a transfer did not end well. Nothing that is not whole appeared under a final name then.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GetError {
    /// No such share or path, or not for us.
    #[error("there is no such share, or it is not for you")]
    NotFound,
    /// No file of it is among those that are wanted.
    #[error("no file there matches what is wanted")]
    NothingMatches,
    /// It was ours to have, and is not any more.
    #[error("the share is gone, or not for you any more")]
    Gone,
    /// It is not offered in the version asked for: unknown, too long ago, or some of its files are not what they were.
    #[error("the share is not offered in this version any more, or not whole; {NEWEST}")]
    Version,
    /// The provider has an older version than is known; others may have that.
    #[error(
        "the provider has an older version of it than its owner; get it again when they are there"
    )]
    Older,
    /// A file changed at the provider.
    #[error("{path} has changed at its owner meanwhile; get it again")]
    Changed {
        /// Which.
        path: String,
        /// The manifest of the version that it was of.
        version: BlobHash,
    },
    /// A file changed at its owner, who does not come to say what is there now.
    #[error(
        "{0} has changed at its owner, who has still not looked at it anew; what arrived is kept: get it again later, or {LONGER}"
    )]
    Unexamined(String),
    /// Its owner says that it is not there now, and nobody else has it.
    #[error(
        "its files are not where their owner shares them from: the folder was moved or removed, cannot be read, or its disk is not plugged in; \
         tell them, or {LONGER}"
    )]
    Absent,
    /// Bytes did not verify: the provider's fault.
    #[error("what came for {0} does not match its hash; nothing of it was kept")]
    Corrupt(String),
    /// It sent wrong bytes before, and nothing is asked of it for now.
    #[error(
        "the provider has sent what does not match its hash; nothing is asked of it for a day, and others who have it are welcome"
    )]
    Distrusted,
    /// The head is not to be trusted: the provider's fault.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The tree cannot be written safely: its owner's fault.
    #[error(transparent)]
    Tree(#[from] WalkError),
    /// Too much would be made of little: its owner's fault.
    #[error(transparent)]
    Repeated(#[from] Repeated),
    /// There is something else under the target's name, or in the target where a file of it is to be.
    #[error("{0} exists already and is something else; move it away, or {ELSEWHERE}")]
    TargetExists(PathBuf),
    /// The same is being fetched there already.
    #[error("the same is being fetched to {0} already")]
    Busy(PathBuf),
    /// No room left; what arrived is kept for the next run.
    #[error("the disk is full; make room and get it again, what arrived is kept")]
    DiskFull,
    /// The disk said something else.
    #[error("cannot write {path}: {error}")]
    Disk {
        /// What.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// The stream broke; what arrived is kept for the next run.
    #[error("the connection ended: {0}")]
    Connection(#[source] io::Error),
    /// Nothing came for a minute; what arrived is kept for the next run.
    #[error("nothing has arrived for {} seconds", STALL_MAX.as_secs())]
    Stalled,
    /// Those who are there have some of it, and no more; what arrived is kept for the next run.
    #[error(
        "those who are there have only some of it; what arrived is kept, and goes on when somebody has the rest"
    )]
    Incomplete,
    /// More transfers run than are good for any of them.
    #[error("too many transfers run already; try again when one of them is done")]
    TooMany,
    /// The provider does not keep to the protocol.
    #[error("the provider sent {0}")]
    Protocol(&'static str),
}

impl GetError {
    /// What the staging folder says of a path.
    pub(super) fn staging(error: StagingError, path: &str) -> Self {
        match error {
            StagingError::Busy(target) => Self::Busy(target),
            StagingError::TargetExists(target) => Self::TargetExists(target),
            StagingError::DiskFull => Self::DiskFull,
            StagingError::Mismatch => Self::Corrupt(path.to_owned()),
            StagingError::Io(error) => Self::Disk {
                path: path.to_owned(),
                error,
            },
        }
    }
}
