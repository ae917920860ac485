//! Somebody who asks: whether they may, and what waits to be sent to them.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use kith_core::content::access::Shown;
use kith_core::content::providers::Heard;
use kith_core::content::swarm::provider::AskerId;
use kith_core::content::swarm::wire::{Ask, Open, ProviderMessage};
use kith_core::ids::{BlobHash, ShareId};
use kith_core::time::Time;
use tokio::sync::{Notify, mpsc};

use super::reading::Reading;
use crate::content::fetches::Version;
use crate::content::given::Given;
use crate::content::serve::Session;
use crate::content::shares::Shares;

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
    /// A request to be answered, from this place on where a piece of it was sent.
    Serve { ask: Ask, from: Option<u64> },
    /// What answers one.
    Data(Data),
    /// Nothing more.
    Close,
}

/// A piece of what answers a request.
#[derive(Debug)]
pub(super) struct Data {
    /// A message, and the raw bytes that it announces.
    pub(super) bytes: Bytes,
    /// How many bytes of files they hold.
    pub(super) given: u64,
    pub(super) ask: Ask,
    /// Where the next piece begins.
    pub(super) next: Option<u64>,
}

impl Asker {
    /// One that may have what it asks for.
    pub(super) fn new(
        id: AskerId,
        reading: Arc<Reading>,
        open: Open,
        (session, shown): (Session, Shown),
        outgoing: mpsc::UnboundedSender<Outgoing>,
    ) -> Self {
        Self {
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
        }
    }

    /// What is given to it.
    pub(super) fn given(&self, shares: &Arc<Shares>) -> Given {
        let (peer, now) = (self.session.asker.peer, self.session.now);
        let version = Version {
            share: self.open.share,
            manifest: self.open.root,
            size: self.open.size,
        };
        Given::new(Arc::clone(shares), version, peer, now)
    }

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
        let held = shares.is_held_for(open, &session.asker, &self.shown, (session.now)())?;
        let mut judged = self
            .judged_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *judged = held.then_some(now);
        Ok(held)
    }

    /// Who else provides what it asks for, as far as it may know.
    pub(super) fn referrals(&self, shares: &Shares) -> Vec<Heard> {
        let others = shares.others();
        let asker = (self.session.asker).having(&self.shown, |peer| others.is_blocked(peer));
        others.heard(&self.open.share, &asker, (self.session.now)())
    }

    /// Something was written.
    pub(super) fn note_written(&self) {
        self.is_reading.store(true, Ordering::Release);
        self.note_taken();
    }

    /// Something waits no longer.
    pub(super) fn note_taken(&self) {
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        self.written.notify_one();
    }

    /// Whether something was written since this was last asked.
    pub(super) fn has_read(&self) -> bool {
        self.is_reading.swap(false, Ordering::AcqRel)
    }

    /// Waits until not too much waits to be written.
    pub(super) async fn drained(&self) {
        loop {
            let written = self.written.notified();
            if self.waiting.load(Ordering::Acquire) <= WAITING_PAUSE {
                return;
            }
            written.await;
        }
    }
}
