//! A stream of somebody who asks.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use kith_core::content::access::Shown;
use kith_core::content::swarm::provider::AskerId;
use kith_core::content::swarm::wire::{Ask, AskerMessage, Open, ProviderMessage};
use kith_core::ids::{BlobHash, DeviceKey, ShareId};
use kith_core::time::Time;
use tokio::io::{AsyncRead, BufReader};
use tokio::sync::{Notify, mpsc};

use super::giving::{Giving, IDLE_MAX, SwarmError};
use super::output::Output;
use super::reading::Reading;
use crate::content::frames;
use crate::content::serve::Session;
use crate::content::shares::Shares;

/// How long the first message may take: it was sent with the stream's opening.
const OPEN_WITHIN: Duration = Duration::from_secs(10);

/// Messages that wait to be written, from which on nothing more is read of an asker: whoever does not read is not heard.
const WAITING_PAUSE: usize = 64;

/// Messages that wait to be written at most: news come without being asked for. Whoever reads none of so many is given up.
const WAITING_MAX: usize = 1024;

/// How long a judgement counts. Whatever changes what is shared, or with whom, has everybody judged anew; this is for the ends of grants.
const JUDGED_FOR: Duration = Duration::from_secs(1);

/// Somebody who asks.
#[derive(Debug)]
pub(super) struct Asker {
    pub(super) id: AskerId,
    pub(super) reading: Arc<Reading>,
    open: Open,
    session: Session,
    shown: Shown,
    /// When it was last found to be allowed what it asks for.
    judged_at: Mutex<Option<Time>>,
    outgoing: mpsc::UnboundedSender<Outgoing>,
    /// Messages that wait to be written.
    waiting: AtomicUsize,
    written: Notify,
    /// Whether something was written since it was last looked.
    is_reading: AtomicBool,
}

/// What is to be written.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// A message.
    Message(ProviderMessage),
    /// A message and raw bytes, for a request of which the next piece begins there.
    Data {
        bytes: Bytes,
        ask: Ask,
        next: Option<u64>,
    },
    /// Nothing more.
    Close,
}

impl Asker {
    /// What it asks for.
    pub(super) fn key(&self) -> (ShareId, BlobHash) {
        (self.open.share, self.open.root)
    }

    /// Has something written; false when too much waits.
    pub(super) fn send(&self, outgoing: Outgoing) -> bool {
        // Counted first: it may be written before this returns. Its task may have ended.
        let waiting = self.waiting.fetch_add(1, Ordering::AcqRel);
        let _ = self.outgoing.send(outgoing);
        waiting < WAITING_MAX
    }

    /// Whether it was judged just now.
    pub(super) fn is_judged(&self, now: Time) -> bool {
        let judged = self
            .judged_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        judged.is_some_and(|at| now.since(at) < JUDGED_FOR)
    }

    /// Has it judged again.
    pub(super) fn doubt(&self) {
        let mut judged = self
            .judged_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *judged = None;
    }

    /// Whether it may have what it asks for. Blocks.
    pub(super) fn judge(&self, shares: &Shares, now: Time) -> io::Result<bool> {
        let (open, session) = (&self.open, &self.session);
        let held = shares.holding(open, &session.asker, &self.shown, (session.now)())?;
        let mut judged = self
            .judged_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *judged = held.is_some().then_some(now);
        Ok(held.is_some())
    }

    /// Waits until not too much waits to be written.
    async fn drained(&self) {
        loop {
            let written = self.written.notified();
            if self.waiting.load(Ordering::Acquire) <= WAITING_PAUSE {
                return;
            }
            written.await;
        }
    }
}

impl Giving {
    /// Serves a stream of `/kith/swarm/1` until one of us ends it; gives how many bytes were sent.
    ///
    /// # Errors
    /// [`SwarmError`]; the stream is of no use then.
    pub async fn answer<R, W>(
        self: &Arc<Self>,
        reader: R,
        mut writer: W,
        session: Session,
        device: DeviceKey,
    ) -> Result<u64, SwarmError>
    where
        R: AsyncRead + Unpin + Send,
        W: Output,
    {
        let mut reader = BufReader::new(reader);
        let open = frames::read::<AskerMessage>(&mut reader);
        let open = tokio::time::timeout(OPEN_WITHIN, open).await;
        let open = match open.map_err(|_| SwarmError::Idle)?.map_err(read_error)? {
            Some(AskerMessage::Open(open)) => open,
            Some(_) => return Err(SwarmError::Breach(io::ErrorKind::InvalidData.into())),
            None => return Ok(0),
        };
        let (outgoing, messages) = mpsc::unbounded_channel();
        let Some(asker) = self.admit(open, session, device, outgoing).await? else {
            let gone = frames::frame(&ProviderMessage::Gone);
            writer.send(gone.into()).await.map_err(SwarmError::Stream)?;
            writer.finish().await.map_err(SwarmError::Stream)?;
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
    ) -> Result<Option<Arc<Asker>>, SwarmError> {
        if !open.is_known() {
            return Ok(None);
        }
        let shares = Arc::clone(&self.shares);
        let judged = tokio::task::spawn_blocking(move || {
            let now = (session.now)();
            let (asker, exporter) = (&session.asker, &session.exporter);
            let shown = shares.shown(&open.share, &open.proof, asker, exporter, now)?;
            let holding = shares.holding(&open, asker, &shown, now)?;
            Ok((open, session, shown, holding))
        });
        let judged = judged
            .await
            .map_err(|error| SwarmError::Disk(io::Error::other(error)))?;
        let (open, session, shown, holding) = judged.map_err(SwarmError::Disk)?;
        Ok(holding.map(|holding| {
            self.join(device, holding, |id, reading| {
                Arc::new(Asker {
                    id,
                    reading,
                    open,
                    session,
                    shown,
                    judged_at: Mutex::default(),
                    outgoing,
                    waiting: AtomicUsize::new(0),
                    written: Notify::new(),
                    is_reading: AtomicBool::new(false),
                })
            })
        }))
    }

    /// Hears what an asker says, until it ends the stream.
    async fn hear_all<R>(
        self: &Arc<Self>,
        asker: &Asker,
        mut reader: BufReader<R>,
    ) -> Result<(), SwarmError>
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
                    Err(_) if asker.is_reading.swap(false, Ordering::AcqRel) => {}
                    Err(_) => return Err(SwarmError::Idle),
                }
            };
            match message.map_err(read_error)? {
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
    ) -> Result<u64, SwarmError> {
        let mut sent = 0;
        while let Some(outgoing) = messages.recv().await {
            let (bytes, data) = match outgoing {
                Outgoing::Message(message) => (frames::frame(&message).into(), None),
                Outgoing::Data { bytes, ask, next } => (bytes, Some((ask, next))),
                Outgoing::Close => break,
            };
            sent += bytes.len() as u64;
            let sending = tokio::time::timeout(IDLE_MAX, writer.send(bytes)).await;
            sending
                .map_err(|_| SwarmError::Idle)?
                .map_err(SwarmError::Stream)?;
            asker.is_reading.store(true, Ordering::Release);
            asker.waiting.fetch_sub(1, Ordering::AcqRel);
            asker.written.notify_one();
            match data {
                Some((ask, Some(next))) => self.serve(Arc::clone(asker), ask, Some(next)),
                Some((ask, None)) => self.served(asker.id, ask.id),
                None => {}
            }
        }
        writer.finish().await.map_err(SwarmError::Stream)?;
        Ok(sent)
    }
}

/// Tells that an asker's stream is over, whatever ended it.
struct Leaving(Arc<Giving>, Arc<Asker>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.leave(&self.1);
    }
}

fn read_error(error: io::Error) -> SwarmError {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => SwarmError::Breach(error),
        _ => SwarmError::Stream(error),
    }
}
