//! What is over: requests that ended, chunks that are here, sources that are gone.

use super::output::{EndReason, Output, SourceId, TransferId};
use super::source::Pending;
use super::state::Getter;
use crate::content::swarm::wire::What;
use crate::ids::{BlobHash, DeviceKey};

impl Getter {
    /// A request is over, answered or not: what is still missing of its chunk is asked for again.
    pub(super) fn finish(&mut self, id: SourceId, request: u64) {
        let Some(source) = self.sources.get_mut(&id) else {
            return;
        };
        let Some(pending) = source.requests.remove(&request) else {
            return;
        };
        let transfer = source.transfer;
        source.progress_at = self.now;
        let device = source.who.device;
        self.reduce(device, &pending, pending.bytes_left());
        self.touched.insert(id);
        self.stirred.insert(device);
        match (pending.what, pending.chunk) {
            (What::Node(node), _) => {
                let is_here = pending.announced > 0 && pending.reached >= pending.end;
                self.settle_node(id, node, is_here);
            }
            (What::Span(_), Some(chunk)) => self.settle_chunk(id, chunk),
            (What::Span(_), None) => {}
        }
        self.tell_done(transfer);
    }

    fn settle_node(&mut self, id: SourceId, node: BlobHash, is_here: bool) {
        let Some(transfer_id) = self.sources.get(&id).map(|source| source.transfer) else {
            return;
        };
        let Some(transfer) = self.transfers.get_mut(&transfer_id) else {
            return;
        };
        if is_here {
            transfer.nodes.remove(&node);
            for source in &transfer.sources {
                if let Some(source) = self.sources.get_mut(source) {
                    source.lacks.remove(&node);
                }
            }
        } else if transfer.nodes.get(&node) == Some(&Some(id)) {
            transfer.nodes.insert(node, None);
            self.wake(transfer_id);
        }
    }

    /// A source owes less of a chunk than before, perhaps nothing.
    pub(super) fn settle_chunk(&mut self, id: SourceId, chunk: u32) {
        let Some(source) = self.sources.get(&id) else {
            return;
        };
        let transfer_id = source.transfer;
        let owes = source.owes_chunk(chunk);
        let Some(transfer) = self.transfers.get_mut(&transfer_id) else {
            return;
        };
        let is_open = !owes && transfer.unask(chunk, id);
        if transfer.is_finished(chunk) {
            let losers = transfer.asked.remove(&chunk).unwrap_or_default();
            for loser in losers {
                self.cancel(loser, Some(chunk));
            }
        }
        let is_end_game = (self.transfers.get(&transfer_id))
            .is_some_and(|transfer| transfer.picker.is_exhausted());
        if is_open || is_end_game {
            self.wake(transfer_id);
        }
    }

    /// Counts on nothing of this chunk, or of all, that a source owes, and tells it so.
    pub(super) fn cancel(&mut self, id: SourceId, chunk: Option<u32>) {
        let Some(source) = self.sources.get_mut(&id) else {
            return;
        };
        for (request, pending) in &mut source.requests {
            if !pending.is_cancelled && (chunk.is_none() || pending.chunk == chunk) {
                pending.is_cancelled = true;
                self.outstanding = self.outstanding.saturating_sub(pending.bytes_left());
                source.cancels.push(*request);
            }
        }
        self.touched.insert(id);
    }

    /// Closes a source, and does without it.
    pub(super) fn end(&mut self, id: SourceId, reason: EndReason) {
        if self.sources.contains_key(&id) {
            self.forget(id);
            self.outputs.push_back(Output::End { source: id, reason });
        }
    }

    /// Does without a source.
    pub(super) fn forget(&mut self, id: SourceId) {
        self.cancel(id, None);
        let Some(source) = self.sources.remove(&id) else {
            return;
        };
        self.touched.remove(&id);
        if let Some(alarm) = source.alarm {
            self.agenda.remove(&(alarm, id));
        }
        let owed = source.owed_bytes();
        if let Some(link) = self.links.get_mut(&source.who.device) {
            link.outstanding = link.outstanding.saturating_sub(owed);
            link.sources.remove(&id);
            if link.sources.is_empty() {
                self.links.remove(&source.who.device);
            }
        }
        if let Some(transfer) = self.transfers.get_mut(&source.transfer) {
            transfer.sources.remove(&id);
            source.remove_copies(&mut transfer.picker);
            for pending in source.requests.values() {
                match (pending.what, pending.chunk) {
                    (What::Node(node), _) if transfer.nodes.get(&node) == Some(&Some(id)) => {
                        transfer.nodes.insert(node, None);
                    }
                    (_, Some(chunk)) => {
                        transfer.unask(chunk, id);
                    }
                    _ => {}
                }
            }
        }
        if source.is_counted {
            self.count_another(source.transfer, source.who.device);
        }
        self.wake(source.transfer);
    }

    /// So many bytes of a request are not to come any more, because they came or because it is over.
    pub(super) fn reduce(&mut self, device: DeviceKey, pending: &Pending, bytes: u64) {
        if !pending.is_cancelled {
            self.outstanding = self.outstanding.saturating_sub(bytes);
        }
        if self.is_full {
            self.stir_all();
        }
        if let Some(link) = self.links.get_mut(&device) {
            link.outstanding = link.outstanding.saturating_sub(bytes);
        }
    }

    /// Tells once that nothing is missing.
    pub(super) fn tell_done(&mut self, id: TransferId) {
        if let Some(transfer) = self.transfers.get_mut(&id)
            && transfer.is_done()
            && !transfer.is_done_told
        {
            transfer.is_done_told = true;
            self.outputs.push_back(Output::Done { transfer: id });
        }
    }
}
