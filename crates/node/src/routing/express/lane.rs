//! A lane as the two halves of a stream.
//!
//! The stream on which it was asked for becomes its *leash*: nothing more is sent on it, and each of its directions tells how
//! that direction of the lane ended. A writer that gives up resets it; a reader that has all, or wants no more, stops it.
//! So a lane ends as a QUIC stream does, and it ends with the session, or when the session loses the path to its address.
//!
//! What is written goes through a queue to a task of its own, which ciphers and sends: it is on its way without a flush, and
//! making the next piece overlaps with sending this one.

use std::sync::Arc;

use iroh::endpoint::{Connection as EngineConnection, SendStream};
use kith_core::routing::datagram::Flow;
use tokio::sync::oneshot;
use tokio_rustls::{TlsStream, client, server};

use super::leash::{Held, Shared};
use super::reader::LaneReader;
use super::socket::{Door, Socket};
use super::writer::{LaneWriter, PIECE_BYTES_MAX};

/// A lane that stands and is nobody's yet.
#[derive(Debug)]
pub struct Lane {
    tls: TlsStream<Socket>,
    door: Option<Door>,
    held: Option<Held>,
}

impl Lane {
    /// A lane that this side dialled.
    pub(super) fn dialled(mut stream: client::TlsStream<Socket>) -> Self {
        let (socket, tls) = stream.get_mut();
        tls.set_buffer_limit(Some(PIECE_BYTES_MAX));
        let door = socket.open_up();
        Self::new(stream.into(), door)
    }

    /// A lane that the other side dialled.
    pub(super) fn taken(mut stream: server::TlsStream<Socket>) -> Self {
        let (socket, tls) = stream.get_mut();
        tls.set_buffer_limit(Some(PIECE_BYTES_MAX));
        let door = socket.open_up();
        Self::new(stream.into(), door)
    }

    fn new(tls: TlsStream<Socket>, door: Option<Door>) -> Self {
        let held = None;
        Self { tls, door, held }
    }

    /// Keeps something for as long as the lane lives.
    pub(super) fn hold(&mut self, held: impl Send + Sync + 'static) {
        self.held = Some(Held(Box::new(held)));
    }

    /// Makes halves of it, on the leash of a stream of `engine`'s, which is handed in later.
    pub(in crate::routing) fn split(
        self,
        engine: &EngineConnection,
        flow: Flow,
    ) -> (LaneWriter, oneshot::Sender<SendStream>, LaneReader) {
        let shared = Arc::new(Shared::new(engine, self.door, self.held));
        let (read, write) = tokio::io::split(self.tls);
        let (writer, writer_leash) = LaneWriter::start(write, Arc::clone(&shared), flow);
        let reader = LaneReader::new(read, shared, flow);
        (writer, writer_leash, reader)
    }
}
