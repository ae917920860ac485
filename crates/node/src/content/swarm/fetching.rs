//! A transfer, as far as the wire is concerned: what is wanted of a snapshot, and the streams to those who have it.

use std::sync::Arc;

use kith_core::content::Referral;
use kith_core::content::swarm::getter::{Path, Priority, TransferId, Who};
use kith_core::content::swarm::span::Span;
use kith_core::content::swarm::wire::Open;
use kith_core::data::head::Head;
use kith_core::ids::{BlobHash, DeviceKey, ShareId};
use tokio::io::AsyncRead;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::arriving::{Arriving, Event};
use super::end::SourceEnd;
use super::getting::{Getting, Ongoing};
use super::output::Output;
use super::source;
use crate::content::credential::{Credential, Stream};
use crate::content::error::{GetError, SPENT_MAX, STALL_MAX};
use crate::content::givers::Givers;

/// A transfer that is known to the getter.
#[derive(Debug)]
pub(in crate::content) struct Fetching {
    ongoing: Ongoing,
    pub(in crate::content) arriving: Arc<Arriving>,
    events: mpsc::UnboundedReceiver<Event>,
    /// Since when it is waited for the next event.
    waits_since: Option<Instant>,
    /// Since when nobody who is there will ever have more.
    spent_since: Option<Instant>,
    share: ShareId,
    root: BlobHash,
    size: u64,
}

/// Where streams to providers are handed in.
#[derive(Clone, Debug)]
pub struct Intake {
    getting: Arc<Getting>,
    transfer: TransferId,
    pub(in crate::content) arriving: Arc<Arriving>,
    share: ShareId,
    root: BlobHash,
    size: u64,
    /// Told when a lane beside its stream is worth asking for; `None` where its streams are no express lanes.
    lane: Option<Arc<Notify>>,
}

impl Fetching {
    /// Of the snapshot that `head` names. `givers` is told who gives.
    ///
    /// # Errors
    /// [`GetError::TooMany`].
    pub(in crate::content) fn begin(
        getting: &Arc<Getting>,
        head: &Head,
        givers: &Givers,
    ) -> Result<Self, GetError> {
        let size = head.totals.bytes;
        let ongoing = getting.begin(size, givers).ok_or(GetError::TooMany)?;
        let (sender, events) = mpsc::unbounded_channel();
        Ok(Self {
            ongoing,
            arriving: Arc::new(Arriving::new(sender)),
            events,
            waits_since: None,
            spent_since: None,
            share: head.share,
            root: head.manifest,
            size,
        })
    }

    /// Where streams to its providers are handed in.
    pub(in crate::content) fn intake(&self) -> Intake {
        Intake {
            getting: Arc::clone(self.ongoing.getting()),
            transfer: self.ongoing.id(),
            arriving: Arc::clone(&self.arriving),
            share: self.share,
            root: self.root,
            size: self.size,
            lane: None,
        }
    }

    /// Who knows it, by which number.
    pub(in crate::content) fn known(&self) -> (Arc<Getting>, TransferId) {
        (Arc::clone(self.ongoing.getting()), self.ongoing.id())
    }

    /// The root directory's node.
    pub(in crate::content) fn root(&self) -> BlobHash {
        self.root
    }

    /// The chunks that are whole from now on, as they come.
    pub(in crate::content) fn held(&self) -> mpsc::UnboundedReceiver<u32> {
        self.ongoing.getting().held(self.ongoing.id())
    }

    /// Waits for what happens next. Given up and called again it waits no longer in all.
    ///
    /// # Errors
    /// [`GetError::Stalled`] when nothing does for too long, although something is wanted; [`GetError::Incomplete`] where nobody who is there has it.
    pub(in crate::content) async fn next(&mut self) -> Result<Event, GetError> {
        loop {
            let (rested, spent) = (self.is_at_rest(), self.is_spent());
            let patience = if spent { SPENT_MAX } else { STALL_MAX };
            let mut since = *self.waits_since.get_or_insert_with(Instant::now);
            self.spent_since = spent.then(|| self.spent_since.unwrap_or_else(Instant::now));
            if let Some(spent_since) = self.spent_since {
                since = since.max(spent_since);
            }
            let next = tokio::time::timeout_at(since + patience, self.events.recv()).await;
            if next.is_err() && spent && !self.is_spent() {
                // Somebody came who has more.
                continue;
            }
            self.waits_since = None;
            match next {
                Ok(Some(event)) => return Ok(event),
                // Whoever sends is held by this.
                Ok(None) => return Err(GetError::Stalled),
                // It may have been wanted only just now.
                Err(_) if rested || self.is_at_rest() => {}
                Err(_) if spent => return Err(GetError::Incomplete),
                Err(_) => return Err(GetError::Stalled),
            }
        }
    }

    /// Whether nothing is wanted now that is not here.
    fn is_at_rest(&self) -> bool {
        let id = self.ongoing.id();
        let progress = (self.ongoing.getting()).tell(|getter, _| getter.progress(id));
        progress.is_some_and(|progress| progress.is_at_rest)
    }

    /// Whether those who give have, and will have, nothing of what is wanted.
    fn is_spent(&self) -> bool {
        let id = self.ongoing.id();
        let progress = (self.ongoing.getting()).tell(|getter, _| getter.progress(id));
        progress.is_some_and(|it| !it.is_at_rest && it.sources == 0 && it.spent > 0)
    }

    /// What has happened meanwhile.
    pub(in crate::content) fn try_next(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// Asks for a node; whether there was room for one more.
    pub(in crate::content) fn want_node(&self, node: BlobHash) -> bool {
        let id = self.ongoing.id();
        (self.ongoing.getting()).tell(|getter, now| getter.handle_node_wanted(now, id, node))
    }

    /// Fetches one node by itself.
    ///
    /// # Errors
    /// [`GetError`].
    pub(in crate::content) async fn node(&mut self, node: BlobHash) -> Result<Vec<u8>, GetError> {
        self.arriving.tree.await_single(node);
        self.want_node(node);
        loop {
            match self.next().await? {
                Event::Node => {
                    // One before it may have been asked of a second source, and come twice.
                    if let Some(bytes) = self.arriving.tree.take_single() {
                        return Ok(bytes);
                    }
                }
                Event::Failed(error) => return Err(error),
                Event::Lacks { .. } if self.is_stranded() => return Err(GetError::Gone),
                _ => {}
            }
        }
    }

    /// Says what is here, and asks for what is not.
    pub(in crate::content) fn want(&self, held: &[Span], wanted: &[(Span, Priority)]) {
        let id = self.ongoing.id();
        self.ongoing.getting().tell(|getter, now| {
            for span in held {
                getter.handle_held(now, id, *span);
            }
            for (span, priority) in wanted {
                getter.handle_wanted(now, id, *span, *priority);
            }
        });
    }

    /// Asks for this so soon from now on, or not at all.
    pub(in crate::content) fn want_anew(&self, spans: &[Span], priority: Option<Priority>) {
        let id = self.ongoing.id();
        self.ongoing.getting().tell(|getter, now| {
            for span in spans {
                match priority {
                    Some(priority) => getter.handle_wanted(now, id, *span, priority),
                    None => getter.handle_unwanted(now, id, *span),
                }
            }
        });
    }

    /// Whether something is wanted, and nobody has anything of it. While nothing is wanted, what came last may not have been told yet.
    pub(in crate::content) fn is_stranded(&self) -> bool {
        let id = self.ongoing.id();
        let progress = (self.ongoing.getting()).tell(|getter, _| getter.progress(id));
        progress.is_none_or(|progress| !progress.is_at_rest && progress.sources == 0)
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        // Readers may know what arrives for longer.
        self.arriving.tree.let_go();
    }
}

impl Intake {
    /// The same, for a stream that is an express lane.
    #[must_use]
    pub fn by_lane(&self) -> Self {
        Self {
            lane: Some(Arc::default()),
            ..self.clone()
        }
    }

    /// Reads a stream in a task of its own, which ends when this is dropped: the run of a transfer is not over before it has.
    pub fn spawn<F>(&self, reading: F) -> AbortOnDropHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        AbortOnDropHandle::new(self.arriving.tasks.spawn(reading))
    }

    /// Waits until the getter finds a lane beside this one worth asking for; for ever where this is none.
    pub async fn further_lane(&self) {
        match &self.lane {
            Some(lane) => lane.notified().await,
            None => std::future::pending().await,
        }
    }

    /// The bytes of the snapshot.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Who else provides it, as providers say from now on.
    pub fn learned(&self) -> mpsc::UnboundedReceiver<Vec<Referral>> {
        self.getting.learned(self.transfer)
    }

    /// The path to a device that serves is another.
    pub fn path(&self, device: DeviceKey, path: Path) {
        self.getting
            .tell(|getter, now| getter.handle_path(now, device, path));
    }

    /// Has a provider serve the transfer until one of us ends it. `who` and `path` are as the session tells.
    pub async fn source<R, W>(
        &self,
        stream: Stream<R, W>,
        who: Who,
        path: Path,
        credential: &Credential,
    ) -> SourceEnd
    where
        R: AsyncRead + Unpin + Send,
        W: Output,
    {
        let Stream {
            reader,
            mut writer,
            exporter,
        } = stream;
        let proof = credential.proof(&self.share, &exporter);
        let open = Open::new(self.share, self.root, self.size, proof);
        if let Err(error) = source::open(&mut writer, open).await {
            return SourceEnd::Lost(error);
        }
        let joined = (self.getting).join(self.transfer, who, path, self.lane.clone());
        let halves = (reader, writer);
        let known = (&self.getting, self.transfer);
        source::run(joined, known, &self.arriving, who.peer, halves).await
    }
}
