//! A negotiated stream: bytes both ways in one protocol, and datagrams beside it.
//!
//! With a single offer nothing is waited for: the opener's data follows its offer, and the answer is read in front of the
//! first byte that comes back. So a stream costs no round trip before the first byte sent, and one to the first answered.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::FutureExt as _;
use kith_core::codec::{self, FRAME_HEADER_BYTES, Wire as _};
use kith_core::ids::PeerId;
use kith_core::protocol::ProtocolName;
use kith_core::routing::{Answer, AnswerError, Level, Offer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

use super::live::Stood;
use super::streams::OpenStream;
use super::unread::{Seat, Shared, hold};
use crate::content::swarm::Output;
use crate::routing::express::Lane;
use crate::routing::{Connection, DatagramFlow, ReceiveHalf, Refused, SendHalf, is_given_up};

/// A stream in a negotiated protocol. Reads and writes as tokio's streams do; shutting down the writing side is a
/// half-close, dropping a stream whose writing side was not shut down resets it.
#[derive(Debug)]
pub struct Stream {
    reader: StreamReader,
    writer: StreamWriter,
}

/// The reading half of a [`Stream`].
#[derive(Debug)]
pub struct StreamReader {
    half: Shared<ReceiveHalf>,
    negotiation: Negotiation,
    about: About,
}

/// The writing half of a [`Stream`]. Dropped after it was shut down, its stream counts as open until the other side has all
/// of it: a session that gives way to another, or a node that shuts down, waits for it.
#[derive(Debug)]
pub struct StreamWriter {
    half: Shared<SendHalf>,
    about: About,
}

impl Drop for StreamWriter {
    fn drop(&mut self) {
        let half = hold(&self.half);
        if !half.is_finished() {
            return;
        }
        let mut delivered = Box::pin(half.delivered());
        drop(half);
        if delivered.as_mut().now_or_never().is_some() {
            return;
        }
        // Without a runtime nothing is delivered any more.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let open = self.about.open.clone();
            runtime.spawn(async move {
                // Delivered or not, it is over.
                let _ = delivered.await;
                drop(open);
            });
        }
    }
}

/// What both halves know of their stream.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) peer: Option<PeerId>,
    pub(super) level: Level,
    pub(super) protocol: ProtocolName,
    pub(super) connection: Connection,
    /// Whether the other side ever turned out to be whom we meant.
    pub(super) stood: Stood,
    /// Counts the stream as open until both halves are gone.
    pub(super) open: OpenStream,
    /// Its place, for one that the other side opened.
    pub(super) seat: Option<Arc<Seat>>,
}

/// Whether the other side's answer has been read.
#[derive(Debug)]
enum Negotiation {
    /// The answer is still to come; these are its first bytes.
    AwaitsAnswer { offer: Offer, seen: Vec<u8> },
    /// This protocol is spoken.
    Agreed,
    /// None is.
    Refused(Refused),
}

impl Stream {
    /// A stream we opened; its answer has not been read.
    pub(super) fn opened(halves: (SendHalf, ReceiveHalf), offer: Offer, about: About) -> Self {
        let negotiation = Negotiation::AwaitsAnswer {
            offer,
            seen: Vec::new(),
        };
        Self::join(halves, negotiation, about)
    }

    /// A stream the other side opened, which we have answered.
    pub(super) fn accepted(halves: (SendHalf, ReceiveHalf), about: About) -> Self {
        Self::join(halves, Negotiation::Agreed, about)
    }

    fn join(halves: (SendHalf, ReceiveHalf), negotiation: Negotiation, about: About) -> Self {
        let send = Arc::new(Mutex::new(halves.0));
        let receive = Arc::new(Mutex::new(halves.1));
        if let Some(seat) = &about.seat {
            seat.take(&receive, &send);
        }
        Self {
            writer: StreamWriter {
                half: send,
                about: about.clone(),
            },
            reader: StreamReader {
                half: receive,
                negotiation,
                about,
            },
        }
    }

    /// Waits for the other side's answer. Reading does so too; this is for who wants to know before it sends.
    ///
    /// # Errors
    /// [`Refused`] as an [`io::Error`]'s source when it picked none, any other error when the stream ended first.
    pub async fn agreed(&mut self) -> io::Result<&ProtocolName> {
        poll_fn(|cx| self.reader.poll_agreed(cx)).await?;
        self.writer.about.protocol = self.reader.about.protocol.clone();
        Ok(&self.reader.about.protocol)
    }

    /// The protocol: the one agreed on, or the first offered while the answer has not been read.
    pub fn protocol(&self) -> &ProtocolName {
        &self.reader.about.protocol
    }

    /// Who is at the other end; `None` for a stranger.
    pub fn peer(&self) -> Option<PeerId> {
        self.reader.about.peer
    }

    /// How far whoever is at the other end was trusted when the stream was opened.
    pub fn level(&self) -> Level {
        self.reader.about.level
    }

    /// 32 bytes that only the two ends of this very connection know (RFC 5705), to bind proofs to.
    pub fn exporter(&self) -> &[u8; 32] {
        self.reader.about.connection.exporter()
    }

    /// Tells, also when the stream is gone, whether a session ever stood on its connection.
    pub(crate) fn stood(&self) -> Stood {
        self.reader.about.stood.clone()
    }

    /// The connection that carries it.
    pub fn connection(&self) -> &Connection {
        &self.reader.about.connection
    }

    /// The unreliable datagrams that go with this stream.
    pub fn datagrams(&self) -> DatagramFlow {
        // Whoever sends these need not wait for an answer.
        self.reader.about.open.answered();
        let flow = hold(&self.reader.half).flow();
        self.reader.about.connection.datagrams(flow)
    }

    /// Gives the stream up in both directions.
    pub fn reset(&mut self, code: u32) {
        hold(&self.writer.half).reset(code);
        hold(&self.reader.half).stop(code);
    }

    /// Sends `body` as one frame.
    pub(super) async fn write_frame(&mut self, body: &[u8]) -> io::Result<()> {
        self.writer.write_chunk(codec::frame(body).into()).await
    }

    /// The next frame, after the answer; `None` when the stream ends before one begins.
    pub(super) async fn read_frame(&mut self, bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
        let mut header = [0; FRAME_HEADER_BYTES];
        if self.reader.read(&mut header[..1]).await? == 0 {
            return Ok(None);
        }
        self.reader.read_exact(&mut header[1..]).await?;
        let length = codec::frame_length(header, bytes_max).map_err(malformed)?;
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).await?;
        Ok(Some(body))
    }

    /// Goes on over `lane`, in `protocol`. Nothing may be on its way on the stream.
    pub(super) fn over(self, lane: Lane, protocol: ProtocolName) -> Self {
        let Self {
            mut reader,
            mut writer,
        } = self;
        let connection = &reader.about.connection;
        connection.carry(&mut hold(&writer.half), &mut hold(&reader.half), lane);
        reader.about.protocol = protocol.clone();
        writer.about.protocol = protocol;
        Self { reader, writer }
    }

    /// The two halves, to be used by two tasks.
    pub fn into_split(self) -> (StreamReader, StreamWriter) {
        (self.reader, self.writer)
    }
}

impl StreamWriter {
    /// Waits until the other side has received all of what was written and shut down, or wants no more of it. The future
    /// is apart from the writer, so that it can be waited for while writing.
    ///
    /// # Errors
    /// When it stopped reading or the connection ended before.
    pub fn delivered(&self) -> impl Future<Output = io::Result<()>> + Send + use<> {
        let delivered = hold(&self.half).delivered();
        async move { delivered.await.map_err(io::Error::other) }
    }

    /// Sends all of `data`, without copying it.
    ///
    /// # Errors
    /// When the other side stopped reading or the connection ended.
    pub async fn write_chunk(&mut self, data: Bytes) -> io::Result<()> {
        self.send(data, &mut 0).await
    }

    /// Sends as much of `chunks` as there is room for, as soon as there is some, and leaves the rest.
    async fn write_some(&mut self, chunks: &mut &mut [Bytes]) -> io::Result<()> {
        // Held for each attempt only, and not while there is no room.
        let written = poll_fn(|cx| pin!(hold(&self.half).write_some(chunks)).poll(cx)).await;
        written.map_err(io::Error::other)
    }

    /// The unreliable datagrams that go with this stream.
    pub fn datagrams(&self) -> DatagramFlow {
        self.about.open.answered();
        let flow = hold(&self.half).flow();
        self.about.connection.datagrams(flow)
    }
}

impl Output for StreamWriter {
    async fn send(&mut self, bytes: Bytes, handed: &mut usize) -> io::Result<()> {
        let (length, mut chunks) = (bytes.len(), [bytes]);
        let (before, mut rest) = (*handed, &mut chunks[..]);
        while !rest.is_empty() {
            self.write_some(&mut rest).await?;
            let left: usize = rest.iter().map(Bytes::len).sum();
            *handed = before + length - left;
        }
        Ok(())
    }

    async fn finish(&mut self) -> io::Result<()> {
        hold(&self.half).finish().map_err(io::Error::other)
    }
}

impl StreamReader {
    /// The next bytes, in as many pieces as have arrived and fit `chunks`, without copying them: how many there are;
    /// `None` at the end.
    ///
    /// # Errors
    /// [`Refused`] as an [`io::Error`]'s source when the stream was refused, any other error when the other side gave it up
    /// or the connection ended.
    pub async fn read_chunks(&mut self, chunks: &mut [Bytes]) -> io::Result<Option<usize>> {
        poll_fn(|cx| self.poll_agreed(cx)).await?;
        let read = poll_fn(|cx| self.poll_half(|half| pin!(half.read_chunks(chunks)).poll(cx)));
        read.await.map_err(io::Error::other)
    }

    /// Asks the half for bytes, and notes that it was asked.
    fn poll_half<T>(&self, ask: impl FnOnce(&mut ReceiveHalf) -> Poll<T>) -> Poll<T> {
        let mut half = hold(&self.half);
        let result = ask(&mut half);
        if let Some(seat) = &self.about.seat {
            seat.asked(&result);
        }
        result
    }

    /// Reads the answer, if it is still to come.
    fn poll_agreed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let Negotiation::AwaitsAnswer { offer, seen } = &mut self.negotiation else {
                return Poll::Ready(match &self.negotiation {
                    Negotiation::Refused(refused) => Err(refusal(*refused)),
                    _ => Ok(()),
                });
            };
            let wanted = match seen.first_chunk::<FRAME_HEADER_BYTES>() {
                None => FRAME_HEADER_BYTES,
                Some(header) => {
                    let body =
                        codec::frame_length(*header, Answer::BYTES_MAX).map_err(malformed)?;
                    FRAME_HEADER_BYTES + body
                }
            };
            if seen.len() > FRAME_HEADER_BYTES && seen.len() == wanted {
                self.negotiation = match Answer::read(&seen[FRAME_HEADER_BYTES..], offer) {
                    Ok(name) => {
                        self.about.protocol = name.clone();
                        Negotiation::Agreed
                    }
                    Err(AnswerError::Refused(refused)) => Negotiation::Refused(refused.into()),
                    Err(error) => return Poll::Ready(Err(malformed(error))),
                };
                self.about.open.answered();
                continue;
            }
            let mut space = [0; FRAME_HEADER_BYTES + Answer::BYTES_MAX];
            let mut buffer = ReadBuf::new(&mut space[..wanted - seen.len()]);
            let read = Pin::new(&mut *hold(&self.half)).poll_read(cx, &mut buffer);
            if read.is_pending() {
                self.about.open.ask();
            }
            ready!(read)?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            seen.extend_from_slice(buffer.filled());
        }
    }
}

/// A refusal where an I/O error is asked for; its source is the [`Refused`].
fn refusal(refused: Refused) -> io::Error {
    let kind = match refused {
        Refused::NotAllowed => io::ErrorKind::PermissionDenied,
        Refused::Unsupported => io::ErrorKind::Unsupported,
        Refused::Busy => io::ErrorKind::WouldBlock,
    };
    io::Error::new(kind, refused)
}

fn malformed(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl AsyncRead for StreamReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_agreed(cx))?;
        self.poll_half(|half| Pin::new(half).poll_read(cx, buffer))
    }
}

impl AsyncWrite for StreamWriter {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *hold(&self.half)).poll_write(cx, data)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *hold(&self.half)).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *hold(&self.half)).poll_shutdown(cx)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reader).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        match ready!(Pin::new(&mut self.writer).poll_write(cx, data)) {
            // Whoever refuses wants nothing either, and that may be known before the refusal is read, which says why.
            Err(given_up) if is_given_up(&given_up) => {
                ready!(self.reader.poll_agreed(cx))?;
                Poll::Ready(Err(given_up))
            }
            written => Poll::Ready(written),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_shutdown(cx)
    }
}
