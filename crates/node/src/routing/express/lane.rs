//! A lane as the two halves of a stream.
//!
//! The stream on which it was asked for becomes its *leash*: nothing more is sent on it, and each of its directions tells how
//! that direction of the lane ended. A writer that gives up resets it; a reader that has all, or wants no more, stops it.
//! So a lane ends as a QUIC stream does, and it ends with the session, or when the session loses the path to its address.
//!
//! What is written goes through a queue to a task of its own, which ciphers and sends: it is on its way without a flush, and
//! making the next piece overlaps with sending this one.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use iroh::endpoint::{
    Connection as EngineConnection, RecvStream, SendStream, StoppedError, VarInt,
};
use kith_core::routing::datagram::Flow;
use tokio::io::{AsyncRead, AsyncWriteExt as _, ReadBuf, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_rustls::{TlsStream, client, server};
use tokio_util::io::poll_read_buf;
use tokio_util::sync::{CancellationToken, PollSender};
use tokio_util::task::AbortOnDropHandle;

use super::socket::{Door, Socket};
use crate::routing::direct;
use crate::routing::end::{ABANDONED, Ended, StreamError, ended};

/// The most bytes of a piece: what is ciphered and sent at once, and read at once. Sixteen records of TLS.
const PIECE_BYTES_MAX: usize = 256 * 1024;

/// The least room worth reading into: one record of TLS.
const ROOM_BYTES_MIN: usize = 16 * 1024;

/// Pieces that wait to be sent: enough that the sender never waits for who makes them.
const PIECES_AHEAD_MAX: usize = 3;

/// The stop code of a reader that has everything.
const RECEIVED: u32 = u32::MAX;

/// A lane that stands and is nobody's yet.
#[derive(Debug)]
pub struct Lane {
    tls: TlsStream<Socket>,
    door: Option<Door>,
    held: Option<Held>,
}

/// Something to be dropped with a lane.
struct Held(#[expect(dead_code, reason = "held for its drop")] Box<dyn Send + Sync>);

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Held")
    }
}

/// What both halves hold.
#[derive(Debug)]
struct Shared {
    /// Set when the session is over, or has no path to the lane's address any more.
    over: CancellationToken,
    engine: EngineConnection,
    _watch: AbortOnDropHandle<()>,
    _held: Option<Held>,
}

/// The half that sends.
#[derive(Debug)]
pub(in crate::routing) struct LaneWriter {
    pieces: PollSender<Bytes>,
    end: Arc<End>,
    outcome: watch::Receiver<Option<Outcome>>,
    flow: Flow,
}

/// The half that receives.
#[derive(Debug)]
pub(in crate::routing) struct LaneReader {
    tls: ReadHalf<TlsStream<Socket>>,
    /// `None` once the other side has ended it in order.
    leash: Option<RecvStream>,
    buffer: BytesMut,
    at_end: bool,
    flow: Flow,
    shared: Arc<Shared>,
}

/// How the writer's owner ends it.
#[derive(Debug, Default)]
struct End {
    how: OnceLock<HowEnded>,
    given_up: CancellationToken,
}

#[derive(Clone, Copy, Debug)]
enum HowEnded {
    Finished,
    Reset(u32),
}

/// How sending ended.
#[derive(Clone, Debug)]
enum Outcome {
    Received,
    GivenUp(u64),
    Ended(Ended),
    Broken(String),
    Closed,
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

    /// Makes halves of it, on the leash of a stream of `engine`'s. The sending direction's is handed in later.
    pub(in crate::routing) fn split(
        self,
        engine: &EngineConnection,
        flow: Flow,
        leash: RecvStream,
    ) -> (LaneWriter, oneshot::Sender<SendStream>, LaneReader) {
        let over = CancellationToken::new();
        let address = direct::selected(engine).map(|direct| direct.ip());
        let watch = watch_session(engine.clone(), address, over.clone(), self.door);
        let shared = Arc::new(Shared {
            over,
            engine: engine.clone(),
            _watch: AbortOnDropHandle::new(tokio::spawn(watch)),
            _held: self.held,
        });
        let (read, write) = tokio::io::split(self.tls);
        let (sender, pieces) = mpsc::channel(PIECES_AHEAD_MAX);
        let (told, outcome) = watch::channel(None);
        let (leash_sender, leash_receiver) = oneshot::channel();
        let end = Arc::new(End::default());
        let sending = Sending {
            tls: write,
            pieces,
            end: Arc::clone(&end),
            shared: Arc::clone(&shared),
        };
        tokio::spawn(async move {
            let mut sending = sending;
            if let Ok(leash) = leash_receiver.await {
                told.send_replace(Some(sending.run(leash).await));
            }
        });
        let writer = LaneWriter {
            pieces: PollSender::new(sender),
            end,
            outcome,
            flow,
        };
        let reader = LaneReader {
            tls: read,
            leash: Some(leash),
            buffer: BytesMut::new(),
            at_end: false,
            flow,
            shared,
        };
        (writer, leash_sender, reader)
    }
}

/// Ends a lane with its session, or when the session has no path to its address any more.
async fn watch_session(
    engine: EngineConnection,
    address: Option<IpAddr>,
    over: CancellationToken,
    door: Option<Door>,
) {
    let path_lost = async {
        match address {
            Some(address) => direct::lost(&engine, address).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = engine.closed() => {}
        () = path_lost => {}
    }
    over.cancel();
    if let Some(door) = door {
        door.shut();
    }
}

/// The task that ciphers and sends.
struct Sending {
    tls: WriteHalf<TlsStream<Socket>>,
    pieces: mpsc::Receiver<Bytes>,
    end: Arc<End>,
    shared: Arc<Shared>,
}

impl Sending {
    /// Sends until the writer ends it, the reader has everything, or it is over otherwise.
    async fn run(&mut self, mut leash: SendStream) -> Outcome {
        let (end, shared) = (Arc::clone(&self.end), Arc::clone(&self.shared));
        let stopped = leash.stopped();
        let mut stopped = std::pin::pin!(stopped);
        let sent = tokio::select! {
            biased;
            () = shared.over.cancelled() => return shared.outcome(),
            () = end.given_up.cancelled() => Ok(()),
            stopped = &mut stopped => return stop_outcome(stopped),
            sent = self.send_all() => sent,
        };
        if let (Ok(()), Some(HowEnded::Finished)) = (&sent, end.how.get()) {
            // The leash is kept until the reader says that it has everything.
            return tokio::select! {
                biased;
                () = shared.over.cancelled() => shared.outcome(),
                stopped = stopped => stop_outcome(stopped),
            };
        }
        let code = match end.how.get() {
            Some(HowEnded::Reset(code)) => *code,
            _ => ABANDONED,
        };
        // Fails only for a stream that is over.
        let _ = leash.reset(VarInt::from_u32(code));
        match sent {
            Ok(()) => Outcome::Closed,
            Err(error) => Outcome::Broken(error.to_string()),
        }
    }

    /// Sends pieces as they come, and the end, if there is one.
    async fn send_all(&mut self) -> io::Result<()> {
        while let Some(piece) = self.pieces.recv().await {
            self.tls.write_all(&piece).await?;
            if self.pieces.is_empty() {
                self.tls.flush().await?;
            }
        }
        match self.end.how.get() {
            Some(HowEnded::Finished) => self.tls.shutdown().await,
            _ => Ok(()),
        }
    }
}

impl Shared {
    /// How the session ended, if it did.
    fn end(&self) -> Option<Ended> {
        self.engine.close_reason().map(|error| ended(error).0)
    }

    /// Why it is over.
    fn outcome(&self) -> Outcome {
        match self.end() {
            Some(ended) => Outcome::Ended(ended),
            None => Outcome::Broken("the session has no direct path there any more".to_owned()),
        }
    }
}

fn stop_outcome(stopped: Result<Option<VarInt>, StoppedError>) -> Outcome {
    match stopped {
        Ok(Some(code)) if code == VarInt::from_u32(RECEIVED) => Outcome::Received,
        Ok(Some(code)) => Outcome::GivenUp(code.into_inner()),
        Err(StoppedError::ConnectionLost(error)) => Outcome::Ended(ended(error).0),
        Ok(None) | Err(_) => Outcome::Closed,
    }
}

impl From<Outcome> for StreamError {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::GivenUp(code) => Self::GivenUp(code),
            Outcome::Ended(ended) => Self::Ended(ended),
            Outcome::Broken(reason) => Self::LaneBroken(reason),
            Outcome::Received | Outcome::Closed => Self::Closed,
        }
    }
}

impl LaneWriter {
    pub(in crate::routing) fn flow(&self) -> Flow {
        self.flow
    }

    /// Queues all of `data`, without copying it. Waits while there is no room.
    pub(in crate::routing) async fn write_chunk(
        &mut self,
        mut data: Bytes,
    ) -> Result<(), StreamError> {
        while !data.is_empty() {
            let piece = data.split_to(data.len().min(PIECE_BYTES_MAX));
            std::future::poll_fn(|cx| self.poll_room(cx)).await?;
            self.queue(piece)?;
        }
        Ok(())
    }

    /// Queues a copy of the beginning of `data`.
    pub(in crate::routing) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<Result<usize, StreamError>> {
        ready!(self.poll_room(cx))?;
        let piece = &data[..data.len().min(PIECE_BYTES_MAX)];
        self.queue(Bytes::copy_from_slice(piece))?;
        Poll::Ready(Ok(piece.len()))
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        let room = ready!(self.pieces.poll_reserve(cx));
        Poll::Ready(room.map_err(|_| self.failure()))
    }

    fn queue(&mut self, piece: Bytes) -> Result<(), StreamError> {
        let queued = self.pieces.send_item(piece);
        queued.map_err(|_| self.failure())
    }

    fn failure(&self) -> StreamError {
        let outcome = self.outcome.borrow().clone();
        outcome.unwrap_or(Outcome::Closed).into()
    }

    /// Says that nothing more follows.
    pub(in crate::routing) fn finish(&mut self) -> Result<(), StreamError> {
        let first = self.end.how.set(HowEnded::Finished);
        self.pieces.close();
        first.map_err(|_| StreamError::Closed)
    }

    /// Gives it up.
    pub(in crate::routing) fn reset(&mut self, code: u32) {
        // What has ended stays as it ended.
        let _ = self.end.how.set(HowEnded::Reset(code));
        self.end.given_up.cancel();
        self.pieces.close();
    }

    /// Waits until the other side has all of it, or wants no more.
    pub(in crate::routing) fn delivered(
        &self,
    ) -> impl Future<Output = Result<(), StreamError>> + Send + use<> {
        let mut outcome = self.outcome.clone();
        async move {
            let ended = outcome.wait_for(Option::is_some).await;
            match ended.ok().and_then(|outcome| outcome.clone()) {
                Some(Outcome::Received) => Ok(()),
                Some(other) => Err(other.into()),
                None => Err(StreamError::Closed),
            }
        }
    }
}

impl LaneReader {
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
            buffer = BytesMut::with_capacity(PIECE_BYTES_MAX);
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

    /// Reads what is there.
    pub(in crate::routing) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.buffer.is_empty() {
            return Pin::new(&mut Incoming(self)).poll_read(cx, space);
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
