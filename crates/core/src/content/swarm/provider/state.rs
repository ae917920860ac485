//! The [`Provider`] machine: gives what is held to those who ask, so much to each.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::asker::Asker;
use super::output::{AskerId, CloseReason, Output, SnapshotId};
use super::snapshot::{Snapshot, finals, stride};
use crate::content::providers::Heard;
use crate::content::referral::Referral;
use crate::content::swarm::config::{ASKERS_MAX, HAVE_EVERY, ProviderConfig};
use crate::content::swarm::holdings::Holdings;
use crate::content::swarm::ranges::Ranges;
use crate::content::swarm::span::Tiling;
use crate::content::swarm::wire::{
    Ask, AskerMessage, DropReason, EDGES_MAX, PROVIDERS_MAX, ProviderMessage, REQUESTS_MAX,
    SUGGESTIONS_MAX, What,
};
use crate::ids::DeviceKey;
use crate::random::{Random, Seed};
use crate::time::Time;

/// The machine.
#[derive(Clone, Debug)]
pub struct Provider {
    pub(super) config: ProviderConfig,
    random: Random,
    pub(super) now: Time,
    pub(super) snapshots: BTreeMap<SnapshotId, Snapshot>,
    pub(super) askers: BTreeMap<AskerId, Asker>,
    /// The same by device and what it asks for: several are streams to one transfer.
    pub(super) streams: BTreeMap<(DeviceKey, SnapshotId), BTreeSet<AskerId>>,
    /// Those with a place.
    pub(super) placed: BTreeSet<AskerId>,
    /// When somebody last gave up a place for its age.
    pub(super) rotated_at: Time,
    /// When a place may go to somebody else.
    pub(super) places_at: Option<Time>,
    pub(super) outputs: VecDeque<Output>,
}

impl Provider {
    /// A provider of nothing.
    pub fn new(config: ProviderConfig, seed: Seed, now: Time) -> Self {
        Self {
            config,
            random: Random::new(seed),
            now,
            snapshots: BTreeMap::new(),
            askers: BTreeMap::new(),
            streams: BTreeMap::new(),
            placed: BTreeSet::new(),
            rotated_at: now,
            places_at: None,
            outputs: VecDeque::new(),
        }
    }

    /// A snapshot of `size` bytes is provided, of which these chunks are whole. One that is provided already stays as it is.
    pub fn handle_snapshot(&mut self, now: Time, id: SnapshotId, size: u64, held: Holdings) {
        self.now = now;
        let tiling = Tiling::new(size);
        let from = self.random.below(u64::from(tiling.count()));
        let from = u32::try_from(from).expect("below a u32");
        self.snapshots.entry(id).or_insert_with(|| Snapshot {
            tiling,
            // Holdings of another snapshot hold nothing of this one.
            held: if held.chunks() == tiling.count() {
                held
            } else {
                Holdings::none(tiling.count())
            },
            edges: Ranges::default(),
            is_final: false,
            news: BTreeSet::new(),
            tell_at: None,
            askers: BTreeSet::new(),
            suggested: 0,
            stride: stride(tiling.count(), from),
        });
    }

    /// Of a snapshot some files were fetched, and no more will come: beside the chunks that are whole these bytes are here, and those that were told
    /// so before. Whoever asks for it is told.
    pub fn handle_final(&mut self, now: Time, id: SnapshotId, edges: &Ranges) {
        self.now = now;
        self.tell_news(id);
        let Some(snapshot) = self.snapshots.get_mut(&id) else {
            return;
        };
        let was_final = std::mem::replace(&mut snapshot.is_final, true);
        let new = snapshot.hold_edges(edges);
        if was_final && new.is_empty() || snapshot.held.is_all() {
            return;
        }
        let all = snapshot.spans(&snapshot.edges);
        for id in snapshot.askers.clone() {
            let Some(asker) = self.askers.get_mut(&id) else {
                continue;
            };
            // Who was told before is told what is new.
            let told = if asker.edges_told.is_some() {
                &new
            } else {
                &all
            };
            let room = EDGES_MAX - asker.edges_told.unwrap_or(0).min(EDGES_MAX);
            let told = &told[..told.len().min(room)];
            asker.edges_told = Some(asker.edges_told.unwrap_or(0) + told.len());
            for message in finals(told) {
                self.send(id, message);
            }
        }
    }

    /// More of a snapshot is being fetched: whoever asks for it from now on waits for that.
    pub fn handle_growing(&mut self, now: Time, id: SnapshotId) {
        self.now = now;
        if let Some(snapshot) = self.snapshots.get_mut(&id) {
            snapshot.is_final = false;
        }
    }

    /// One more chunk is whole.
    pub fn handle_held(&mut self, now: Time, id: SnapshotId, chunk: u32) {
        self.now = now;
        if let Some(snapshot) = self.snapshots.get_mut(&id)
            && snapshot.held.insert(chunk)
            && !snapshot.askers.is_empty()
        {
            // Who hears of it counts on more.
            snapshot.is_final = false;
            snapshot.news.insert(chunk);
            snapshot.tell_at = snapshot.tell_at.or(Some(now + HAVE_EVERY));
        }
    }

    /// This is here of a snapshot now: these chunks whole, and these bytes of others where no more is being fetched. Where all that was told of is
    /// among it, what is new is told; else the snapshot is withdrawn, and whoever comes again is told anew. Whether it is still provided.
    pub fn handle_here(
        &mut self,
        now: Time,
        id: SnapshotId,
        held: &Holdings,
        edges: Option<&Ranges>,
    ) -> bool {
        let Some(snapshot) = self.snapshots.get(&id) else {
            return false;
        };
        if !snapshot.is_within(held, edges) {
            self.handle_withdrawn(now, id);
            return false;
        }
        if !snapshot.held.is_all() {
            for chunk in held.iter() {
                self.handle_held(now, id, chunk);
            }
            match edges {
                Some(edges) => self.handle_final(now, id, edges),
                None => self.handle_growing(now, id),
            }
        }
        true
    }

    /// A snapshot is not provided any more: everybody who asks for it is told so, and what is being sent is to be broken off.
    pub fn handle_withdrawn(&mut self, now: Time, id: SnapshotId) {
        self.now = now;
        let Some(snapshot) = self.snapshots.remove(&id) else {
            return;
        };
        for asker in snapshot.askers {
            self.close(asker, CloseReason::Gone);
        }
        self.go_on();
    }

    /// A stream was opened by a device that may have the snapshot.
    pub fn handle_asker(&mut self, now: Time, id: AskerId, device: DeviceKey, of: SnapshotId) {
        self.now = now;
        let is_full = self.askers.len() >= ASKERS_MAX;
        self.tell_news(of);
        let Some(snapshot) = self.snapshots.get_mut(&of).filter(|_| !is_full) else {
            self.send(id, ProviderMessage::Gone);
            let reason = if is_full {
                CloseReason::Full
            } else {
                CloseReason::Gone
            };
            self.outputs.push_back(Output::Close { asker: id, reason });
            return;
        };
        snapshot.askers.insert(id);
        let holdings = snapshot.holdings();
        let mut asker = Asker::new(of, device);
        asker.edges_told = (snapshot.is_final).then(|| snapshot.spans(&snapshot.edges).len());
        self.askers.insert(id, asker);
        self.streams.entry((device, of)).or_default().insert(id);
        for message in holdings {
            self.send(id, message);
        }
    }

    /// An asker may not have the snapshot any more: a grant ended, it was blocked.
    pub fn handle_forbidden(&mut self, now: Time, id: AskerId) {
        self.now = now;
        self.close(id, CloseReason::Gone);
        self.go_on();
    }

    /// Its stream ended by itself.
    pub fn handle_closed(&mut self, now: Time, id: AskerId) {
        self.now = now;
        self.forget(id);
        self.go_on();
    }

    /// An asker said something, after its `Open`.
    pub fn handle_message(&mut self, now: Time, id: AskerId, message: AskerMessage) {
        self.now = now;
        if !self.askers.contains_key(&id) {
            return;
        }
        let is_fine = message.is_bounded()
            && match message {
                AskerMessage::Open(_) => false,
                AskerMessage::Interest(is_interested) => {
                    self.take_interest(id, is_interested);
                    true
                }
                AskerMessage::Request(asks) => self.take_requests(id, asks),
                AskerMessage::Cancel(ids) => {
                    self.take_cancel(id, &ids);
                    true
                }
            };
        if !is_fine {
            self.close(id, CloseReason::Breach);
        }
        self.go_on();
    }

    /// A request has been answered in full, as far as we know: it was written to the stream.
    pub fn handle_served(&mut self, now: Time, id: AskerId, request: u64) {
        self.now = now;
        if let Some(asker) = self.askers.get_mut(&id)
            && asker.serving.remove(&request)
            && let Some(place) = &mut asker.place
        {
            place.used = now;
        }
        self.go_on();
    }

    /// A request cannot be answered: the asker is told why, and asks for this of others.
    pub fn handle_failed(&mut self, now: Time, id: AskerId, request: u64, reason: DropReason) {
        self.handle_served(now, id, request);
        if self.askers.contains_key(&id) {
            let ids = vec![request];
            self.send(id, ProviderMessage::Dropped { ids, reason });
        }
    }

    /// Tells an asker of others who provide the snapshot, of each device once, and again where it was heard of again
    /// [much later](crate::content::swarm::config::REFERRED_AGAIN_AFTER); of [`REFERRALS_MAX`](crate::content::swarm::config::REFERRALS_MAX) at most. Whom it may know of is the caller's
    /// to decide.
    pub fn handle_referrals(&mut self, now: Time, id: AskerId, providers: &[Heard]) {
        self.now = now;
        let Some(asker) = self.askers.get_mut(&id) else {
            return;
        };
        let new: Vec<Referral> = (providers.iter())
            .filter(|heard| asker.is_news(heard))
            .map(|heard| heard.referral.clone())
            .collect();
        for providers in new.chunks(PROVIDERS_MAX) {
            self.send(id, ProviderMessage::Providers(providers.to_vec()));
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        let due: Vec<SnapshotId> = (self.snapshots.iter())
            .filter(|(_, snapshot)| snapshot.tell_at.is_some_and(|at| at <= now))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            self.tell_news(id);
        }
        self.go_on();
    }

    /// When [`Provider::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Time> {
        let news = self.snapshots.values().filter_map(|it| it.tell_at);
        news.chain(self.places_at).min()
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn take_interest(&mut self, id: AskerId, is_interested: bool) {
        if let Some(asker) = self.askers.get_mut(&id) {
            asker.is_interested = is_interested;
            if !is_interested && asker.is_idle() {
                self.take_place(id);
            }
        }
    }

    /// Says whether the requests keep to the protocol.
    fn take_requests(&mut self, id: AskerId, asks: Vec<Ask>) -> bool {
        let Some(asker) = self.askers.get_mut(&id) else {
            return true;
        };
        let Some(snapshot) = self.snapshots.get(&asker.snapshot) else {
            return true;
        };
        if let Some(place) = &mut asker.place {
            place.used = self.now;
        }
        let (mut busy, mut missing) = (Vec::new(), Vec::new());
        for ask in asks {
            if asker.queue.len() + asker.serving.len() >= REQUESTS_MAX || asker.uses(ask.id) {
                return false;
            }
            let is_here = match ask.what {
                What::Node(_) => true,
                What::Span(span) if snapshot.tiling.is_request(span) => snapshot.holds(span),
                What::Span(_) => return false,
            };
            if asker.place.is_none() {
                busy.push(ask.id);
            } else if is_here {
                if let What::Span(span) = ask.what {
                    for chunk in snapshot.tiling.touched(span) {
                        asker.suggested.remove(&chunk);
                    }
                }
                asker.queue.push_back(ask);
            } else {
                missing.push(ask.id);
            }
        }
        self.drop_requests(id, busy, DropReason::Busy);
        self.drop_requests(id, missing, DropReason::Missing);
        self.suggest(id);
        true
    }

    /// Tells an asker with a place what nobody else was told to ask for.
    pub(super) fn suggest(&mut self, id: AskerId) {
        let Some(asker) = self.askers.get_mut(&id) else {
            return;
        };
        // In batches, so that not each request has a message for answer.
        if asker.place.is_none() || asker.suggested.len() > SUGGESTIONS_MAX / 2 {
            return;
        }
        let Some(snapshot) = self.snapshots.get_mut(&asker.snapshot) else {
            return;
        };
        let chunks: Vec<u32> = std::iter::from_fn(|| snapshot.suggest())
            .take(SUGGESTIONS_MAX - asker.suggested.len())
            .collect();
        asker.suggested.extend(&chunks);
        if !chunks.is_empty() {
            self.send(id, ProviderMessage::Suggest(chunks));
        }
    }

    fn take_cancel(&mut self, id: AskerId, ids: &[u64]) {
        if let Some(asker) = self.askers.get_mut(&id) {
            let is_cancelled = |ask: &Ask| ids.contains(&ask.id);
            let cancelled = asker.queue.iter().filter(|ask| is_cancelled(ask));
            let cancelled = cancelled.map(|ask| ask.id).collect();
            asker.queue.retain(|ask| !is_cancelled(ask));
            self.drop_requests(id, cancelled, DropReason::Cancelled);
        }
    }

    /// Tells an asker that these are not answered, if any.
    pub(super) fn drop_requests(&mut self, id: AskerId, ids: Vec<u64>, reason: DropReason) {
        if !ids.is_empty() {
            self.send(id, ProviderMessage::Dropped { ids, reason });
        }
    }

    pub(super) fn send(&mut self, asker: AskerId, message: ProviderMessage) {
        self.outputs.push_back(Output::Send { asker, message });
    }

    fn tell_news(&mut self, id: SnapshotId) {
        if let Some(snapshot) = self.snapshots.get_mut(&id) {
            let messages = snapshot.take_news();
            for asker in &snapshot.askers {
                let sends = messages.iter().map(|message| Output::Send {
                    asker: *asker,
                    message: message.clone(),
                });
                self.outputs.extend(sends);
            }
        }
    }

    fn close(&mut self, id: AskerId, reason: CloseReason) {
        if self.askers.contains_key(&id) {
            if reason == CloseReason::Gone {
                self.send(id, ProviderMessage::Gone);
            }
            self.outputs.push_back(Output::Close { asker: id, reason });
            self.forget(id);
        }
    }

    fn forget(&mut self, id: AskerId) {
        let Some(asker) = self.askers.remove(&id) else {
            return;
        };
        self.placed.remove(&id);
        let key = (asker.device, asker.snapshot);
        if let Some(streams) = self.streams.get_mut(&key) {
            streams.remove(&id);
            if streams.is_empty() {
                self.streams.remove(&key);
            }
        }
        if let Some(snapshot) = self.snapshots.get_mut(&asker.snapshot) {
            snapshot.askers.remove(&id);
        }
    }
}
