//! The [`Getter`] machine: fetches what is wanted of snapshots from everybody who holds some of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::liars::{Liars, is_same};
use super::output::{EndReason, Output, Path, Priority, ReaderId, SourceId, TransferId, Who};
use super::pace::Pace;
use super::source::{Link, Source};
use super::transfer::Transfer;
use crate::content::swarm::config::{
    GetterConfig, LANES_EACH_MAX, NODES_MAX, SOURCES_MAX, TRANSFERS_MAX, WINDOWS_MAX,
};
use crate::content::swarm::holdings::Holdings;
use crate::content::swarm::part::Part;
use crate::content::swarm::span::Span;
use crate::ids::{BlobHash, DeviceKey};
use crate::random::{Random, Seed};
use crate::time::Time;

/// The machine.
#[derive(Clone, Debug)]
pub struct Getter {
    pub(super) config: GetterConfig,
    pub(super) random: Random,
    pub(super) now: Time,
    pub(super) transfers: BTreeMap<TransferId, Transfer>,
    pub(super) sources: BTreeMap<SourceId, Source>,
    pub(super) links: BTreeMap<DeviceKey, Link>,
    pub(super) liars: Liars,
    /// Bytes asked for that have not come and are counted on.
    pub(super) outstanding: u64,
    /// Bytes that came and are not written.
    pub(super) unwritten: u64,
    pub(super) next_request: u64,
    /// When a source is to be looked at; an entry may be early, never late.
    pub(super) agenda: BTreeSet<(Time, SourceId)>,
    /// Devices that may be asked for something that they could not be before.
    pub(super) stirred: BTreeSet<DeviceKey>,
    /// Whether somebody was not asked because too much was under way.
    pub(super) is_full: bool,
    /// Sources whose interest or messages are to be told.
    pub(super) touched: BTreeSet<SourceId>,
    pub(super) outputs: VecDeque<Output>,
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the line that are here.
    pub held_bytes: u64,
    /// Chunks of which something is wanted and not here.
    pub chunks_unfinished: u32,
    /// Whether nothing is wanted that is not here, not even a node.
    pub is_at_rest: bool,
    /// Sources that hold something that is wanted, or may yet: they fetch it themselves.
    pub sources: usize,
    /// Sources that hold nothing of it, and never will.
    pub spent: usize,
}

impl Getter {
    /// A getter without transfers.
    pub fn new(config: GetterConfig, seed: Seed, now: Time) -> Self {
        Self {
            config,
            random: Random::new(seed),
            now,
            transfers: BTreeMap::new(),
            sources: BTreeMap::new(),
            links: BTreeMap::new(),
            liars: Liars::default(),
            outstanding: 0,
            unwritten: 0,
            next_request: 0,
            agenda: BTreeSet::new(),
            stirred: BTreeSet::new(),
            is_full: false,
            touched: BTreeSet::new(),
            outputs: VecDeque::new(),
        }
    }

    /// A transfer of a snapshot of `size` bytes begins; nothing of it is wanted yet. Says whether there was room for it.
    pub fn handle_transfer(&mut self, now: Time, id: TransferId, size: u64) -> bool {
        self.now = now;
        let is_new = !self.transfers.contains_key(&id);
        if is_new && self.transfers.len() < TRANSFERS_MAX {
            // A newcomer has no claim to what others had before it came.
            let spent = self.transfers.values().map(|it| it.spent).min();
            let transfer = Transfer::new(size, spent.unwrap_or(0));
            self.transfers.insert(id, transfer);
        }
        is_new && self.transfers.contains_key(&id)
    }

    /// It ends, whether done or not: its sources are closed.
    pub fn handle_transfer_ended(&mut self, now: Time, id: TransferId) {
        self.now = now;
        let sources = self.transfers.get(&id).map(|it| it.sources.clone());
        for source in sources.into_iter().flatten() {
            self.end(source, EndReason::NotNeeded);
        }
        self.transfers.remove(&id);
        self.stir_all();
        self.schedule();
    }

    /// These bytes are wanted, so much. Telling it again changes how much; chunks at the ends go by what was said last.
    pub fn handle_wanted(&mut self, now: Time, id: TransferId, span: Span, priority: Priority) {
        self.change_line(now, id, span, |transfer| transfer.want(span, priority));
    }

    /// They are not wanted any more. What was asked for may come nevertheless.
    pub fn handle_unwanted(&mut self, now: Time, id: TransferId, span: Span) {
        self.change_line(now, id, span, |transfer| transfer.unwant(span));
    }

    /// They are here, from an earlier run or another share: neither asked for nor told as verified. The chunks they fill are told as held.
    pub fn handle_held(&mut self, now: Time, id: TransferId, span: Span) {
        let mut chunks = Vec::new();
        self.change_line(now, id, span, |transfer| chunks = transfer.hold(span).1);
        let held = chunks.into_iter().map(|chunk| Output::Held {
            transfer: id,
            chunk,
        });
        self.outputs.extend(held);
    }

    /// A node of the manifest is wanted, before any chunk. It comes by [`Getter::handle_verified`]. Says whether there was room for it: at
    /// most [`NODES_MAX`] are wanted at once.
    pub fn handle_node_wanted(&mut self, now: Time, id: TransferId, node: BlobHash) -> bool {
        let mut has_room = false;
        self.change(now, id, |transfer| {
            has_room = transfer.nodes.contains_key(&node) || transfer.nodes.len() < NODES_MAX;
            if has_room {
                transfer.nodes.entry(node).or_default();
                transfer.is_done_told = false;
            }
        });
        has_room
    }

    /// What a reader wants next, in order, before anything else; `None` when it has read enough. A seek is a new window. At most
    /// [`WINDOWS_MAX`] readers are served so; others are served at the usual pace.
    pub fn handle_window(
        &mut self,
        now: Time,
        id: TransferId,
        reader: ReaderId,
        window: Option<Span>,
    ) {
        self.change(now, id, |transfer| match window {
            None => {
                transfer.windows.remove(&reader);
            }
            Some(span) => {
                if transfer.windows.len() < WINDOWS_MAX || transfer.windows.contains_key(&reader) {
                    transfer.windows.insert(reader, span);
                }
            }
        });
    }

    /// A stream to a source of the transfer stands, and `Open` was written to it.
    pub fn handle_source(
        &mut self,
        now: Time,
        id: SourceId,
        transfer_id: TransferId,
        who: Who,
        path: Path,
    ) {
        self.now = now;
        let beside = self.streams_of(transfer_id, who.device).count();
        let refused = match self.transfers.get(&transfer_id) {
            _ if self.liars.contains(now, who) => Some(EndReason::Distrusted),
            None => Some(EndReason::NotNeeded),
            Some(_) if beside >= LANES_EACH_MAX => Some(EndReason::NotNeeded),
            Some(transfer) if beside == 0 && self.devices(transfer) >= SOURCES_MAX => {
                Some(EndReason::NotNeeded)
            }
            Some(_) => None,
        };
        if let Some(reason) = refused {
            self.outputs.push_back(Output::End { source: id, reason });
            return;
        }
        let Some(transfer) = self.transfers.get_mut(&transfer_id) else {
            return;
        };
        transfer.sources.insert(id);
        let mut source = Source::new(transfer_id, who, transfer.tiling.count(), now);
        source.is_counted = beside == 0;
        self.sources.insert(id, source);
        let link = self.links.entry(who.device).or_insert_with(|| Link {
            pace: Pace::new(path, now),
            sources: BTreeSet::new(),
            outstanding: 0,
        });
        link.pace.set_path(path);
        link.sources.insert(id);
    }

    /// The path to a device is another, or was measured anew: as much is asked for at once as it holds.
    pub fn handle_path(&mut self, now: Time, device: DeviceKey, path: Path) {
        self.now = now;
        if let Some(link) = self.links.get_mut(&device) {
            link.pace.set_path(path);
            self.stirred.insert(device);
            self.schedule();
        }
    }

    /// A source's stream ended by itself: what it owed is asked of others.
    pub fn handle_closed(&mut self, now: Time, source: SourceId) {
        self.now = now;
        self.forget(source);
        self.schedule();
    }

    /// Somebody is known to have lied at that time.
    pub fn handle_liar(&mut self, now: Time, who: Who, at: Time) {
        self.now = now;
        self.liars.insert(now, who, at);
        let sources: Vec<SourceId> = (self.sources.iter())
            .filter(|(_, source)| is_same(who, source.who))
            .map(|(id, _)| *id)
            .collect();
        for source in sources {
            self.end(source, EndReason::Distrusted);
        }
        self.schedule();
    }

    /// So many bytes of what came were written, or dropped: there is room for as many more.
    pub fn handle_written(&mut self, now: Time, bytes: u64) {
        self.now = now;
        self.unwritten = self.unwritten.saturating_sub(bytes);
        if self.is_full {
            self.stir_all();
            self.schedule();
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        self.look_after_stalls();
        self.schedule();
    }

    /// When [`Getter::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.agenda.first().map(|(at, _)| *at)
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// How far a transfer is.
    pub fn progress(&self, id: TransferId) -> Option<Progress> {
        let transfer = self.transfers.get(&id)?;
        let interesting = |source: &&SourceId| {
            let source = self.sources.get(source);
            source.is_some_and(|source| source.is_interesting || source.is_growing)
        };
        let sources = transfer.sources.iter().filter(interesting).count();
        Some(Progress {
            held_bytes: transfer.held_bytes(),
            chunks_unfinished: transfer.unfinished.count(),
            is_at_rest: transfer.is_done(),
            sources,
            spent: transfer.sources.len() - sources,
        })
    }

    /// The chunks of a transfer that are whole.
    pub fn whole(&self, id: TransferId) -> Option<&Holdings> {
        Some(&self.transfers.get(&id)?.whole)
    }

    /// What of a transfer's snapshot is here: the chunks that are whole, and what is here of others.
    pub fn part(&self, id: TransferId) -> Option<Part> {
        Some(self.transfers.get(&id)?.part())
    }

    /// Bytes asked for that have not come, and bytes that came and are not written.
    pub fn in_flight(&self) -> (u64, u64) {
        (self.outstanding, self.unwritten)
    }

    /// Changes what of `span` a transfer wants or has, and what follows from it for all of its sources.
    fn change_line(
        &mut self,
        now: Time,
        id: TransferId,
        span: Span,
        to: impl FnOnce(&mut Transfer),
    ) {
        self.now = now;
        if let Some(transfer) = self.transfers.get_mut(&id) {
            to(transfer);
            self.refresh_edges(id, span);
            self.change(now, id, |_| {});
        }
    }

    /// Changes a transfer, and what follows from it for all of its sources.
    fn change(&mut self, now: Time, id: TransferId, to: impl FnOnce(&mut Transfer)) {
        self.now = now;
        if let Some(transfer) = self.transfers.get_mut(&id) {
            to(transfer);
            self.tell_done(id);
            self.wake(id);
            self.schedule();
        }
    }

    /// Something changed that may concern every source of a transfer.
    pub(super) fn wake(&mut self, id: TransferId) {
        let Some(transfer) = self.transfers.get(&id) else {
            return;
        };
        for source in &transfer.sources {
            if let Some(state) = self.sources.get_mut(source) {
                state.has_nothing = false;
                self.touched.insert(*source);
                self.stirred.insert(state.who.device);
            }
        }
    }

    /// Something changed that may concern everybody.
    pub(super) fn stir_all(&mut self) {
        self.stirred.extend(self.links.keys());
    }
}
