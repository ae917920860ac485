//! How connections end.

use iroh::endpoint::ConnectionError;
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
