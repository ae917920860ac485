//! The two halves of a stream, and the frames messages travel in.
//!
//! Each half ends on its own. A send half that is dropped before [`SendHalf::finish`] is *reset*: a task that fails
//! half-way must not look like one that was done.
//!
//! A half is carried by QUIC, or by an express lane; whoever uses it need not know which.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::Either;
use iroh::endpoint::{Connection as EngineConnection, RecvStream, SendStream, StreamId, VarInt};
use kith_core::codec::{self, DecodeError, FRAME_HEADER_BYTES};
use kith_core::routing::datagram::Flow;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::end::ended;
pub use super::end::{ABANDONED, LEFT_UNREAD, StreamError};
use super::express::lane::Lane;
use super::express::reader::LaneReader;
use super::express::writer::LaneWriter;

/// The half of a stream that sends.
#[derive(Debug)]
pub struct SendHalf {
    by: SendBy,
    finished: bool,
}

/// What carries a half that sends.
#[derive(Debug)]
enum SendBy {
    Quic(SendStream),
    Lane(LaneWriter),
}

/// The half of a stream that receives. Dropped unread, it tells the sender to stop.
#[derive(Debug)]
pub struct ReceiveHalf(ReceiveBy);

/// What carries a half that receives.
#[derive(Debug)]
enum ReceiveBy {
    Quic(RecvStream),
    Lane(Box<LaneReader>),
}

impl SendHalf {
    pub(super) fn new(stream: SendStream) -> Self {
        Self {
            by: SendBy::Quic(stream),
            finished: false,
        }
    }

    /// Has a lane carry this stream from here on; `receive` is its other half, and `engine` its connection. One that a lane
    /// carries already stays there.
    pub(super) fn take_lane(
        &mut self,
        receive: &mut ReceiveHalf,
        lane: Lane,
        engine: &EngineConnection,
    ) {
        let (SendBy::Quic(_), ReceiveBy::Quic(_)) = (&self.by, &receive.0) else {
            return;
        };
        let (writer, writer_leash, reader) = lane.split(engine, self.flow());
        if let SendBy::Quic(stream) = std::mem::replace(&mut self.by, SendBy::Lane(writer)) {
            // Fails only when the runtime is gone.
            let _ = writer_leash.send(stream);
        }
        let before = std::mem::replace(&mut receive.0, ReceiveBy::Lane(Box::new(reader)));
        if let (ReceiveBy::Quic(leash), ReceiveBy::Lane(reader)) = (before, &mut receive.0) {
            reader.take_leash(leash);
        }
    }

    /// The stream's number, the same on both sides and unique in its connection.
    pub fn flow(&self) -> Flow {
        match &self.by {
            SendBy::Quic(stream) => flow_of(stream.id()),
            SendBy::Lane(writer) => writer.flow(),
        }
    }

    /// Sends all of `data`, without copying it. Waits while the other side reads no further.
    ///
    /// # Errors
    /// [`StreamError`] when the other side has stopped it or the connection is over.
    pub async fn write_chunk(&mut self, data: Bytes) -> Result<(), StreamError> {
        match &mut self.by {
            SendBy::Quic(stream) => Ok(stream.write_chunk(data).await?),
            SendBy::Lane(writer) => writer.write_chunk(data).await,
        }
    }

    /// Sends as much of `chunks` as there is room for, at least one byte, and leaves the rest. Nothing is sent when this is
    /// dropped before its end.
    ///
    /// # Errors
    /// As [`Self::write_chunk`].
    pub async fn write_some(&mut self, chunks: &mut &mut [Bytes]) -> Result<(), StreamError> {
        match &mut self.by {
            SendBy::Quic(stream) => {
                stream.write_many_chunks(chunks).await?;
                Ok(())
            }
            SendBy::Lane(writer) => writer.write_some(chunks).await,
        }
    }

    /// Sends all of `data`.
    ///
    /// # Errors
    /// As [`Self::write_chunk`].
    pub async fn write_all(&mut self, data: &[u8]) -> Result<(), StreamError> {
        match &mut self.by {
            SendBy::Quic(stream) => Ok(stream.write_all(data).await?),
            SendBy::Lane(writer) => writer.write_chunk(Bytes::copy_from_slice(data)).await,
        }
    }

    /// Sends `body` as one frame.
    ///
    /// # Errors
    /// As [`Self::write_chunk`].
    pub async fn write_frame(&mut self, body: &[u8]) -> Result<(), StreamError> {
        self.write_chunk(codec::frame(body).into()).await
    }

    /// Says that nothing more follows. What was written is still delivered.
    ///
    /// # Errors
    /// [`StreamError::Closed`] when it has been finished or reset before.
    pub fn finish(&mut self) -> Result<(), StreamError> {
        self.finished = true;
        match &mut self.by {
            SendBy::Quic(stream) => stream.finish().map_err(|_| StreamError::Closed),
            SendBy::Lane(writer) => writer.finish(),
        }
    }

    /// Gives the stream up: what is not delivered yet need not be.
    pub fn reset(&mut self, code: u32) {
        self.finished = true;
        match &mut self.by {
            SendBy::Quic(stream) => {
                // Fails only for a stream that is over.
                let _ = stream.reset(VarInt::from_u32(code));
            }
            SendBy::Lane(writer) => writer.reset(code),
        }
    }

    /// Whether it was finished or reset.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Waits until the other side has received all of a finished stream, or wants no more of one that is not finished.
    /// The future is apart from the stream, so that it can be waited for while writing.
    ///
    /// # Errors
    /// [`StreamError`] when it stopped reading or the connection ended first.
    pub fn delivered(&self) -> impl Future<Output = Result<(), StreamError>> + Send + use<> {
        let delivered = match &self.by {
            SendBy::Quic(stream) => Either::Left(stream.stopped()),
            SendBy::Lane(writer) => Either::Right(writer.delivered()),
        };
        async move {
            let stopped = match delivered {
                Either::Left(stopped) => stopped.await,
                Either::Right(delivered) => return delivered.await,
            };
            match stopped {
                Ok(None) => Ok(()),
                Ok(Some(code)) => Err(StreamError::GivenUp(code.into_inner())),
                Err(iroh::endpoint::StoppedError::ConnectionLost(error)) => {
                    Err(StreamError::Ended(ended(error).0))
                }
                Err(_) => Err(StreamError::Closed),
            }
        }
    }

    /// Which streams of the connection go first; 0 at the beginning, higher before lower, equal ones share. A lane is beside
    /// them all.
    pub fn set_priority(&self, priority: i32) {
        if let SendBy::Quic(stream) = &self.by {
            // Fails only for a stream that is over.
            let _ = stream.set_priority(priority);
        }
    }
}

impl Drop for SendHalf {
    fn drop(&mut self) {
        if !self.finished {
            self.reset(ABANDONED);
        }
    }
}

impl ReceiveHalf {
    pub(super) fn new(stream: RecvStream) -> Self {
        Self(ReceiveBy::Quic(stream))
    }

    /// The stream's number, the same on both sides and unique in its connection.
    pub fn flow(&self) -> Flow {
        match &self.0 {
            ReceiveBy::Quic(stream) => flow_of(stream.id()),
            ReceiveBy::Lane(reader) => reader.flow(),
        }
    }

    /// The next bytes, at most `bytes_max`, without copying them; `None` at the end.
    ///
    /// # Errors
    /// [`StreamError`] when the other side has reset it or the connection is over.
    pub async fn read_chunk(&mut self, bytes_max: usize) -> Result<Option<Bytes>, StreamError> {
        match &mut self.0 {
            ReceiveBy::Quic(stream) => Ok(stream.read_chunk(bytes_max).await?),
            ReceiveBy::Lane(reader) => reader.read_chunk(bytes_max).await,
        }
    }

    /// The next bytes, in as many pieces as have arrived and fit `chunks`, without copying them: how many there are;
    /// `None` at the end.
    ///
    /// # Errors
    /// As [`Self::read_chunk`].
    pub async fn read_chunks(
        &mut self,
        chunks: &mut [Bytes],
    ) -> Result<Option<usize>, StreamError> {
        let reader = match &mut self.0 {
            ReceiveBy::Quic(stream) => return Ok(stream.read_many_chunks(chunks).await?),
            ReceiveBy::Lane(reader) => reader,
        };
        let Some(first) = chunks.first_mut() else {
            return Ok(Some(0));
        };
        // All that has arrived is in one piece.
        let Some(chunk) = reader.read_chunk(usize::MAX).await? else {
            return Ok(None);
        };
        *first = chunk;
        Ok(Some(1))
    }

    /// The next frame; `None` when the stream ends before one begins. Nothing is allocated for a frame that announces
    /// more than `bytes_max`.
    ///
    /// # Errors
    /// [`StreamError::Frame`] for a frame over `bytes_max`, [`StreamError::CutShort`] for half a frame, and as
    /// [`Self::read_chunk`].
    pub async fn read_frame(&mut self, bytes_max: usize) -> Result<Option<Vec<u8>>, StreamError> {
        let mut header = [0; FRAME_HEADER_BYTES];
        match self.fill(&mut header).await? {
            0 => return Ok(None),
            FRAME_HEADER_BYTES => {}
            _ => return Err(StreamError::CutShort),
        }
        let mut body = vec![0; codec::frame_length(header, bytes_max)?];
        match self.fill(&mut body).await? == body.len() {
            true => Ok(Some(body)),
            false => Err(StreamError::CutShort),
        }
    }

    /// Reads until `space` is full or the stream ends: how many bytes there were.
    async fn fill(&mut self, space: &mut [u8]) -> Result<usize, StreamError> {
        let mut filled = 0;
        while filled < space.len() {
            let Some(chunk) = self.read_chunk(space.len() - filled).await? else {
                break;
            };
            space[filled..filled + chunk.len()].copy_from_slice(&chunk);
            filled += chunk.len();
        }
        Ok(filled)
    }

    /// Everything up to the end, if that is at most `bytes_max`.
    ///
    /// # Errors
    /// [`StreamError::Frame`] when there is more, and as [`Self::read_chunk`].
    pub async fn read_to_end(&mut self, bytes_max: usize) -> Result<Vec<u8>, StreamError> {
        let mut all = Vec::new();
        while let Some(chunk) = self.read_chunk(bytes_max.max(1)).await? {
            let actual = all.len() + chunk.len();
            if actual > bytes_max {
                let limit = bytes_max;
                return Err(DecodeError::TooLarge { actual, limit }.into());
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all)
    }

    /// Tells the other side to send no more.
    pub fn stop(&mut self, code: u32) {
        match &mut self.0 {
            ReceiveBy::Quic(stream) => {
                // Fails only for a stream that is over.
                let _ = stream.stop(VarInt::from_u32(code));
            }
            ReceiveBy::Lane(reader) => reader.stop(code),
        }
    }
}

/// The flow of a stream of ours; all are bidirectional.
fn flow_of(stream: StreamId) -> Flow {
    Flow::of_stream(VarInt::from(stream).into_inner()).expect("a bidirectional stream")
}

impl AsyncRead for ReceiveHalf {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.0 {
            ReceiveBy::Quic(stream) => AsyncRead::poll_read(Pin::new(stream), cx, buffer),
            ReceiveBy::Lane(reader) => reader.poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for SendHalf {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.by {
            SendBy::Quic(stream) => AsyncWrite::poll_write(Pin::new(stream), cx, data),
            SendBy::Lane(writer) => writer.poll_write(cx, data).map_err(io::Error::other),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.by {
            SendBy::Quic(stream) => Pin::new(stream).poll_flush(cx),
            SendBy::Lane(_) => Poll::Ready(Ok(())),
        }
    }

    /// Half-close: as [`SendHalf::finish`].
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.finished = true;
        match &mut self.by {
            SendBy::Quic(stream) => Pin::new(stream).poll_shutdown(cx),
            // A second time changes nothing.
            SendBy::Lane(writer) => Poll::Ready(writer.finish().or(Ok(()))),
        }
    }
}
