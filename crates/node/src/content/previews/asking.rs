//! The asker's side of a stream of `/kith/preview/1`: questions are sent as they come, without waiting for answers.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use kith_core::content::preview::wire::{ASKS_MAX, Ask};
use kith_core::content::preview::{AskerMessage, Open, ProviderMessage, Size, jpeg};
use kith_core::ids::{BlobHash, ShareId};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::{mpsc, oneshot};

use super::error::PreviewError;
use super::making::Preview;
use crate::content::asking::send;
use crate::content::credential::{Credential, Stream};
use crate::content::error::{GetError, STALL_MAX};
use crate::content::frames;

/// How long a stream is kept after its last answer: whoever scrolls asks again soon.
const LINGER: Duration = Duration::from_secs(10);

/// A preview that somebody waits for.
#[derive(Debug)]
pub struct Wanted {
    /// The file, by its path in the share.
    pub path: String,
    /// How large.
    pub size: Size,
    /// The file whose preview is here.
    pub known: Option<BlobHash>,
    /// Who waits.
    pub told: oneshot::Sender<Result<Given, PreviewError>>,
}

/// What a provider gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// This.
    Preview(Preview),
    /// The preview that is here is that of the file.
    Same,
}

/// What was asked for and not answered. On another stream it is asked for again.
#[derive(Debug, Default)]
pub struct Pending {
    asked: BTreeMap<u64, Wanted>,
    next: u64,
}

impl Pending {
    /// Tells all who wait that there is nothing.
    pub fn fail(&mut self, why: &PreviewError) {
        for (_, wanted) in std::mem::take(&mut self.asked) {
            // Perhaps nobody waits any more.
            let _ = wanted.told.send(Err(why.clone()));
        }
    }

    /// Takes a question, as it is sent.
    fn ask(&mut self, wanted: Wanted) -> AskerMessage {
        let id = self.next;
        self.next += 1;
        let message = message(id, &wanted);
        self.asked.insert(id, wanted);
        message
    }

    /// Hands an answer to whoever waits for it.
    fn hear(&mut self, message: ProviderMessage) -> Result<(), GetError> {
        let (id, given) = match message {
            ProviderMessage::Gone => return Err(GetError::NotFound),
            ProviderMessage::Same { id } => (id, Ok(Given::Same)),
            ProviderMessage::None { id, why } => (id, Err(PreviewError::Refused(why))),
            ProviderMessage::Preview { id, hash, jpeg } => {
                let jpeg = Vec::from(jpeg);
                (id, Ok(Given::Preview(Preview { hash, jpeg })))
            }
        };
        let wanted = self.asked.remove(&id);
        let wanted = wanted.ok_or(GetError::Protocol("a preview that nobody asked for"))?;
        let is_one = match &given {
            Ok(Given::Preview(preview)) => jpeg::examine(&preview.jpeg, wanted.size).is_some(),
            Ok(Given::Same) => wanted.known.is_some(),
            Err(_) => true,
        };
        let given = match is_one {
            true => given,
            false => Err(PreviewError::NotVerified),
        };
        // Perhaps nobody waits any more.
        let _ = wanted.told.send(given);
        Ok(())
    }
}

fn message(id: u64, wanted: &Wanted) -> AskerMessage {
    AskerMessage::Ask(Ask {
        id,
        path: wanted.path.clone(),
        size: wanted.size,
        known: wanted.known,
    })
}

/// Asks for what is wanted of a share, until nothing has been for a while.
///
/// # Errors
/// [`GetError`]; what is not answered is still pending then.
pub async fn ask_all<R, W>(
    stream: Stream<R, W>,
    share: ShareId,
    credential: &Credential,
    pending: &mut Pending,
    wanted: &mut mpsc::Receiver<Wanted>,
) -> Result<(), GetError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let open = Open::new(share, credential.proof(&share, &stream.exporter));
    let mut writer = stream.writer;
    send(&mut writer, &AskerMessage::Open(open)).await?;
    for (id, wanted) in &pending.asked {
        send(&mut writer, &message(*id, wanted)).await?;
    }
    let mut reading = Box::pin(read(BufReader::new(stream.reader)));
    loop {
        let has_room = pending.asked.len() < ASKS_MAX;
        let (patience, is_idle) = match pending.asked.is_empty() {
            true => (LINGER, true),
            false => (STALL_MAX, false),
        };
        tokio::select! {
            (reader, heard) = &mut reading => {
                let heard = heard.map_err(GetError::Connection)?;
                let ended = || GetError::Connection(io::ErrorKind::UnexpectedEof.into());
                pending.hear(heard.ok_or_else(ended)?)?;
                reading.set(read(reader));
            }
            next = wanted.recv(), if has_room => match next {
                // Who asked has gone on meanwhile.
                Some(next) if next.told.is_closed() => {}
                Some(next) => {
                    let message = pending.ask(next);
                    send(&mut writer, &message).await?;
                }
                None => return Ok(()),
            },
            () = tokio::time::sleep(patience) => {
                if !is_idle {
                    return Err(GetError::Stalled);
                }
                // Nothing more is asked. A stream that is over by itself is as good.
                let _ = writer.shutdown().await;
                return Ok(());
            }
        }
    }
}

/// Reads one message, and gives the reader back for the next.
async fn read<R: AsyncRead + Unpin>(
    mut reader: BufReader<R>,
) -> (BufReader<R>, io::Result<Option<ProviderMessage>>) {
    let heard = frames::read(&mut reader).await;
    (reader, heard)
}
