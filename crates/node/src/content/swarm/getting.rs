//! The node's one getter, which all transfers share, so that they are fair to each other and keep its bounds together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use kith_core::content::Referral;
use kith_core::content::swarm::getter::{EndReason, Output, Path, SourceId, TransferId, Who};
use kith_core::content::swarm::wire::AskerMessage;
use kith_core::content::swarm::{Getter, GetterConfig, Holdings, Part};
use kith_core::random::Seed;
use kith_core::time::Time;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc, oneshot};

use super::clock::Clock;
use super::end::SourceEnd;
use crate::content::givers::{Giver, Givers};

/// Messages that wait to be written to one source: those of all the requests that one may owe, many times over. A source that reads
/// none of them is done without.
const MESSAGES_MAX: usize = 1024;

/// The getter of a node.
#[derive(Debug)]
pub struct Getting {
    state: Mutex<State>,
    clock: Clock,
    /// The machine is due sooner than it was.
    sooner: Notify,
}

#[derive(Debug)]
struct State {
    getter: Getter,
    /// The number of the next transfer or source.
    next: u64,
    sources: BTreeMap<SourceId, Line>,
    /// Who is told what becomes of a transfer.
    followers: BTreeMap<TransferId, Followers>,
    /// Who lied since it was last looked, each once: a source at least for each.
    lied: Vec<Who>,
    /// When whoever waits for the machine wakes up.
    due: Option<Time>,
}

/// Who is told what becomes of a transfer. What waits for them is bounded by its chunks, and by what its sources may name.
#[derive(Debug, Default)]
struct Followers {
    held: Option<mpsc::UnboundedSender<u32>>,
    learned: Option<mpsc::UnboundedSender<Vec<Referral>>>,
}

/// What leads to the task of a source.
#[derive(Debug)]
struct Line {
    messages: mpsc::Sender<AskerMessage>,
    end: oneshot::Sender<SourceEnd>,
    who: Who,
    /// Told when a further lane beside it is worth asking for; `None` where it is no express lane.
    lane: Option<Arc<Notify>>,
}

/// A transfer that the machine knows, until this is dropped.
#[derive(Debug)]
pub(super) struct Ongoing {
    getting: Arc<Getting>,
    id: TransferId,
    givers: Givers,
}

/// A source that the machine knows, until this is dropped.
#[derive(Debug)]
pub(super) struct Joined {
    getting: Arc<Getting>,
    pub(super) id: SourceId,
    /// What to tell it.
    pub(super) messages: mpsc::Receiver<AskerMessage>,
    /// Why it is done without.
    pub(super) end: oneshot::Receiver<SourceEnd>,
}

impl Getting {
    /// One without transfers. [`Getting::run`] is to be run beside it.
    pub fn new(config: GetterConfig, seed: Seed) -> Self {
        let clock = Clock::new();
        let state = State {
            getter: Getter::new(config, seed, clock.now()),
            next: 0,
            sources: BTreeMap::new(),
            followers: BTreeMap::new(),
            lied: Vec::new(),
            due: None,
        };
        Self {
            state: Mutex::new(state),
            clock,
            sooner: Notify::new(),
        }
    }

    /// Wakes the machine when it is due, and has each remembered who lies. Never ends.
    pub async fn run<Remembering: Future<Output = ()>>(
        &self,
        remember: impl Fn(Who) -> Remembering,
    ) {
        loop {
            let sooner = self.sooner.notified();
            for who in self.take_lied() {
                remember(who).await;
            }
            let due = self.tell(|getter, _| getter.poll_timeout());
            match due {
                Some(due) => {
                    let due = self.clock.instant(due);
                    if tokio::time::timeout_at(due, sooner).await.is_err() {
                        self.tell(Getter::handle_timeout);
                    }
                }
                None => sooner.await,
            }
        }
    }

    fn take_lied(&self) -> Vec<Who> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut state.lied)
    }

    /// Tells the machine something, and hands on what follows.
    pub fn tell<T>(&self, what: impl FnOnce(&mut Getter, Time) -> T) -> T {
        self.tell_of_a_lie(None, what)
    }

    /// Tells the machine that a source lied, and all whom it ends for that what about.
    pub(super) fn blame(&self, source: SourceId, lie: &str) {
        self.tell_of_a_lie(Some(lie), |getter, now| getter.handle_invalid(now, source));
    }

    fn tell_of_a_lie<T>(&self, lie: Option<&str>, what: impl FnOnce(&mut Getter, Time) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let told = what(&mut state.getter, now);
        state.hand_on(now, lie);
        let due = state.getter.poll_timeout();
        let is_sooner = due.is_some_and(|due| state.due.is_none_or(|before| due < before));
        if is_sooner || !state.lied.is_empty() {
            self.sooner.notify_one();
        }
        state.due = due;
        told
    }

    /// Begins a transfer of a snapshot of so many bytes, which tells `givers` who gives; `None` when there are too many.
    pub(super) fn begin(self: &Arc<Self>, size: u64, givers: &Givers) -> Option<Ongoing> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let id = TransferId(state.number());
        if !state.getter.handle_transfer(self.clock.now(), id, size) {
            return None;
        }
        drop(state);
        let getting = Arc::downgrade(self);
        givers.begin(size, move || {
            let getting = getting.upgrade();
            getting.map_or_else(Vec::new, |getting| getting.givers(id))
        });
        Some(Ongoing {
            getting: Arc::clone(self),
            id,
            givers: givers.clone(),
        })
    }

    /// Who gives something of a transfer, or gave.
    pub(in crate::content) fn givers(&self, transfer: TransferId) -> Vec<Giver> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_lane = |source: &SourceId| {
            let line = state.sources.get(source);
            line.is_some_and(|line| line.lane.is_some())
        };
        let givers = state.getter.givers(self.clock.now(), transfer).into_iter();
        let told = givers.map(|giver| {
            let is_lane = giver.stream.is_some_and(|(source, _)| is_lane(&source));
            Giver::told(giver, is_lane)
        });
        told.collect()
    }

    /// The chunks of a transfer that are whole, if it is known.
    pub(in crate::content) fn whole(&self, transfer: TransferId) -> Option<Holdings> {
        self.tell(|getter, _| getter.whole(transfer).cloned())
    }

    /// What of a transfer's snapshot is here, if it is known.
    pub(in crate::content) fn part(&self, transfer: TransferId) -> Option<Part> {
        self.tell(|getter, _| getter.part(transfer))
    }

    /// The chunks of a transfer that are whole from now on, as they come, until it ends.
    pub(super) fn held(&self, transfer: TransferId) -> mpsc::UnboundedReceiver<u32> {
        let (sender, held) = mpsc::unbounded_channel();
        self.follow(transfer, |followers| followers.held = Some(sender));
        held
    }

    /// Who else provides a transfer's snapshot, as its sources say from now on, until it ends.
    pub(super) fn learned(&self, transfer: TransferId) -> mpsc::UnboundedReceiver<Vec<Referral>> {
        let (sender, learned) = mpsc::unbounded_channel();
        self.follow(transfer, |followers| followers.learned = Some(sender));
        learned
    }

    fn follow(&self, transfer: TransferId, change: impl FnOnce(&mut Followers)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(state.followers.entry(transfer).or_default());
    }

    /// A stream to a source of a transfer stands. Of an express lane `lane` is told when a further one is worth asking for.
    pub(super) fn join(
        self: &Arc<Self>,
        transfer: TransferId,
        who: Who,
        path: Path,
        lane: Option<Arc<Notify>>,
    ) -> Joined {
        let (sender, messages) = mpsc::channel(MESSAGES_MAX);
        let (end_sender, end) = oneshot::channel();
        let is_lane = lane.is_some();
        let line = Line {
            messages: sender,
            end: end_sender,
            who,
            lane,
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let id = SourceId(state.number());
        state.sources.insert(id, line);
        drop(state);
        self.tell(|getter, now| {
            getter.handle_source(now, id, transfer, who, path);
            if is_lane {
                getter.handle_lane(now, id);
            }
        });
        Joined {
            getting: Arc::clone(self),
            id,
            messages,
            end,
        }
    }
}

impl State {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn hand_on(&mut self, now: Time, lie: Option<&str>) {
        while let Some(output) = self.getter.poll_output() {
            match output {
                Output::Send { source, message } => self.send(now, source, message),
                Output::End { source, reason } => self.end(source, reason, lie),
                Output::Held { transfer, chunk } => {
                    let followers = self.followers.get(&transfer);
                    if let Some(held) = followers.and_then(|it| it.held.as_ref()) {
                        // Who listened may just have ended.
                        let _ = held.send(chunk);
                    }
                }
                Output::Learned {
                    transfer,
                    providers,
                } => {
                    let followers = self.followers.get(&transfer);
                    if let Some(learned) = followers.and_then(|it| it.learned.as_ref()) {
                        let _ = learned.send(providers);
                    }
                }
                Output::FurtherLane { source } => {
                    let line = self.sources.get(&source);
                    if let Some(lane) = line.and_then(|line| line.lane.as_ref()) {
                        lane.notify_one();
                    }
                }
                // The staging folder is compared with the hashes when a transfer goes on, and the transfer counts what is written; what a
                // source lacks is told by its stream, which knows the file.
                Output::Changed { .. } | Output::Verified { .. } | Output::Done { .. } => {}
            }
        }
    }

    fn send(&mut self, now: Time, source: SourceId, message: AskerMessage) {
        let Some(line) = self.sources.get(&source) else {
            return;
        };
        if let Err(TrySendError::Full(_)) = line.messages.try_send(message) {
            self.end(source, EndReason::Stalled, None);
            self.getter.handle_closed(now, source);
        }
    }

    fn end(&mut self, source: SourceId, reason: EndReason, lie: Option<&str>) {
        if let Some(line) = self.sources.remove(&source) {
            if reason == EndReason::Lied && !self.lied.contains(&line.who) {
                self.lied.push(line.who);
            }
            // Its task may have ended by itself.
            let _ = line.end.send(SourceEnd::decided(reason, lie));
        }
    }
}

impl Ongoing {
    /// Its number.
    pub(super) fn id(&self) -> TransferId {
        self.id
    }

    /// The machine that knows it.
    pub(super) fn getting(&self) -> &Arc<Getting> {
        &self.getting
    }
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        let id = self.id;
        self.givers.end(self.getting.givers(id));
        self.getting
            .tell(|getter, now| getter.handle_transfer_ended(now, id));
        let mut state = (self.getting.state.lock()).unwrap_or_else(PoisonError::into_inner);
        state.followers.remove(&id);
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        let id = self.id;
        self.getting
            .tell(|getter, now| getter.handle_closed(now, id));
        let mut state = (self.getting.state.lock()).unwrap_or_else(PoisonError::into_inner);
        state.sources.remove(&id);
    }
}
