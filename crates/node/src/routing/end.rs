//! How connections and their streams end.

use std::io;

use iroh::endpoint::{ConnectionError, ReadError, WriteError};
use kith_core::codec::DecodeError;
use thiserror::Error;

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// This side closed it.
    Here,
    /// The other side closed it.
    There {
        /// The code it gave.
        code: u64,
        /// The reason it gave, for people; whatever it says, at most a packet of it.
        reason: String,
    },
    /// No path answered any more.
    Lost,
    /// QUIC itself gave up: the other side restarted, or broke the protocol.
    Broken(String),
}

/// The connection is over.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the connection has ended: {0:?}")]
pub struct ConnectionEnded(pub Ended);

/// The reset code of a send half that was dropped unfinished, and the stop code of a receive half dropped unread.
pub const ABANDONED: u32 = 0;

/// The reset and stop code of a stream that was left unread while others waited for its place.
pub const LEFT_UNREAD: u32 = 1;

/// Why a stream can be read or written no further.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The other side has reset its send half, or wants no more of ours.
    #[error("the other side gave the stream up (code {0})")]
    GivenUp(u64),
    /// The connection is over.
    #[error("the connection has ended: {0:?}")]
    Ended(Ended),
    /// This side has finished or reset it.
    #[error("the stream is closed on this side")]
    Closed,
    /// The other side finished in the middle of something.
    #[error("the stream ends in the middle of a frame")]
    CutShort,
    /// The express lane that carried it is gone; the session may still stand.
    #[error("the express lane broke: {0}")]
    LaneBroken(String),
    /// A frame announces more than it may hold.
    #[error(transparent)]
    Frame(#[from] DecodeError),
}

/// The engine's reason in this room's words.
pub(super) fn ended(error: ConnectionError) -> ConnectionEnded {
    ConnectionEnded(match error {
        ConnectionError::LocallyClosed => Ended::Here,
        ConnectionError::ApplicationClosed(close) => Ended::There {
            code: close.error_code.into_inner(),
            reason: String::from_utf8_lossy(&close.reason).into_owned(),
        },
        ConnectionError::TimedOut => Ended::Lost,
        other => Ended::Broken(other.to_string()),
    })
}

/// Whether a stream failed because its connection is over.
pub(crate) fn is_connection_over(error: &io::Error) -> bool {
    let source = error.get_ref().and_then(|it| it.downcast_ref());
    match source {
        Some(StreamError::Ended(_)) => true,
        Some(_) => false,
        None => error.kind() == io::ErrorKind::NotConnected,
    }
}

/// Whether a write failed because the other side wants no more.
pub(crate) fn is_given_up(error: &io::Error) -> bool {
    let source = error.get_ref().and_then(|it| it.downcast_ref());
    match source {
        Some(StreamError::GivenUp(_)) => true,
        Some(_) => false,
        None => error.kind() == io::ErrorKind::ConnectionReset,
    }
}

impl From<WriteError> for StreamError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Stopped(code) => Self::GivenUp(code.into_inner()),
            WriteError::ConnectionLost(error) => Self::Ended(ended(error).0),
            _ => Self::Closed,
        }
    }
}

impl From<ReadError> for StreamError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Reset(code) => Self::GivenUp(code.into_inner()),
            ReadError::ConnectionLost(error) => Self::Ended(ended(error).0),
            _ => Self::Closed,
        }
    }
}
