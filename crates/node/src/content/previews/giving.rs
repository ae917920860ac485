//! The provider's side of a stream of `/kith/preview/1`.
//!
//! Every question is judged by itself, as those for files are. Answers are written as they are ready; more are asked for only as fast as they
//! are read.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use kith_core::content::access::Shown;
use kith_core::content::preview::wire::{ASKS_MAX, Ask};
use kith_core::content::preview::{AskerMessage, Open, ProviderMessage, Refusal};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::mpsc;

use super::making::Previews;
use crate::content::frames;
use crate::content::lying::Lying;
use crate::content::serve::{IDLE_MAX, ServeError, Session, blocking, write};

/// Previews of one stream that are held in memory at once: enough to keep a line busy while the next are read from the disk.
const AT_ONCE: usize = 4;

/// Who asks for what.
struct Asker {
    previews: Arc<Previews>,
    session: Session,
    open: Open,
    shown: Shown,
}

/// Serves a stream until one of us ends it.
///
/// # Errors
/// [`ServeError`]; the stream is of no use then.
pub async fn give<R, W>(
    previews: Arc<Previews>,
    reader: R,
    mut writer: W,
    session: Session,
) -> Result<(), ServeError>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send,
{
    let mut reader = BufReader::new(reader);
    let open = frames::read::<AskerMessage>(&mut reader);
    let open = tokio::time::timeout(IDLE_MAX, open).await;
    let open = match open
        .map_err(|_| ServeError::Idle)?
        .map_err(ServeError::reading)?
    {
        Some(AskerMessage::Open(open)) => open,
        Some(AskerMessage::Ask(_)) => return Err(breach()),
        None => return Ok(()),
    };
    (session.asks)(open.share);
    if !open.is_known() {
        return write(&mut writer, &ProviderMessage::Gone).await;
    }
    let asker = Asker::show(previews, session, open).await?;
    let (asks, asked) = mpsc::channel(ASKS_MAX);
    let unanswered = AtomicUsize::new(0);
    let hearing = hear(reader, asks, &unanswered);
    let telling = tell(&asker, asked, writer, &unanswered);
    tokio::try_join!(hearing, telling).map(|_| ())
}

/// Hears questions until there are no more, or none is answered any more.
async fn hear(
    mut reader: BufReader<impl AsyncRead + Unpin>,
    asks: mpsc::Sender<Ask>,
    unanswered: &AtomicUsize,
) -> Result<(), ServeError> {
    loop {
        let message = frames::read::<AskerMessage>(&mut reader);
        let mut message = std::pin::pin!(message);
        let message = loop {
            let heard = tokio::select! {
                heard = tokio::time::timeout(IDLE_MAX, &mut message) => heard,
                () = asks.closed() => return Ok(()),
            };
            match heard {
                Ok(message) => break message,
                // It waits for us.
                Err(_) if unanswered.load(Ordering::Relaxed) > 0 => {}
                Err(_) => return Err(ServeError::Idle),
            }
        };
        match message.map_err(ServeError::reading)? {
            Some(AskerMessage::Ask(ask)) => {
                unanswered.fetch_add(1, Ordering::Relaxed);
                if asks.send(ask).await.is_err() {
                    return Ok(());
                }
            }
            Some(AskerMessage::Open(_)) => return Err(breach()),
            None => return Ok(()),
        }
    }
}

/// Answers them, some at once, and writes what is ready.
async fn tell(
    asker: &Asker,
    mut asked: mpsc::Receiver<Ask>,
    mut writer: impl AsyncWrite + Unpin,
    unanswered: &AtomicUsize,
) -> Result<(), ServeError> {
    let mut making = FuturesUnordered::new();
    loop {
        let answer = tokio::select! {
            Some(answer) = making.next() => answer?,
            ask = asked.recv(), if making.len() < AT_ONCE => match ask {
                Some(ask) => {
                    making.push(asker.answer(ask));
                    continue;
                }
                None => match making.next().await {
                    Some(answer) => answer?,
                    None => break,
                },
            },
        };
        write(&mut writer, &answer).await?;
        unanswered.fetch_sub(1, Ordering::Relaxed);
        if answer == ProviderMessage::Gone {
            break;
        }
    }
    // The other side may be gone already.
    let _ = writer.shutdown().await;
    Ok(())
}

impl Asker {
    /// Takes in what the asker shows.
    async fn show(
        previews: Arc<Previews>,
        session: Session,
        open: Open,
    ) -> Result<Self, ServeError> {
        blocking(move || {
            let shown = previews.shares.shown(
                &open.share,
                &open.proof,
                &session.asker,
                &session.exporter,
                (session.now)(),
            )?;
            Ok(Self {
                previews,
                session,
                open,
                shown,
            })
        })
        .await
    }

    async fn answer(&self, ask: Ask) -> Result<ProviderMessage, ServeError> {
        let none = |why| ProviderMessage::None { id: ask.id, why };
        let found = match self.find(&ask.path).await? {
            None => return Ok(ProviderMessage::Gone),
            Some(None) => return Ok(none(Refusal::NoFile)),
            Some(Some(found)) => found,
        };
        if ask.known == Some(found.hash) {
            return Ok(ProviderMessage::Same { id: ask.id });
        }
        Ok(match self.previews.of(&found, ask.size).await {
            Ok(preview) => ProviderMessage::Preview {
                id: ask.id,
                hash: preview.hash,
                jpeg: preview.jpeg.into(),
            },
            Err(why) => none(why),
        })
    }

    /// The file at a path, if the asker may have the share, and if there is one.
    async fn find(&self, path: &str) -> Result<Option<Option<Lying>>, ServeError> {
        let (shares, path) = (Arc::clone(&self.previews.shares), path.to_owned());
        let (session, shown, share) = (self.session.clone(), self.shown.clone(), self.open.share);
        blocking(move || {
            let asker = (session.asker).having(&shown, |peer| shares.others().is_blocked(peer));
            let offer = shares.admitted((&share, None), &asker, &shown, (session.now)())?;
            offer
                .map(|offer| Lying::find(&shares, &offer.head, &path))
                .transpose()
        })
        .await
    }
}

fn breach() -> ServeError {
    ServeError::Breach(io::ErrorKind::InvalidData.into())
}
