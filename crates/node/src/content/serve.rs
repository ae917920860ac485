//! The provider's side of a stream of `/kith/share/1`.
//!
//! Requests are answered in order. A few are worked on ahead, so that reading a file, encoding it and sending overlap; no
//! more than those are taken from the stream, so that an asker who sends without reading fills nothing but its own window.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use kith_core::content::access::{Asker, Shown};
use kith_core::content::wire::Request;
use kith_core::ids::ShareId;
use kith_core::time::Time;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};

use crate::content::answer::{Reply, Showing};
use crate::content::frames;
use crate::content::shares::Shares;

/// How many answers are prepared ahead of the one being sent: enough to keep disk and network both busy, at a MiB each.
const AHEAD: usize = 3;

/// How long an asker may stay silent, or leave an answer unread. A getter whose other streams still carry a slow transfer is silent on
/// this one for minutes; somebody who does it to keep places taken holds each no longer than this.
const IDLE_MAX: Duration = Duration::from_secs(5 * 60);

/// How often it is remembered at least what was given to whom, while more is.
const RECORD_EVERY: Duration = Duration::from_secs(10);

/// The session that a stream belongs to.
#[derive(Clone)]
pub struct Session {
    /// Who asks.
    pub asker: Asker,
    /// The session's exporter, to which link proofs are bound.
    pub exporter: [u8; 32],
    /// The clock.
    pub now: fn() -> Time,
    /// Told which share is asked for, whether it is there or not.
    pub asks: Arc<dyn Fn(ShareId) + Send + Sync>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("asker", &self.asker)
            .finish_non_exhaustive()
    }
}

/// Why a stream was given up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The asker sent what is no request: its fault.
    #[error("the peer sent no proper request: {0}")]
    Request(io::Error),
    /// The stream broke.
    #[error("the stream ended: {0}")]
    Stream(io::Error),
    /// The asker neither asked nor read for `IDLE_MAX`.
    #[error("the peer has been silent for {} seconds", IDLE_MAX.as_secs())]
    Idle,
    /// The disk or the database did not do its part.
    #[error("cannot read what is shared: {0}")]
    Disk(io::Error),
}

/// Answers requests until the asker ends the stream; gives how many bytes of blobs were sent.
///
/// # Errors
/// [`ServeError`]; the stream is of no use then.
pub async fn serve<R, W>(
    shares: Arc<Shares>,
    reader: R,
    mut writer: W,
    session: Session,
) -> Result<u64, ServeError>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send,
{
    let intake = Intake {
        reader: BufReader::new(reader),
        showing: Showing::default(),
        shares: Arc::clone(&shares),
        session: session.clone(),
    };
    let (recording, asker, now) = (Arc::clone(&shares), session.asker, session.now);
    let recorder = move |share, bytes| {
        let shares = Arc::clone(&recording);
        // Nobody waits for it.
        tokio::task::spawn_blocking(move || {
            if let Err(error) = shares.record(&share, asker.peer, bytes, now()) {
                tracing::debug!(%error, "cannot remember who fetched what");
            }
        });
    };
    let requests = stream::try_unfold(intake, Intake::next);
    let answers =
        requests.map(move |request| prepare(Arc::clone(&shares), session.clone(), request));
    let mut answers = std::pin::pin!(answers.buffered(AHEAD));
    let (mut sent, mut given) = (0, Given::new(recorder));
    let served = async {
        while let Some(reply) = answers.next().await {
            let reply = reply?;
            send(&mut writer, &reply).await?;
            sent += reply.raw.len() as u64;
            given.add(reply.given);
        }
        writer.shutdown().await.map_err(ServeError::Stream)
    };
    let served = served.await;
    given.record();
    served.map(|()| sent)
}

async fn send<W: AsyncWrite + Unpin>(writer: &mut W, reply: &Reply) -> Result<(), ServeError> {
    let sending = async {
        writer.write_all(&frames::frame(&reply.answer)).await?;
        writer.write_all(&reply.raw).await?;
        writer.flush().await
    };
    let sending = tokio::time::timeout(IDLE_MAX, sending).await;
    sending
        .map_err(|_| ServeError::Idle)?
        .map_err(ServeError::Stream)
}

/// What was given on a stream and is not yet recorded.
struct Given<Record: Fn(ShareId, u64)> {
    record: Record,
    of: Option<(ShareId, u64)>,
    since: Instant,
}

impl<Record: Fn(ShareId, u64)> Given<Record> {
    fn new(record: Record) -> Self {
        Self {
            record,
            of: None,
            since: Instant::now(),
        }
    }

    fn add(&mut self, given: Option<(ShareId, u64)>) {
        let Some((share, bytes)) = given else { return };
        match &mut self.of {
            Some((of, sum)) if *of == share => *sum += bytes,
            _ => {
                self.record();
                self.of = given;
            }
        }
        if self.since.elapsed() >= RECORD_EVERY {
            self.record();
        }
    }

    fn record(&mut self) {
        if let Some((share, bytes)) = self.of.take() {
            (self.record)(share, bytes);
        }
        self.since = Instant::now();
    }
}

/// Requests as they come.
struct Intake<R> {
    reader: BufReader<R>,
    showing: Showing,
    shares: Arc<Shares>,
    session: Session,
}

impl<R: AsyncRead + Unpin> Intake<R> {
    /// The next request, with what its asker has shown.
    async fn next(mut self) -> Result<Option<((Request, Shown), Self)>, ServeError> {
        let request = frames::read::<Request>(&mut self.reader);
        let request = tokio::time::timeout(IDLE_MAX, request)
            .await
            .map_err(|_| ServeError::Idle)?
            .map_err(read_error)?;
        let Some(request) = request else {
            return Ok(None);
        };
        if let Request::Head { share, .. } = &request {
            (self.session.asks)(*share);
        }
        if let Some(shown) = self.showing.recall(&request) {
            return Ok(Some(((request, shown), self)));
        }
        // One after the other, because a request may rely on what the one before has shown.
        let (mut showing, shares, session) =
            (self.showing, Arc::clone(&self.shares), self.session.clone());
        let (request, shown, showing) = blocking(move || {
            let Session {
                asker,
                exporter,
                now,
                ..
            } = session;
            let shown = showing.take(&shares, &request, &asker, &exporter, now())?;
            Ok((request, shown, showing))
        })
        .await?;
        self.showing = showing;
        Ok(Some(((request, shown), self)))
    }
}

/// The answer to a request.
async fn prepare(
    shares: Arc<Shares>,
    session: Session,
    request: Result<(Request, Shown), ServeError>,
) -> Result<Reply, ServeError> {
    let (request, shown) = request?;
    blocking(move || {
        let Session {
            asker,
            exporter,
            now,
            ..
        } = session;
        shares.answer(&request, &asker, &shown, &exporter, now())
    })
    .await
}

fn read_error(error: io::Error) -> ServeError {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => ServeError::Request(error),
        _ => ServeError::Stream(error),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ServeError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ServeError::Disk(io::Error::other(error)))?
        .map_err(ServeError::Disk)
}
