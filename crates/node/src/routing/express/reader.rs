//! The half of a lane that receives.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use iroh::endpoint::{RecvStream, VarInt};
use kith_core::routing::datagram::Flow;
use tokio::io::{AsyncRead, ReadBuf, ReadHalf};
use tokio_rustls::TlsStream;
use tokio_util::io::poll_read_buf;

use super::leash::{RECEIVED, Shared};
use super::socket::Socket;
use crate::routing::end::StreamError;

/// The most bytes that are read at once: sixteen records of TLS.
const CHUNK_BYTES_MAX: usize = 256 * 1024;

/// The least room worth reading into: one record of TLS.
const ROOM_BYTES_MIN: usize = 16 * 1024;

/// The half that receives.
#[derive(Debug)]
pub(in crate::routing) struct LaneReader {
    tls: ReadHalf<TlsStream<Socket>>,
    /// `None` until it is handed in, and once the other side has ended it in order.
    leash: Option<RecvStream>,
    buffer: BytesMut,
    at_end: bool,
    flow: Flow,
    shared: Arc<Shared>,
}

impl LaneReader {
    /// Reads from `tls`.
    pub(super) fn new(tls: ReadHalf<TlsStream<Socket>>, shared: Arc<Shared>, flow: Flow) -> Self {
        Self {
            tls,
            leash: None,
            buffer: BytesMut::new(),
            at_end: false,
            flow,
            shared,
        }
    }

    /// Goes on the leash of this stream.
    pub(in crate::routing) fn take_leash(&mut self, leash: RecvStream) {
        self.leash = Some(leash);
    }

    pub(in crate::routing) fn flow(&self) -> Flow {
        self.flow
    }

    /// The next bytes, at most `bytes_max`; `None` at the end.
    pub(in crate::routing) async fn read_chunk(
        &mut self,
        bytes_max: usize,
    ) -> Result<Option<Bytes>, StreamError> {
        if self.buffer.is_empty() {
            std::future::poll_fn(|cx| self.poll_fill(cx)).await?;
        }
        let count = self.buffer.len().min(bytes_max);
        let chunk = self.buffer.split_to(count).freeze();
        Ok((!chunk.is_empty()).then_some(chunk))
    }

    /// Fills the empty buffer with what is there, once there is something; it stays empty at the end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        let mut buffer = std::mem::take(&mut self.buffer);
        if buffer.capacity() < ROOM_BYTES_MIN {
            buffer = BytesMut::with_capacity(CHUNK_BYTES_MAX);
        }
        let filled = loop {
            match poll_read_buf(Pin::new(&mut Incoming(self)), cx, &mut buffer) {
                Poll::Ready(Ok(1..)) if buffer.capacity() - buffer.len() >= ROOM_BYTES_MIN => {}
                Poll::Ready(Ok(_)) => break Poll::Ready(Ok(())),
                Poll::Ready(Err(error)) => break Poll::Ready(Err(stream_error(error))),
                Poll::Pending if buffer.is_empty() => break Poll::Pending,
                Poll::Pending => break Poll::Ready(Ok(())),
            }
        };
        self.buffer = buffer;
        filled
    }

    /// Reads what is there, as far as it has space: TLS itself gives one record at a time.
    pub(in crate::routing) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.buffer.is_empty() {
            let before = space.filled().len();
            loop {
                let reached = space.filled().len();
                let read = Pin::new(&mut Incoming(self)).poll_read(cx, space);
                match read {
                    Poll::Ready(Ok(()))
                        if space.filled().len() > reached
                            && space.remaining() >= ROOM_BYTES_MIN => {}
                    // What follows is waited for by whoever comes next, who is told of an end too: it stays one.
                    Poll::Ready(Err(_)) | Poll::Pending if reached > before => {
                        return Poll::Ready(Ok(()));
                    }
                    read => return read,
                }
            }
        }
        let count = self.buffer.len().min(space.remaining());
        space.put_slice(&self.buffer.split_to(count));
        Poll::Ready(Ok(()))
    }

    /// Tells the other side to send no more.
    pub(in crate::routing) fn stop(&mut self, code: u32) {
        if let Some(leash) = &mut self.leash {
            // Fails only for a stream that is over.
            let _ = leash.stop(VarInt::from_u32(code));
        }
    }

    /// Whether the other side has given it up, or broken the rules.
    fn poll_leash(&mut self, cx: &mut Context<'_>) -> Poll<StreamError> {
        let Some(leash) = &mut self.leash else {
            return Poll::Pending;
        };
        match ready!(leash.poll_read(cx, &mut [0])) {
            Ok(0) => {
                self.leash = None;
                Poll::Pending
            }
            Ok(_) => Poll::Ready(StreamError::LaneBroken("bytes beside the lane".to_owned())),
            Err(error) => Poll::Ready(error.into()),
        }
    }
}

/// The bytes as they come out of TLS, with the ends that the leash tells.
struct Incoming<'a>(&'a mut LaneReader);

impl AsyncRead for Incoming<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let reader = &mut *self.0;
        if reader.at_end || space.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        if reader.shared.over.is_cancelled() {
            return Poll::Ready(Err(io::Error::other(StreamError::from(
                reader.shared.outcome(),
            ))));
        }
        let before = space.filled().len();
        match Pin::new(&mut reader.tls).poll_read(cx, space) {
            Poll::Ready(Ok(())) => {
                if space.filled().len() == before {
                    reader.at_end = true;
                    reader.stop(RECEIVED);
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => {
                let error = match (reader.shared.end(), reader.poll_leash(cx)) {
                    (Some(ended), _) => StreamError::Ended(ended),
                    (None, Poll::Ready(told)) => told,
                    (None, Poll::Pending) => StreamError::LaneBroken(error.to_string()),
                };
                Poll::Ready(Err(io::Error::other(error)))
            }
            Poll::Pending => reader
                .poll_leash(cx)
                .map(|error| Err(io::Error::other(error))),
        }
    }
}

/// The error within an I/O error.
fn stream_error(error: io::Error) -> StreamError {
    match error.downcast() {
        Ok(error) => error,
        Err(error) => StreamError::LaneBroken(error.to_string()),
    }
}
