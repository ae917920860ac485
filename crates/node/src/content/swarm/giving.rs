//! The node's one provider, which all askers share, so that each has its turn.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use kith_core::codec;
use kith_core::content::swarm::provider::{AskerId, Output, SnapshotId};
use kith_core::content::swarm::wire::{Ask, AskerMessage, DropReason, ProviderMessage, What};
use kith_core::content::swarm::{Provider, ProviderConfig};
use kith_core::ids::{BlobHash, DeviceKey, ShareId};
use kith_core::random::Seed;
use kith_core::time::Time;
use tokio::sync::Notify;

use super::asker::{Asker, Data, Outgoing};
use super::buffers::{Buffer, Buffers};
use super::clock::Clock;
use super::reading::{ReadError, Reading};
use super::reads::{READ_WITHIN, Reads};
use crate::content::holding::Holding;
use crate::content::shares::Shares;
use crate::data::encoding::Encoding;

/// What is left free in front of raw bytes, for the message that announces them: its frame, and numbers of nine bytes.
const FRONT_BYTES: usize = 64;

/// What is made room for behind it at once: a chunk with what its encoding adds.
const ROOM_BYTES: usize = 272 * 1024;

/// How long somebody who asks neither asks nor reads before the stream is given up: a getter that waits for its place is silent, and comes
/// again.
pub(super) const IDLE_MAX: Duration = Duration::from_secs(5 * 60);

/// Which snapshot: of which share, with which manifest.
type Key = (ShareId, BlobHash);

/// The provider of a node.
#[derive(Debug)]
pub struct Giving {
    pub(in crate::content) shares: Arc<Shares>,
    state: Mutex<State>,
    clock: Clock,
    /// The machine is due sooner than it was.
    sooner: Notify,
    buffers: Buffers<Encoding>,
    reads: Reads,
}

#[derive(Debug)]
struct State {
    provider: Provider,
    /// The number of the next snapshot or asker.
    next: u64,
    snapshots: BTreeMap<Key, Snapshot>,
    askers: BTreeMap<AskerId, Arc<Asker>>,
    /// When whoever waits for the machine wakes up.
    due: Option<Time>,
}

/// A snapshot that somebody asks for.
#[derive(Debug)]
struct Snapshot {
    id: SnapshotId,
    size: u64,
    reading: Arc<Reading>,
    askers: usize,
}

/// A piece of what answers a request.
struct Piece {
    ask: Ask,
    /// Where it begins on the line.
    begin: u64,
    buffer: Buffer<Encoding>,
}

impl Giving {
    /// One of what `shares` has. [`Giving::run`] is to be run beside it.
    pub fn new(shares: Arc<Shares>, config: ProviderConfig, seed: Seed) -> Self {
        let clock = Clock::new();
        let state = State {
            provider: Provider::new(config, seed, clock.now()),
            next: 0,
            snapshots: BTreeMap::new(),
            askers: BTreeMap::new(),
            due: None,
        };
        Self {
            shares,
            state: Mutex::new(state),
            clock,
            sooner: Notify::new(),
            buffers: Buffers::default(),
            reads: Reads::default(),
        }
    }

    /// Wakes the machine when it is due, judges all askers anew when what is shared, or with whom, has changed, and tells them of
    /// whoever begins to provide what they ask for. Never ends.
    pub async fn run(self: &Arc<Self>) {
        let mut changes = self.shares.doubts();
        loop {
            let sooner = self.sooner.notified();
            let due = self.lock().provider.poll_timeout();
            let due = async {
                match due {
                    Some(due) => tokio::time::sleep_until(self.clock.instant(due)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => self.tell(Provider::handle_timeout),
                () = sooner => {}
                Ok(()) = changes.changed() => self.judge_all().await,
                shares = self.shares.others().news() => self.introduce_all(shares).await,
            }
        }
    }

    /// Tells the machine something, and does what follows.
    pub fn tell<T>(self: &Arc<Self>, what: impl FnOnce(&mut Provider, Time) -> T) -> T {
        let mut state = self.lock();
        let told = what(&mut state.provider, self.clock.now());
        state.hand_on(self.clock.now());
        let due = state.provider.poll_timeout();
        if due.is_some_and(|due| state.due.is_none_or(|before| due < before)) {
            self.sooner.notify_one();
        }
        state.due = due;
        told
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody who may have it asks for a snapshot.
    pub(super) fn join(
        self: &Arc<Self>,
        device: DeviceKey,
        holding: Holding,
        make: impl FnOnce(AskerId, Arc<Reading>) -> Arc<Asker>,
    ) -> Arc<Asker> {
        let mut state = self.lock();
        let id = AskerId(state.number());
        let snapshot = state.snapshot(&self.shares, holding, self.clock.now());
        let asker = make(id, Arc::clone(&snapshot.1));
        state.askers.insert(id, Arc::clone(&asker));
        drop(state);
        for underway in self.shares.underways().of(&asker.key()) {
            // What came before there was a snapshot to tell it of.
            self.hold(&asker.key(), underway.held().iter());
        }
        self.tell(|provider, now| provider.handle_asker(now, id, device, snapshot.0));
        self.introduce(&asker);
        asker
    }

    /// Chunks of a snapshot that is being fetched are whole.
    pub(in crate::content) fn hold(
        self: &Arc<Self>,
        snapshot: &(ShareId, BlobHash),
        chunks: impl Iterator<Item = u32>,
    ) {
        let id = self.lock().snapshots.get(snapshot).map(|known| known.id);
        if let Some(id) = id {
            self.tell(|provider, now| chunks.for_each(|it| provider.handle_held(now, id, it)));
        }
    }

    /// What is here of a snapshot is another, or will become more, or no more: whoever asks for it is told, soon.
    pub(in crate::content) fn settle_soon(self: &Arc<Self>, snapshot: (ShareId, BlobHash)) {
        let giving = Arc::clone(self);
        tokio::task::spawn_blocking(move || giving.settle(&snapshot));
    }

    /// The same at once. Blocks.
    pub(crate) fn settle(self: &Arc<Self>, snapshot: &(ShareId, BlobHash)) {
        let asked = self
            .lock()
            .snapshots
            .get(snapshot)
            .map(|it| (it.id, it.size));
        let Some((id, size)) = asked else {
            return;
        };
        let (mut held, edges) = match self.shares.held(snapshot, size) {
            Ok(Some(held)) => held,
            Ok(None) => return self.withdraw(snapshot),
            Err(error) => return tracing::warn!(%error, "what is shared cannot be looked up"),
        };
        let mut state = self.lock();
        let now = self.clock.now();
        self.shares.underways().add_held(snapshot, &mut held);
        if !state.provider.handle_here(now, id, &held, edges.as_ref()) {
            state.forget(snapshot, id);
        }
        drop(state);
        // Has it written.
        self.tell(|_, _| ());
    }

    /// Tells an asker, who may have what it asks for, who else provides it.
    fn introduce(self: &Arc<Self>, asker: &Asker) {
        let referrals = asker.referrals(&self.shares);
        self.tell(|provider, now| provider.handle_referrals(now, asker.id, &referrals));
    }

    /// Tells those who ask for a share who provides it since it was last looked.
    async fn introduce_all(self: &Arc<Self>, shares: BTreeSet<ShareId>) {
        let askers = self.lock().askers.values().cloned().collect::<Vec<_>>();
        let askers = (askers.into_iter()).filter(|asker| shares.contains(&asker.key().0));
        let (giving, askers) = (Arc::clone(self), askers.collect::<Vec<_>>());
        let introduced = tokio::task::spawn_blocking(move || {
            for asker in askers.into_iter().filter(|asker| giving.judge(asker)) {
                giving.introduce(&asker);
            }
        });
        // Fails only where the runtime stops.
        let _ = introduced.await;
    }

    /// An asker's stream is over.
    pub(super) fn leave(self: &Arc<Self>, asker: &Asker) {
        self.tell(|provider, now| provider.handle_closed(now, asker.id));
        let mut state = self.lock();
        state.askers.remove(&asker.id);
        let snapshot = state.snapshots.get_mut(&asker.key());
        // It may have asked for one that was withdrawn since.
        let Some(snapshot) = snapshot.filter(|it| Arc::ptr_eq(&it.reading, &asker.reading)) else {
            return;
        };
        snapshot.askers -= 1;
        if snapshot.askers == 0 {
            let id = snapshot.id;
            state.snapshots.remove(&asker.key());
            drop(state);
            self.tell(|provider, now| provider.handle_withdrawn(now, id));
        }
    }

    /// An asker said something.
    pub(super) fn hear(self: &Arc<Self>, asker: AskerId, message: AskerMessage) {
        self.tell(|provider, now| provider.handle_message(now, asker, message));
    }

    /// Answers a request, or the next piece of it from `from` on, on a blocking thread. What a disk does not give in time is told as changed: whoever asks
    /// for it then hears whether it is there.
    pub(super) fn serve(self: &Arc<Self>, asker: Arc<Asker>, ask: Ask, from: Option<u64>) {
        let giving = Arc::clone(self);
        tokio::spawn(async move {
            let data = match giving.read_in_time(&asker, ask, from).await {
                Some(read) => read,
                None => {
                    giving.shares.note_unread(&asker.key().0);
                    Err(DropReason::Changed)
                }
            };
            match data {
                Ok(Some(data)) => {
                    asker.send(Outgoing::Data(data));
                }
                Ok(None) => {}
                Err(reason) => {
                    giving.tell(|provider, now| {
                        provider.handle_failed(now, asker.id, ask.id, reason);
                    });
                }
            }
        });
    }

    /// Reads what answers a request; `None` where the disk does not answer.
    async fn read_in_time(
        self: &Arc<Self>,
        asker: &Arc<Asker>,
        ask: Ask,
        from: Option<u64>,
    ) -> Option<Result<Option<Data>, DropReason>> {
        let read = self.reads.begin(asker.key().0, Instant::now())?;
        let (giving, asker) = (Arc::clone(self), Arc::clone(asker));
        let reading = tokio::task::spawn_blocking(move || {
            let _read = read;
            giving.read(&asker, ask, from)
        });
        let read = tokio::time::timeout(READ_WITHIN, reading).await.ok()?;
        // Fails only where the runtime stops.
        Some(read.unwrap_or(Ok(None)))
    }

    /// The same where nothing has to be waited for, which takes no other thread.
    pub(super) fn serve_at_once(
        self: &Arc<Self>,
        asker: &Asker,
        ask: Ask,
        from: Option<u64>,
    ) -> Option<Data> {
        if !asker.is_judged(self.clock.now()) {
            return None;
        }
        let mut piece = self.piece(ask, from);
        let bytes = &mut piece.buffer.bytes;
        let until = (asker.reading).read_at_once(ask.what, piece.begin, bytes)?;
        Some(piece.announced(until))
    }

    /// A request was answered in full.
    pub(super) fn served(self: &Arc<Self>, asker: AskerId, request: u64) {
        self.tell(|provider, now| provider.handle_served(now, asker, request));
    }

    fn read(
        self: &Arc<Self>,
        asker: &Asker,
        ask: Ask,
        from: Option<u64>,
    ) -> Result<Option<Data>, DropReason> {
        if !self.judge(asker) {
            return Ok(None);
        }
        let mut piece = self.piece(ask, from);
        let bytes = &mut piece.buffer.bytes;
        match asker.reading.read(ask.what, piece.begin, bytes) {
            Ok(until) => Ok(Some(piece.announced(until))),
            Err(ReadError::Missing) => Err(DropReason::Missing),
            Err(ReadError::Changed) => Err(DropReason::Changed),
            Err(ReadError::Vanished) => {
                self.withdraw(&asker.key());
                Ok(None)
            }
            Err(ReadError::Database(error)) => {
                tracing::warn!(%error, "what is shared cannot be looked up");
                Err(DropReason::Missing)
            }
        }
    }

    /// A piece of what answers a request, to be read.
    fn piece(&self, ask: Ask, from: Option<u64>) -> Piece {
        let mut buffer = self.buffers.take(FRONT_BYTES + ROOM_BYTES);
        buffer.bytes.extend(&[0; FRONT_BYTES]);
        let begin = match ask.what {
            What::Span(span) => from.unwrap_or(span.start),
            What::Node(_) => 0,
        };
        Piece { ask, begin, buffer }
    }

    /// Tells all who ask for a snapshot that it is not here. They come again, and by then it may be on its way here.
    pub(in crate::content) fn withdraw(self: &Arc<Self>, snapshot: &(ShareId, BlobHash)) {
        // Who comes again is not told what was here.
        let withdrawn = self.lock().snapshots.remove(snapshot);
        if let Some(withdrawn) = withdrawn {
            self.tell(|provider, now| provider.handle_withdrawn(now, withdrawn.id));
        }
    }

    /// Whether an asker still may have what it asks for; one that may not is told so. Blocks.
    fn judge(self: &Arc<Self>, asker: &Asker) -> bool {
        let now = self.clock.now();
        if asker.is_judged(now) {
            return true;
        }
        let held = match asker.judge(&self.shares, now) {
            Ok(held) => held,
            Err(error) => {
                tracing::warn!(%error, "what is shared cannot be looked up");
                false
            }
        };
        if !held {
            self.tell(|provider, now| provider.handle_forbidden(now, asker.id));
        }
        held
    }

    async fn judge_all(self: &Arc<Self>) {
        let askers: Vec<Arc<Asker>> = self.lock().askers.values().cloned().collect();
        let giving = Arc::clone(self);
        let judged = tokio::task::spawn_blocking(move || {
            for asker in askers {
                asker.doubt();
                giving.judge(&asker);
            }
            giving.settle_all();
        });
        // Fails only where the runtime stops.
        let _ = judged.await;
    }

    /// Looks what is here of everything that is asked for: who was told of what is gone comes again, and is told anew. Blocks.
    fn settle_all(self: &Arc<Self>) {
        let asked: Vec<Key> = self.lock().snapshots.keys().copied().collect();
        for snapshot in asked {
            self.settle(&snapshot);
        }
    }
}

impl State {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// The snapshot, with one asker more.
    fn snapshot(
        &mut self,
        shares: &Arc<Shares>,
        mut holding: Holding,
        now: Time,
    ) -> (SnapshotId, Arc<Reading>) {
        let key = (holding.share, holding.root);
        // More may have come, and been told, since it was looked what is here.
        shares.underways().add_held(&key, &mut holding.held);
        let known = self.snapshots.get(&key).map(|known| known.id);
        // Files of it may have come or gone since.
        if let Some(id) = known
            && !(self.provider).handle_here(now, id, &holding.held, holding.edges.as_ref())
        {
            self.forget(&key, id);
        }
        if !self.snapshots.contains_key(&key) {
            let id = SnapshotId(self.number());
            self.provider
                .handle_snapshot(now, id, holding.size, holding.held);
            if let Some(edges) = holding.edges {
                self.provider.handle_final(now, id, &edges);
            }
            let reading = Reading::new(Arc::clone(shares), holding.share, holding.root);
            let snapshot = Snapshot {
                id,
                size: holding.size,
                reading: Arc::new(reading),
                askers: 0,
            };
            self.snapshots.insert(key, snapshot);
        }
        let snapshot = self.snapshots.get_mut(&key).expect("it was just inserted");
        snapshot.askers += 1;
        (snapshot.id, Arc::clone(&snapshot.reading))
    }

    /// A snapshot is not provided any more as it was told, and all who ask for it have been told so.
    fn forget(&mut self, key: &Key, id: SnapshotId) {
        if self.snapshots.get(key).is_some_and(|known| known.id == id) {
            self.snapshots.remove(key);
        }
    }

    /// Hands on what is to be written and served.
    fn hand_on(&mut self, now: Time) {
        while let Some(output) = self.provider.poll_output() {
            match output {
                Output::Send { asker, message } => {
                    let Some(known) = self.askers.get(&asker) else {
                        continue;
                    };
                    if !known.send(Outgoing::Message(message)) {
                        // It does not read what it is told.
                        self.askers.remove(&asker);
                        self.provider.handle_closed(now, asker);
                    }
                }
                Output::Serve { asker, ask, .. } => {
                    if let Some(known) = self.askers.get(&asker) {
                        known.send(Outgoing::Serve { ask, from: None });
                    }
                }
                Output::Close { asker, .. } => {
                    if let Some(known) = self.askers.remove(&asker) {
                        known.send(Outgoing::Close);
                    }
                }
            }
        }
    }
}

impl Piece {
    /// What was read, up to the place `until`, with the message that announces it in place of what was left free in front.
    fn announced(mut self, until: u64) -> Data {
        let encoded = (self.buffer.bytes.len() - FRONT_BYTES) as u64;
        let id = self.ask.id;
        let message = ProviderMessage::Data { id, until, encoded };
        let frame = codec::frame(&codec::encode(&message));
        let start = FRONT_BYTES - frame.len();
        self.buffer.bytes.as_mut()[start..FRONT_BYTES].copy_from_slice(&frame);
        let (given, next) = match self.ask.what {
            What::Span(span) => (until - self.begin, (until < span.end).then_some(until)),
            What::Node(_) => (0, None),
        };
        Data {
            bytes: Bytes::from_owner(self.buffer).slice(start..),
            given,
            ask: self.ask,
            next,
        }
    }
}
