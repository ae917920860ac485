//! The half of a lane that sends: a queue, and the task behind it that ciphers and sends.

use std::io;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use iroh::endpoint::{SendStream, VarInt};
use kith_core::routing::datagram::Flow;
use tokio::io::{AsyncWriteExt as _, WriteHalf};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_rustls::TlsStream;
use tokio_util::sync::{CancellationToken, PollSender};

use super::leash::{Outcome, Shared, stop_outcome};
use super::socket::Socket;
use crate::routing::end::{ABANDONED, StreamError};

/// The most bytes that are ciphered and sent at once: sixteen records of TLS.
pub(super) const PIECE_BYTES_MAX: usize = 256 * 1024;

/// Pieces that wait to be sent: enough that the sender never waits for who makes them.
const PIECES_AHEAD_MAX: usize = 3;

/// The half that sends.
#[derive(Debug)]
pub(in crate::routing) struct LaneWriter {
    pieces: PollSender<Bytes>,
    end: Arc<End>,
    outcome: watch::Receiver<Option<Outcome>>,
    flow: Flow,
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

impl LaneWriter {
    /// Sends by `tls`, once the leash is handed in.
    pub(super) fn start(
        tls: WriteHalf<TlsStream<Socket>>,
        shared: Arc<Shared>,
        flow: Flow,
    ) -> (Self, oneshot::Sender<SendStream>) {
        let (sender, pieces) = mpsc::channel(PIECES_AHEAD_MAX);
        let (told, outcome) = watch::channel(None);
        let (leash_sender, leash) = oneshot::channel();
        let end = Arc::new(End::default());
        let mut sending = Sending {
            tls,
            pieces,
            end: Arc::clone(&end),
            shared,
        };
        tokio::spawn(async move {
            if let Ok(leash) = leash.await {
                told.send_replace(Some(sending.run(leash).await));
            }
        });
        let writer = Self {
            pieces: PollSender::new(sender),
            end,
            outcome,
            flow,
        };
        (writer, leash_sender)
    }

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

    /// Queues the first of `chunks`, or as much of it as one piece holds, without copying it; the rest is left.
    pub(in crate::routing) async fn write_some(
        &mut self,
        chunks: &mut &mut [Bytes],
    ) -> Result<(), StreamError> {
        if chunks.is_empty() {
            // Room that was taken and not used would keep the stream from ending.
            return Ok(());
        }
        std::future::poll_fn(|cx| self.poll_room(cx)).await?;
        let rest = std::mem::take(chunks);
        if let Some(chunk) = rest.first_mut() {
            self.queue(chunk.split_to(chunk.len().min(PIECE_BYTES_MAX)))?;
        }
        let is_sent = rest.first().is_some_and(Bytes::is_empty);
        *chunks = &mut rest[usize::from(is_sent)..];
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
