//! What went wrong with an operation of a [`Node`](crate::Node), in words a person can act on.

use std::io;

use kith_core::identity::petname::NameError;
use kith_core::identity::{AcceptError as AcceptInviteError, BookError, FindError, InviteError};
use kith_core::ids::PeerId;
use kith_core::peer::CompareError;
use kith_core::protocol::ProtocolName;
use kith_core::routing::UnreachableReason;
use kith_core::text::TextError;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::content::{GetError, PreviewError, PriorityError, ReadError, ShareError};
use crate::routing::{AcceptError, Refused};

/// What kind of failure it is: what a program does about it, and the exit code of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// Something went wrong here.
    Failed,
    /// What was asked for makes no sense.
    Usage,
    /// It is not there, or cannot be reached. Whoever is not allowed to know gets this too.
    NotFound,
    /// The other side does not allow it, or no longer.
    NotAllowed,
    /// What arrived is not what was promised.
    NotVerified,
}

/// Why an operation failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Nobody in the address book goes by this.
    #[error("there is no contact {0:?}")]
    UnknownContact(String),
    /// Whoever is called so shares nothing of this name, as far as we are to know.
    #[error("{0} has no such share, or not for you")]
    UnknownShare(String),
    /// This node has no such share or copy.
    #[error("there is no such share here")]
    UnknownOwnShare,
    /// There is no transfer of this number.
    #[error("there is no transfer {0}")]
    UnknownTransfer(u64),
    /// They could not be reached.
    #[error("cannot reach {name}: {}", reach_advice(*.reason))]
    Unreachable {
        /// Whom, as the caller named them.
        name: String,
        /// Why.
        reason: UnreachableReason,
    },
    /// They would not speak it.
    #[error("{name} was reached, but {refused} ({protocol})")]
    Refused {
        /// Who.
        name: String,
        /// The protocol asked for.
        protocol: ProtocolName,
        /// Why.
        refused: Refused,
    },
    /// No protocol name, or too many of them.
    #[error("offer between 1 and 16 protocols")]
    Offers,
    /// The protocol is taken.
    #[error(transparent)]
    Accept(#[from] AcceptError),
    /// A text that should be an invite, link, key or introducer.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The address book refused.
    #[error(transparent)]
    Book(#[from] BookError),
    /// No invite could be made.
    #[error(transparent)]
    Invite(#[from] InviteError),
    /// An invite could not be accepted.
    #[error(transparent)]
    AcceptInvite(#[from] AcceptInviteError),
    /// The maker of an invite answered, and does not take it.
    #[error(
        "{name} does not take this invite: it is used up, withdrawn, over by their clock, or not theirs. Nobody was added; ask for a new one"
    )]
    InviteRefused {
        /// What they were to be called.
        name: String,
    },
    /// Safety words could not be compared.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// Nobody goes by this.
    #[error(transparent)]
    Find(#[from] FindError),
    /// A name that cannot be one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Something could not be shared, or taken back.
    #[error(transparent)]
    Share(#[from] ShareError),
    /// Something could not be fetched.
    #[error("cannot get it from {name}: {error}")]
    Get {
        /// From whom.
        name: String,
        /// Why.
        #[source]
        error: GetError,
    },
    /// A file could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A picture has no preview.
    #[error(transparent)]
    Preview(#[from] PreviewError),
    /// No priority that a file can have.
    #[error(transparent)]
    Priority(#[from] PriorityError),
    /// Something else that is not there.
    #[error("{0}")]
    NotFound(String),
    /// Not allowed by the other side.
    #[error("{0}")]
    NotAllowed(String),
    /// What arrived does not match its hash.
    #[error("{0}")]
    NotVerified(String),
    /// A request that makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The connection broke, or a file could not be read or written.
    #[error("{context}: {source}")]
    Io {
        /// What was being done.
        context: String,
        /// What the system said.
        source: io::Error,
    },
    /// The node is shutting down.
    #[error("the node is shutting down")]
    Closed,
}

impl Error {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Find(FindError::Text(_)) => ErrorKind::Usage,
            Self::Book(BookError::NotAContact(_)) => ErrorKind::NotFound,
            Self::Compare(CompareError::NoSession)
            | Self::UnknownContact(_)
            | Self::UnknownShare(_)
            | Self::UnknownOwnShare
            | Self::UnknownTransfer(_)
            | Self::Unreachable { .. }
            | Self::InviteRefused { .. }
            | Self::NotFound(_)
            | Self::Find(_) => ErrorKind::NotFound,
            Self::Refused { refused, .. } => match refused {
                Refused::NotAllowed => ErrorKind::NotAllowed,
                Refused::Unsupported => ErrorKind::NotFound,
                Refused::Busy => ErrorKind::Failed,
            },
            Self::Share(ShareError::Unknown) => ErrorKind::NotFound,
            Self::Share(ShareError::Nothing | ShareError::Name(_)) => ErrorKind::Usage,
            Self::Get { error, .. } => kind_of_get(error),
            Self::Read(error) => kind_of_read(error),
            Self::Preview(error) => kind_of_preview(error),
            Self::NotAllowed(_)
            | Self::Book(BookError::Blocked(_) | BookError::NothingShared(_)) => {
                ErrorKind::NotAllowed
            }
            Self::NotVerified(_) => ErrorKind::NotVerified,
            Self::Usage(_)
            | Self::Offers
            | Self::Priority(_)
            | Self::Text(_)
            | Self::Name(_)
            | Self::Book(BookError::Name(_) | BookError::NameTaken(_) | BookError::NoteTooLong)
            | Self::AcceptInvite(AcceptInviteError::Name(_) | AcceptInviteError::NameTaken(_))
            | Self::Invite(InviteError::Life) => ErrorKind::Usage,
            Self::Accept(_)
            | Self::Book(_)
            | Self::Invite(_)
            | Self::Compare(_)
            | Self::AcceptInvite(_)
            | Self::Share(_)
            | Self::Io { .. }
            | Self::Closed => ErrorKind::Failed,
        }
    }

    /// Whether something was not fetched because something else lies where it should go.
    pub fn is_in_the_way(&self) -> bool {
        matches!(
            self,
            Self::Get {
                error: GetError::TargetExists(_),
                ..
            }
        )
    }

    /// Whether what somebody was to be called is what is wrong: it is no name, or another contact has it.
    pub fn is_about_name(&self) -> bool {
        matches!(
            self,
            Self::Name(_)
                | Self::Book(BookError::Name(_) | BookError::NameTaken(_))
                | Self::AcceptInvite(AcceptInviteError::Name(_) | AcceptInviteError::NameTaken(_))
        )
    }

    /// An I/O error met while doing something.
    pub fn io(context: impl Into<String>, source: io::Error) -> Self {
        Self::Io {
            context: context.into(),
            source,
        }
    }

    /// An error of a stream to `name`: a refusal where the other side refused, an I/O error otherwise.
    pub fn stream(name: &str, protocol: &ProtocolName, source: io::Error) -> Self {
        match source
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Refused>())
        {
            Some(refused) => Self::Refused {
                name: name.to_owned(),
                protocol: protocol.clone(),
                refused: *refused,
            },
            None => Self::io(format!("the stream to {name} broke"), source),
        }
    }

    /// Nobody of that name.
    pub(crate) fn unreachable(peer: PeerId, name: Option<&str>, reason: UnreachableReason) -> Self {
        Self::Unreachable {
            name: name.map_or_else(|| peer.to_string(), str::to_owned),
            reason,
        }
    }
}

/// What kind of failure a transfer's is.
fn kind_of_get(error: &GetError) -> ErrorKind {
    match error {
        GetError::NotFound
        | GetError::NothingMatches
        | GetError::Version
        | GetError::Older
        | GetError::Absent => ErrorKind::NotFound,
        GetError::Gone => ErrorKind::NotAllowed,
        GetError::Corrupt(_)
        | GetError::Distrusted
        | GetError::Head(_)
        | GetError::Tree(_)
        | GetError::Repeated(_) => ErrorKind::NotVerified,
        GetError::Changed { .. }
        | GetError::Unexamined(_)
        | GetError::TargetExists(_)
        | GetError::Busy(_)
        | GetError::DiskFull
        | GetError::Disk { .. }
        | GetError::Connection(_)
        | GetError::Stalled
        | GetError::Incomplete
        | GetError::TooMany
        | GetError::Protocol(_) => ErrorKind::Failed,
    }
}

/// What kind of failure a file's is that was to be read.
fn kind_of_read(error: &ReadError) -> ErrorKind {
    match error {
        ReadError::NotFound | ReadError::Away(_) => ErrorKind::NotFound,
        ReadError::NotAllowed(_) => ErrorKind::NotAllowed,
        ReadError::NotVerified(_) => ErrorKind::NotVerified,
        _ => ErrorKind::Failed,
    }
}

/// What kind of failure a preview's is.
fn kind_of_preview(error: &PreviewError) -> ErrorKind {
    match error {
        PreviewError::Refused(_) | PreviewError::NotFound | PreviewError::Away(_) => {
            ErrorKind::NotFound
        }
        PreviewError::NotAllowed(_) => ErrorKind::NotAllowed,
        PreviewError::NotVerified => ErrorKind::NotVerified,
        PreviewError::Failed(_) => ErrorKind::Failed,
    }
}

/// What a reason means, and what to do.
pub fn reach_advice(reason: UnreachableReason) -> &'static str {
    match reason {
        UnreachableReason::Busy => "too many attempts are under way; try again in a moment",
        UnreachableReason::GivenUp => {
            "the attempt was given up: they were blocked or removed meanwhile"
        }
        UnreachableReason::NoRoute => {
            "nobody knows where they are now; are they online, and do you share a network or an introducer?"
        }
        UnreachableReason::NoAnswer => "no answer where they were last seen; they may be offline",
        UnreachableReason::Dropped => "their device answered and then fell silent; try again",
        UnreachableReason::Unproven => {
            "a device answers that does not prove to be theirs; is the clock right, here and there?"
        }
        UnreachableReason::NotThem => {
            "somebody else's device answers where they should be; ask them for a new invite"
        }
        UnreachableReason::NotAContact => {
            "they do not have you as a contact (any more); ask them for a new invite"
        }
        UnreachableReason::NothingShared => {
            "nothing is shared with them since you blocked them; one of you needs a new invite from the other"
        }
    }
}

#[cfg(test)]
mod tests {
    use kith_core::data::head::HeadError;
    use kith_core::data::path::PathError;
    use kith_core::data::repeats::Repeated;
    use kith_core::data::walk::WalkError;
    use kith_core::ids::BlobHash;

    use super::*;

    #[test]
    fn each_failure_of_a_transfer_is_of_its_kind() {
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        let escape = WalkError::Path {
            path: "..".to_owned(),
            error: PathError::Dots,
        };
        for (error, kind) in [
            (GetError::NotFound, ErrorKind::NotFound),
            (GetError::NothingMatches, ErrorKind::NotFound),
            (GetError::Version, ErrorKind::NotFound),
            (GetError::Older, ErrorKind::NotFound),
            (GetError::Absent, ErrorKind::NotFound),
            (GetError::Gone, ErrorKind::NotAllowed),
            (GetError::Corrupt("a".to_owned()), ErrorKind::NotVerified),
            (GetError::Distrusted, ErrorKind::NotVerified),
            (HeadError::OtherShare.into(), ErrorKind::NotVerified),
            (escape.into(), ErrorKind::NotVerified),
            (Repeated.into(), ErrorKind::NotVerified),
            (
                GetError::Changed {
                    path: "a".to_owned(),
                    version: BlobHash([1; 32]),
                },
                ErrorKind::Failed,
            ),
            (GetError::Unexamined("a".to_owned()), ErrorKind::Failed),
            (GetError::TargetExists("a".into()), ErrorKind::Failed),
            (GetError::Busy("a".into()), ErrorKind::Failed),
            (GetError::DiskFull, ErrorKind::Failed),
            (
                GetError::Disk {
                    path: "a".to_owned(),
                    error: broken(),
                },
                ErrorKind::Failed,
            ),
            (GetError::Connection(broken()), ErrorKind::Failed),
            (GetError::Stalled, ErrorKind::Failed),
            (GetError::Incomplete, ErrorKind::Failed),
            (GetError::TooMany, ErrorKind::Failed),
            (GetError::Protocol("nonsense"), ErrorKind::Failed),
        ] {
            let told = error.to_string();
            let error = Error::Get {
                name: "ann".to_owned(),
                error,
            };
            assert_eq!(error.kind(), kind, "{told}");
        }
    }
}
