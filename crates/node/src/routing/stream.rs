//! The two halves of a stream, and the frames messages travel in.
//!
//! Each half ends on its own. A send half that is dropped before [`SendHalf::finish`] is *reset*: a task that fails
//! half-way must not look like one that was done.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use iroh::endpoint::{
    ReadError, ReadExactError, RecvStream, SendStream, StreamId, VarInt, WriteError,
};
use kith_core::codec::{self, DecodeError, FRAME_HEADER_BYTES};
use kith_core::routing::datagram::Flow;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::end::{Ended, ended};

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
    /// A frame announces more than it may hold.
    #[error(transparent)]
    Frame(#[from] DecodeError),
}

/// The half of a stream that sends.
#[derive(Debug)]
pub struct SendHalf {
    stream: SendStream,
    finished: bool,
}

/// The half of a stream that receives. Dropped unread, it tells the sender to stop.
#[derive(Debug)]
pub struct ReceiveHalf(RecvStream);

impl SendHalf {
    pub(super) fn new(stream: SendStream) -> Self {
        Self {
            stream,
            finished: false,
        }
    }

    /// The stream's number, the same on both sides and unique in its connection.
    pub fn flow(&self) -> Flow {
        flow_of(self.stream.id())
    }

    /// Sends all of `data`, without copying it. Waits while the other side reads no further.
    ///
    /// # Errors
    /// [`StreamError`] when the other side has stopped it or the connection is over.
    pub async fn write_chunk(&mut self, data: Bytes) -> Result<(), StreamError> {
        Ok(self.stream.write_chunk(data).await?)
    }

    /// Sends as much of `chunks` as there is room for, at least one byte, and leaves the rest. Nothing is sent when this is
    /// dropped before its end.
    ///
    /// # Errors
    /// As [`Self::write_chunk`].
    pub async fn write_some(&mut self, chunks: &mut &mut [Bytes]) -> Result<(), StreamError> {
        self.stream.write_many_chunks(chunks).await?;
        Ok(())
    }

    /// Sends all of `data`.
    ///
    /// # Errors
    /// As [`Self::write_chunk`].
    pub async fn write_all(&mut self, data: &[u8]) -> Result<(), StreamError> {
        Ok(self.stream.write_all(data).await?)
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
        self.stream.finish().map_err(|_| StreamError::Closed)
    }

    /// Gives the stream up: what is not delivered yet need not be.
    pub fn reset(&mut self, code: u32) {
        self.finished = true;
        // Fails only for a stream that is over.
        let _ = self.stream.reset(VarInt::from_u32(code));
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
        let stopped = self.stream.stopped();
        async move {
            match stopped.await {
                Ok(None) => Ok(()),
                Ok(Some(code)) => Err(StreamError::GivenUp(code.into_inner())),
                Err(iroh::endpoint::StoppedError::ConnectionLost(error)) => {
                    Err(StreamError::Ended(ended(error).0))
                }
                Err(_) => Err(StreamError::Closed),
            }
        }
    }

    /// Which streams of the connection go first; 0 at the beginning, higher before lower, equal ones share.
    pub fn set_priority(&self, priority: i32) {
        // Fails only for a stream that is over.
        let _ = self.stream.set_priority(priority);
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
        Self(stream)
    }

    /// The stream's number, the same on both sides and unique in its connection.
    pub fn flow(&self) -> Flow {
        flow_of(self.0.id())
    }

    /// The next bytes, at most `bytes_max`, without copying them; `None` at the end.
    ///
    /// # Errors
    /// [`StreamError`] when the other side has reset it or the connection is over.
    pub async fn read_chunk(&mut self, bytes_max: usize) -> Result<Option<Bytes>, StreamError> {
        Ok(self.0.read_chunk(bytes_max).await?)
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
        Ok(self.0.read_many_chunks(chunks).await?)
    }

    /// The next frame; `None` when the stream ends before one begins. Nothing is allocated for a frame that announces
    /// more than `bytes_max`.
    ///
    /// # Errors
    /// [`StreamError::Frame`] for a frame over `bytes_max`, [`StreamError::CutShort`] for half a frame, and as
    /// [`Self::read_chunk`].
    pub async fn read_frame(&mut self, bytes_max: usize) -> Result<Option<Vec<u8>>, StreamError> {
        let mut header = [0; FRAME_HEADER_BYTES];
        match self.0.read_exact(&mut header).await {
            Ok(()) => {}
            Err(ReadExactError::FinishedEarly(0)) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let mut body = vec![0; codec::frame_length(header, bytes_max)?];
        self.0.read_exact(&mut body).await?;
        Ok(Some(body))
    }

    /// Everything up to the end, if that is at most `bytes_max`.
    ///
    /// # Errors
    /// [`StreamError::Frame`] when there is more, and as [`Self::read_chunk`].
    pub async fn read_to_end(&mut self, bytes_max: usize) -> Result<Vec<u8>, StreamError> {
        let mut all = Vec::new();
        while let Some(chunk) = self.0.read_chunk(bytes_max.max(1)).await? {
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
        // Fails only for a stream that is over.
        let _ = self.0.stop(VarInt::from_u32(code));
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
        AsyncRead::poll_read(Pin::new(&mut self.0), cx, buffer)
    }
}

impl AsyncWrite for SendHalf {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write(Pin::new(&mut self.stream), cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Half-close: as [`SendHalf::finish`].
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.finished = true;
        Pin::new(&mut self.stream).poll_shutdown(cx)
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

impl From<ReadExactError> for StreamError {
    fn from(error: ReadExactError) -> Self {
        match error {
            ReadExactError::FinishedEarly(_) => Self::CutShort,
            ReadExactError::ReadError(error) => error.into(),
        }
    }
}
