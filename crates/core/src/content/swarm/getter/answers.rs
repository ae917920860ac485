//! What sources say, and what follows from it.

use super::output::{EndReason, Output, SourceId};
use super::source::Source;
use super::state::Getter;
use crate::content::referral::Referral;
use crate::content::swarm::config::REFERRALS_MAX;
use crate::content::swarm::holdings::Holdings;
use crate::content::swarm::span::Span;
use crate::content::swarm::wire::{DropReason, ProviderMessage, Run, SPAN_BYTES_MAX, What};
use crate::content::wire::RANGE_BYTES_MAX;
use crate::time::Time;

/// What raw bytes of a source must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// What was asked for.
    pub what: What,
    /// All groups that begin before this place came earlier; 0 for a node.
    pub from: u64,
    /// The groups that begin from there up to here follow; for a node, its size.
    pub until: u64,
}

impl Getter {
    /// A source said something. After [`ProviderMessage::Data`] follow raw bytes: [`Getter::due`] tells what they must be, unless the
    /// source has been ended.
    pub fn handle_message(&mut self, now: Time, id: SourceId, message: ProviderMessage) {
        self.now = now;
        if !self.sources.contains_key(&id) {
            return;
        }
        let is_fine = message.is_bounded() && self.take(id, message);
        if !is_fine {
            self.end_device(id, EndReason::Breach);
        }
        self.schedule();
    }

    /// What a source said cannot be read: it broke the protocol.
    pub fn handle_unreadable(&mut self, now: Time, id: SourceId) {
        self.now = now;
        self.end_device(id, EndReason::Breach);
        self.schedule();
    }

    /// What the raw bytes after a `Data` must be; `None` when nothing may follow, because the source has been ended.
    pub fn due(&self, source: SourceId, request: u64) -> Option<Due> {
        let pending = self.sources.get(&source)?.requests.get(&request)?;
        Some(Due {
            what: pending.what,
            from: pending.reached,
            until: pending.announced,
        })
    }

    /// All groups of a request that begin before `until` are verified; for a node, all of it when `until` is its size. The caller reports
    /// as often as it likes and writes what was not here before; [`Getter::handle_written`] follows for all of it.
    pub fn handle_verified(&mut self, now: Time, id: SourceId, request: u64, until: u64) {
        self.now = now;
        let Some(source) = self.sources.get_mut(&id) else {
            return;
        };
        let Some(pending) = source.requests.get_mut(&request) else {
            return;
        };
        let before = *pending;
        pending.reached = until.clamp(before.reached, before.announced);
        let (reached, after) = (pending.reached, *pending);
        let bytes = reached - before.reached;
        if bytes > 0 {
            source.progress_at = now;
            source.stalls = 0;
            source.put_offs = 0;
            if source.passed_until.take().is_some() {
                self.stirred.insert(source.who.device);
            }
        }
        let (who, transfer) = (source.who, source.transfer);
        let device = who.device;
        self.unwritten = self.unwritten.saturating_add(bytes);
        self.reduce(device, &before, before.bytes_left() - after.bytes_left());
        if let Some(link) = self.links.get_mut(&device) {
            link.pace.handle_bytes(now, bytes);
        }
        self.look_for_further_lane(id);
        if before.chunk.is_some() {
            let span = Span {
                start: before.reached,
                end: reached,
            };
            if let Some(transfer_state) = self.transfers.get_mut(&transfer) {
                let (new, whole) = transfer_state.hold(span);
                let sources = &self.sources;
                let serving = transfer_state.sources.iter();
                let serves = |who| {
                    (serving.clone()).any(|id| sources.get(id).is_some_and(|it| it.who == who))
                };
                for span in &new {
                    transfer_state.gives.add(now, who, *span, serves);
                }
                let verified = new.into_iter();
                self.outputs
                    .extend(verified.map(|span| Output::Verified { transfer, span }));
                let held = whole.into_iter();
                self.outputs
                    .extend(held.map(|chunk| Output::Held { transfer, chunk }));
            }
            self.refresh_edges(transfer, span);
        } else if let Some(transfer) = self.transfers.get_mut(&transfer)
            && bytes > 0
        {
            transfer.reckon(bytes);
        }
        if bytes > 0 && reached >= before.end {
            self.finish(id, request);
        }
        self.schedule();
    }

    /// What a source sent is not what was asked for: it lied. That is the end of all streams of its device to the transfer.
    pub fn handle_invalid(&mut self, now: Time, id: SourceId) {
        self.now = now;
        if let Some(source) = self.sources.get(&id) {
            let who = source.who;
            self.end_device(id, EndReason::Lied);
            self.handle_liar(now, who, now);
        }
    }

    /// Says whether the message keeps to the protocol.
    fn take(&mut self, id: SourceId, message: ProviderMessage) -> bool {
        match message {
            ProviderMessage::Everything => self.take_holdings(id, None),
            ProviderMessage::Holdings(bits) => self.take_holdings(id, Some(&bits)),
            ProviderMessage::Have(runs) => self.take_have(id, &runs),
            ProviderMessage::Free => {
                self.with_source(id, |source| source.is_free = true);
                true
            }
            ProviderMessage::Busy => {
                self.with_source(id, |source| source.is_free = false);
                true
            }
            ProviderMessage::Data {
                id: request,
                until,
                encoded: _,
            } => self.take_data(id, request, until),
            ProviderMessage::Dropped { ids, reason } => {
                let is_put_off = reason == DropReason::Busy && self.owes_any(id, &ids);
                let is_fine =
                    (ids.into_iter()).all(|request| self.take_dropped(id, request, reason));
                if is_put_off {
                    self.put_off(id);
                }
                is_fine
            }
            ProviderMessage::Providers(providers) => {
                self.take_referrals(id, providers);
                true
            }
            ProviderMessage::Suggest(chunks) => {
                self.with_source(id, |source| source.suggest(chunks));
                true
            }
            ProviderMessage::Gone => {
                self.end(id, EndReason::Gone);
                true
            }
            ProviderMessage::Final(spans) => self.take_final(id, &spans),
        }
    }

    /// Whether a source owes the answer to one of these requests.
    fn owes_any(&self, id: SourceId, requests: &[u64]) -> bool {
        let source = self.sources.get(&id);
        let owed = |request| source.and_then(|source| source.requests.get(request));
        (requests.iter()).any(|request| owed(request).is_some_and(|it| !it.is_cancelled))
    }

    fn with_source(&mut self, id: SourceId, change: impl FnOnce(&mut Source)) {
        if let Some(source) = self.sources.get_mut(&id) {
            change(source);
            self.touched.insert(id);
            self.stirred.insert(source.who.device);
        }
    }

    fn take_holdings(&mut self, id: SourceId, bits: Option<&[u8]>) -> bool {
        let Some(source) = self.sources.get_mut(&id) else {
            return true;
        };
        let chunks = source.holdings.chunks();
        let holdings = match bits {
            None => Ok(Holdings::all(chunks)),
            Some(bits) => Holdings::from_bytes(chunks, bits),
        };
        let (Ok(holdings), false) = (holdings, source.has_told) else {
            return false;
        };
        source.has_told = true;
        source.is_everything = holdings.is_all();
        source.is_growing = !source.is_everything;
        source.holdings = holdings;
        if let Some(transfer) = self.transfers.get_mut(&source.transfer) {
            source.add_copies(&mut transfer.picker);
        }
        self.with_source(id, |source| source.has_nothing = false);
        true
    }

    fn take_have(&mut self, id: SourceId, runs: &[Run]) -> bool {
        let Some(source) = self.sources.get_mut(&id) else {
            return true;
        };
        source.has_told = true;
        let Some(transfer) = self.transfers.get_mut(&source.transfer) else {
            return true;
        };
        let (mut is_new, mut is_news) = (false, false);
        for run in runs {
            // The caller has checked that this does not overflow.
            let end = run.first + run.count;
            if end > source.holdings.chunks() {
                return false;
            }
            for chunk in run.first..end {
                source.edges.remove(transfer.tiling.span(chunk));
                if !source.lost.contains(chunk) && source.holdings.insert(chunk) {
                    source.add_copy(chunk, &mut transfer.picker);
                    is_new = true;
                    is_news |= transfer.unfinished.contains(chunk);
                }
            }
        }
        // Who said that no more would come has begun to fetch again.
        source.is_growing |= std::mem::take(&mut source.is_final);
        source.is_growing &= !source.holdings.is_all() || !source.edges.is_empty();
        // The nodes of what it holds now came to it before. One that names what it named already has no more nodes than it had.
        let has_nodes = is_new && !source.lacks.is_empty();
        if is_new {
            source.lacks.clear();
        }
        if has_nodes || is_news && (source.has_nothing || !source.is_interesting) {
            self.with_source(id, |source| source.has_nothing = false);
        }
        true
    }

    fn take_data(&mut self, id: SourceId, request: u64, until: u64) -> bool {
        let pending = (self.sources.get_mut(&id)).and_then(|it| it.requests.get_mut(&request));
        let Some(pending) = pending else {
            return false;
        };
        let is_fine = match pending.what {
            What::Span(span) => {
                let brings = until.saturating_sub(pending.announced);
                until <= span.end && (1..=SPAN_BYTES_MAX).contains(&brings)
            }
            // A node is one range, and comes at once.
            What::Node(_) => pending.announced == 0 && (1..=RANGE_BYTES_MAX).contains(&until),
        };
        if is_fine {
            pending.announced = until;
            pending.end = pending.end.max(until);
        }
        is_fine
    }

    fn take_referrals(&mut self, id: SourceId, mut providers: Vec<Referral>) {
        let Some(source) = self.sources.get_mut(&id) else {
            return;
        };
        providers.truncate(REFERRALS_MAX - source.referrals);
        source.referrals += providers.len();
        if !providers.is_empty() {
            let transfer = source.transfer;
            self.outputs.push_back(Output::Learned {
                transfer,
                providers,
            });
        }
    }

    fn take_dropped(&mut self, id: SourceId, request: u64, reason: DropReason) -> bool {
        let Some(source) = self.sources.get_mut(&id) else {
            return true;
        };
        let Some(pending) = source.requests.get(&request).copied() else {
            return false;
        };
        // A reason that is not true would have the same asked for again and again.
        let is_true = match reason {
            DropReason::Cancelled => pending.is_cancelled,
            DropReason::Busy => !source.is_free,
            DropReason::Missing | DropReason::Changed => true,
        };
        if !is_true {
            return false;
        }
        if let (DropReason::Missing | DropReason::Changed, What::Node(node)) =
            (reason, pending.what)
        {
            source.lacks.insert(node);
        }
        if let (DropReason::Missing | DropReason::Changed, Some(chunk)) = (reason, pending.chunk) {
            self.lose_chunk(id, chunk);
        }
        if reason == DropReason::Changed
            && let Some(source) = self.sources.get(&id)
        {
            let transfer = source.transfer;
            self.outputs.push_back(Output::Changed {
                transfer,
                source: id,
            });
        }
        self.finish(id, request);
        true
    }

    /// A source has a chunk no more.
    fn lose_chunk(&mut self, id: SourceId, chunk: u32) {
        let Some(source) = self.sources.get_mut(&id) else {
            return;
        };
        let Some(transfer) = self.transfers.get_mut(&source.transfer) else {
            return;
        };
        if source.is_everything {
            source.remove_copies(&mut transfer.picker);
            source.is_everything = false;
            source.add_copies(&mut transfer.picker);
        }
        source.lost.insert(chunk);
        if source.holdings.remove(chunk) {
            source.remove_copy(chunk, &mut transfer.picker);
        }
    }
}
