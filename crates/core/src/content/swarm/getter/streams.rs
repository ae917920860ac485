//! Several streams of one device to one transfer: its express lanes.
//!
//! Each is a source of its own: it has its own place at the provider, owes what it was asked for, and is lost alone. What belongs to the device is
//! shared: its [`Link`], by which as much is asked at once of all of them as of one; what it gave; and its own fault, which ends all of them for the same
//! reason, by whichever it was found out.
//! Its copies count once: a chunk is no less rare because it can come by two ways from one place.
//!
//! TLS keeps a core on each side busy, so one lane carries what one core can. A further one is worth it where that is less than the line carries.
//! Elsewhere it brings nothing, and takes a larger part of a line than others have who want the same of it.

use super::output::{EndReason, Output, PathKind, SourceId, TransferId};
use super::picker::Picker;
use super::source::{Link, Source};
use super::state::Getter;
use super::transfer::Transfer;
use crate::content::swarm::config::FURTHER_LANE_BYTES;
use crate::ids::DeviceKey;
use crate::time::Time;

impl Getter {
    /// A source's stream, which began just now, is an express lane.
    pub fn handle_lane(&mut self, now: Time, id: SourceId) {
        self.now = now;
        let Some(source) = self.sources.get_mut(&id) else {
            return;
        };
        source.is_lane = true;
        source.may_widen = source.is_counted;
        let (is_first, transfer, device) = (source.is_counted, source.transfer, source.who.device);
        if is_first {
            self.give_way(transfer, device);
        }
        self.schedule();
    }

    /// A transfer has a lane of its own to a device: what is a further one for another makes room for it at the provider.
    fn give_way(&mut self, to: TransferId, device: DeviceKey) {
        let Some(link) = self.links.get(&device) else {
            return;
        };
        let further = link.sources.iter().filter_map(|id| {
            let source = self.sources.get(id)?;
            let is_further = source.is_lane && !source.is_counted && source.transfer != to;
            is_further.then_some((*id, source.transfer))
        });
        let further: Vec<(SourceId, TransferId)> = further.collect();
        for (id, transfer) in further {
            self.end(id, EndReason::NotNeeded);
            let first = self.streams_of(transfer, device).next();
            if let Some(first) = first.and_then(|first| self.sources.get_mut(&first)) {
                first.may_widen = first.is_lane;
            }
        }
    }

    /// Tells when one lane more to the device of this source may bring it sooner.
    pub(super) fn look_for_further_lane(&mut self, id: SourceId) {
        let Some(source) = self.sources.get(&id).filter(|source| source.may_widen) else {
            return;
        };
        let Some(link) = self.links.get(&source.who.device) else {
            return;
        };
        let Some(transfer) = self.transfers.get(&source.transfer) else {
            return;
        };
        let lanes = link.sources.iter().filter_map(|id| self.sources.get(id));
        let lanes = lanes.filter(|source| source.is_lane).count();
        let left = u64::from(transfer.unfinished.count()) * transfer.tiling.chunk_bytes();
        let is_worth_it = link.pace.kind() == PathKind::Lan
            && link.pace.is_measured()
            && link.pace.rate() >= self.config.further_lane_rate
            && left >= FURTHER_LANE_BYTES
            && lanes < self.config.lanes_each;
        if is_worth_it && let Some(source) = self.sources.get_mut(&id) {
            source.may_widen = false;
            self.outputs.push_back(Output::FurtherLane { source: id });
        }
    }

    /// What those of a device's streams owe that are passed by, where it has others.
    pub(super) fn stuck_bytes(&self, link: &Link) -> u64 {
        if link.sources.len() < 2 {
            return 0;
        }
        let sources = link.sources.iter().filter_map(|id| self.sources.get(id));
        let stuck = sources.filter(|source| source.passed_until.is_some());
        stuck.map(Source::owed_bytes).sum()
    }

    /// A device is done without, because of what it did by this stream: all of its streams to the transfer end for that reason.
    pub(super) fn end_device(&mut self, id: SourceId, reason: EndReason) {
        let Some(source) = self.sources.get(&id) else {
            return;
        };
        let streams = self.streams_of(source.transfer, source.who.device);
        let streams: Vec<SourceId> = streams.collect();
        for stream in streams {
            self.end(stream, reason);
        }
    }

    /// The streams of a device to a transfer, the first first.
    pub(super) fn streams_of(
        &self,
        transfer: TransferId,
        device: DeviceKey,
    ) -> impl Iterator<Item = SourceId> {
        let streams = self.links.get(&device).into_iter();
        let streams = streams.flat_map(|link| link.sources.iter().copied());
        streams.filter(move |id| {
            let source = self.sources.get(id);
            source.is_some_and(|source| source.transfer == transfer)
        })
    }

    /// How many devices give to a transfer, or may.
    pub(super) fn devices(&self, transfer: &Transfer) -> usize {
        let sources = transfer.sources.iter();
        let sources = sources.filter_map(|id| self.sources.get(id));
        sources.filter(|source| source.is_counted).count()
    }

    /// The stream of a device whose copies counted is gone: those of another do now, if there is one.
    pub(super) fn count_another(&mut self, transfer: TransferId, device: DeviceKey) {
        let next = self.streams_of(transfer, device).next();
        if let (Some(source), Some(transfer)) = (
            next.and_then(|id| self.sources.get_mut(&id)),
            self.transfers.get_mut(&transfer),
        ) {
            source.is_counted = true;
            source.add_copies(&mut transfer.picker);
        }
    }
}

impl Source {
    /// Counts what it holds.
    pub(super) fn add_copies(&self, picker: &mut Picker) {
        match self.is_everything {
            _ if !self.is_counted => {}
            true => picker.add_complete(),
            false => self
                .holdings
                .iter()
                .for_each(|chunk| picker.add_copy(chunk)),
        }
    }

    /// Counts it no more.
    pub(super) fn remove_copies(&self, picker: &mut Picker) {
        match self.is_everything {
            _ if !self.is_counted => {}
            true => picker.remove_complete(),
            false => (self.holdings.iter()).for_each(|chunk| picker.remove_copy(chunk)),
        }
    }

    /// Counts a chunk that it holds now.
    pub(super) fn add_copy(&self, chunk: u32, picker: &mut Picker) {
        if self.is_counted {
            picker.add_copy(chunk);
        }
    }

    /// Counts one no more that it held.
    pub(super) fn remove_copy(&self, chunk: u32, picker: &mut Picker) {
        if self.is_counted {
            picker.remove_copy(chunk);
        }
    }
}
