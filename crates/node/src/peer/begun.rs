//! A connection at its very beginning.

use crate::routing::{Connection, ReceiveHalf, SendHalf};

/// The two halves of a connection's first stream.
pub(super) type ControlStream = (SendHalf, ReceiveHalf);

/// A connection that this side dialled. Its first stream is the control stream, opened before anybody can open another.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) connection: Connection,
    pub(super) control: ControlStream,
}

impl Begun {
    /// Opens the control stream; `None` when the connection is over already.
    pub(super) async fn on(connection: Connection) -> Option<Self> {
        let control = connection.open_stream().await.ok()?;
        Some(Self {
            connection,
            control,
        })
    }
}
