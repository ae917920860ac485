//! A stream of somebody who asks: what it says is heard, and what is for it is written.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use kith_core::content::swarm::wire::{AskerMessage, Open, ProviderMessage};
use kith_core::ids::DeviceKey;
use tokio::io::{AsyncRead, BufReader};
use tokio::sync::mpsc;

use super::asker::{Asker, Data, Outgoing};
use super::giving::{Giving, IDLE_MAX};
use super::output::Output;
use crate::content::frames;
use crate::content::given::Given;
use crate::content::serve::{ServeError, Session, blocking};

/// How long the first message may take: it was sent with the stream's opening.
const OPEN_WITHIN: Duration = Duration::from_secs(10);

impl Giving {
    /// Serves a stream of `/kith/swarm/1` until one of us ends it; gives how many bytes were sent.
    ///
    /// # Errors
    /// [`ServeError`]; the stream is of no use then.
    pub async fn answer<R, W>(
        self: &Arc<Self>,
        reader: R,
        mut writer: W,
        session: Session,
        device: DeviceKey,
    ) -> Result<u64, ServeError>
    where
        R: AsyncRead + Unpin + Send,
        W: Output,
    {
        let mut reader = BufReader::new(reader);
        let open = frames::read::<AskerMessage>(&mut reader);
        let open = tokio::time::timeout(OPEN_WITHIN, open).await;
        let open = match open
            .map_err(|_| ServeError::Idle)?
            .map_err(ServeError::reading)?
        {
            Some(AskerMessage::Open(open)) => {
                (session.asks)(open.share);
                open
            }
            Some(_) => return Err(ServeError::Breach(io::ErrorKind::InvalidData.into())),
            None => return Ok(0),
        };
        let (outgoing, messages) = mpsc::unbounded_channel();
        let Some(asker) = self.admit(open, session, device, outgoing).await? else {
            let gone = frames::frame(&ProviderMessage::Gone);
            let sent = writer.send(gone.into(), &mut 0).await;
            sent.map_err(ServeError::Stream)?;
            writer.finish().await.map_err(ServeError::Stream)?;
            return Ok(0);
        };
        let _leaving = Leaving(Arc::clone(self), Arc::clone(&asker));
        tokio::select! {
            biased;
            read = self.hear_all(&asker, reader) => read.map(|()| 0),
            written = self.write_all(&asker, messages, writer) => written,
        }
    }

    /// Lets an asker in that may have what it asks for.
    async fn admit(
        self: &Arc<Self>,
        open: Open,
        session: Session,
        device: DeviceKey,
        outgoing: mpsc::UnboundedSender<Outgoing>,
    ) -> Result<Option<Arc<Asker>>, ServeError> {
        if !open.is_known() {
            return Ok(None);
        }
        let shares = Arc::clone(&self.shares);
        let (open, session, shown, holding) = blocking(move || {
            let now = (session.now)();
            let (asker, exporter) = (&session.asker, &session.exporter);
            let shown = shares.shown(&open.share, &open.proof, asker, exporter, now)?;
            let holding = shares.holding(&open, asker, &shown, now)?;
            Ok((open, session, shown, holding))
        })
        .await?;
        Ok(holding.map(|holding| {
            self.join(device, holding, |id, reading| {
                let who = (session, shown);
                Arc::new(Asker::new(id, reading, open, who, outgoing))
            })
        }))
    }

    /// Hears what an asker says, until it ends the stream.
    async fn hear_all<R>(
        self: &Arc<Self>,
        asker: &Asker,
        mut reader: BufReader<R>,
    ) -> Result<(), ServeError>
    where
        R: AsyncRead + Unpin,
    {
        loop {
            asker.drained().await;
            let message = frames::read::<AskerMessage>(&mut reader);
            let mut message = std::pin::pin!(message);
            let message = loop {
                match tokio::time::timeout(IDLE_MAX, &mut message).await {
                    Ok(message) => break message,
                    Err(_) if asker.has_read() => {}
                    Err(_) => return Err(ServeError::Idle),
                }
            };
            match message.map_err(ServeError::reading)? {
                Some(message) => self.hear(asker.id, message),
                None => return Ok(()),
            }
        }
    }

    /// Writes what is to be written, until there is nothing more.
    async fn write_all(
        self: &Arc<Self>,
        asker: &Arc<Asker>,
        mut messages: mpsc::UnboundedReceiver<Outgoing>,
        mut writer: impl Output,
    ) -> Result<u64, ServeError> {
        let (mut sent, mut given) = (0, asker.given(&self.shares));
        while let Some(outgoing) = messages.recv().await {
            let (bytes, data) = match outgoing {
                Outgoing::Message(message) => (frames::frame(&message).into(), None),
                Outgoing::Data(data) => (data.bytes.clone(), Some(data)),
                Outgoing::Serve { ask, from } => match self.serve_at_once(asker, ask, from) {
                    Some(data) => (data.bytes.clone(), Some(data)),
                    None => {
                        asker.note_taken();
                        self.serve(Arc::clone(asker), ask, from);
                        continue;
                    }
                },
                Outgoing::Close => break,
            };
            sent += bytes.len() as u64;
            let mut piece = Piece {
                bytes: bytes.len(),
                handed: 0,
                holds: data.as_ref().map_or(0, |data| data.given),
                given: &mut given,
            };
            let sending = writer.send(bytes, &mut piece.handed);
            let sending = tokio::time::timeout(IDLE_MAX, sending).await;
            drop(piece);
            sending
                .map_err(|_| ServeError::Idle)?
                .map_err(ServeError::Stream)?;
            asker.note_written();
            match data {
                Some(Data {
                    ask,
                    next: from @ Some(_),
                    ..
                }) => {
                    asker.send(Outgoing::Serve { ask, from });
                }
                Some(Data { ask, .. }) => self.served(asker.id, ask.id),
                None => {}
            }
        }
        writer.finish().await.map_err(ServeError::Stream)?;
        Ok(sent)
    }
}

/// What is being written. It counts as given when the stream has all of it: also where the asker has it and hangs up before the stream lets go on. Of less
/// than all nothing can be verified there.
struct Piece<'a> {
    bytes: usize,
    handed: usize,
    /// How many bytes of files are in it.
    holds: u64,
    given: &'a mut Given,
}

impl Drop for Piece<'_> {
    fn drop(&mut self) {
        if self.handed >= self.bytes {
            self.given.add(self.holds);
        }
    }
}

/// Tells that an asker's stream is over, whatever ended it.
struct Leaving(Arc<Giving>, Arc<Asker>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.leave(&self.1);
    }
}
