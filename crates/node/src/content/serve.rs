//! The provider's side of a stream of `/kith/share/1`.
//!
//! Requests are answered one after the other, so that an asker who sends without reading fills nothing but its own window.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use kith_core::codec::Wire;
use kith_core::content::access::Asker;
use kith_core::content::wire::Request;
use kith_core::data::head::Head;
use kith_core::ids::ShareId;
use kith_core::time::Time;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};

use crate::content::answer::Showing;
use crate::content::frames;
use crate::content::shares::Shares;

/// How long an asker may stay silent, or leave an answer unread: it has nothing to think about between two questions.
pub(super) const IDLE_MAX: Duration = Duration::from_secs(60);

/// How long an asker of a head waits for the share's files to be looked at, and what changed of them to be hashed: some gigabytes are by then.
/// It gives up after a minute.
const LOOK_WITHIN: Duration = Duration::from_secs(10);

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

/// Why a stream of somebody who asks was given up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The asker sent what is not of the protocol: its fault.
    #[error("the peer broke the protocol: {0}")]
    Breach(io::Error),
    /// The stream broke.
    #[error("the stream ended: {0}")]
    Stream(io::Error),
    /// The asker neither asked nor read for as long as it may.
    #[error("the peer was silent for too long")]
    Idle,
    /// The disk or the database did not do its part.
    #[error("cannot read what is shared: {0}")]
    Disk(io::Error),
}

/// Answers requests until the asker ends the stream.
///
/// # Errors
/// [`ServeError`]; the stream is of no use then.
pub async fn serve<R, W>(
    shares: Arc<Shares>,
    reader: R,
    mut writer: W,
    session: Session,
) -> Result<(), ServeError>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send,
{
    let mut reader = BufReader::new(reader);
    let mut showing = Showing::default();
    loop {
        let request = frames::read::<Request>(&mut reader);
        let request = tokio::time::timeout(IDLE_MAX, request).await;
        let request = request.map_err(|_| ServeError::Idle)?;
        let Some(heard) = request.map_err(ServeError::reading)? else {
            return writer.shutdown().await.map_err(ServeError::Stream);
        };
        match &heard {
            Request::Head { share, .. } => (session.asks)(*share),
            Request::Notice(_) => {
                let wait = shares.others().hold_back(&session.asker, (session.now)());
                tokio::time::sleep(wait).await;
            }
            _ => {}
        }
        let (asked, asking) = (Arc::clone(&shares), session.clone());
        let (request, shown, looked);
        (request, shown, looked, showing) = blocking(move || {
            let Session {
                asker,
                exporter,
                now,
                ..
            } = &asking;
            let shown = showing.take(&asked, &heard, asker, exporter, now())?;
            let looked = asked.looked_for(&heard, asker, &shown, now())?;
            Ok((heard, shown, looked, showing))
        })
        .await?;
        if let Some(head) = looked {
            look_at(&shares, head, session.now).await;
        }
        let (asked, asking) = (Arc::clone(&shares), session.clone());
        let answered = blocking(move || {
            let Session {
                asker,
                exporter,
                now,
                ..
            } = &asking;
            asked.answer(&request, asker, &shown, exporter, now())
        });
        write(&mut writer, &answered.await?).await?;
    }
}

/// Has an own share looked at that somebody asks for, and waits for it, but neither for as long as a very large file takes to hash, nor for a disk that does not
/// answer: that goes on, and they are given the head of before, ask again for what has changed, and have the rest meanwhile.
async fn look_at(shares: &Arc<Shares>, head: Head, now: fn() -> Time) {
    let looked = shares.look_aside(head, now());
    // Its other end is dropped when that is over.
    let _ = tokio::time::timeout(LOOK_WITHIN, looked).await;
}

/// Writes one message, to an asker who reads.
pub(super) async fn write(
    writer: &mut (impl AsyncWrite + Unpin),
    message: &impl Wire,
) -> Result<(), ServeError> {
    let writing = async {
        writer.write_all(&frames::frame(message)).await?;
        writer.flush().await
    };
    let written = tokio::time::timeout(IDLE_MAX, writing).await;
    written
        .map_err(|_| ServeError::Idle)?
        .map_err(ServeError::Stream)
}

/// Does what waits for the disk, away from the runtime's workers.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ServeError> {
    let worked = tokio::task::spawn_blocking(work).await;
    worked
        .map_err(io::Error::other)
        .flatten()
        .map_err(ServeError::Disk)
}

impl ServeError {
    /// A message was not read.
    pub(super) fn reading(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Self::Breach(error),
            _ => Self::Stream(error),
        }
    }
}
