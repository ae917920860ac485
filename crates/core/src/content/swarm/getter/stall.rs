//! Sources that stall, or put off again and again, are passed by, and tried again after a while.

use super::output::{EndReason, SourceId};
use super::source::Pending;
use super::state::Getter;
use crate::content::swarm::config::{PUT_OFFS_MAX, STALLS_MAX};
use crate::content::swarm::wire::What;
use crate::time::Time;

impl Getter {
    /// Passes by the sources that stall, and tries those again that have been left alone.
    pub(super) fn look_after_stalls(&mut self) {
        while let Some((at, id)) = self.agenda.first().copied() {
            if at > self.now {
                return;
            }
            self.agenda.pop_first();
            if let Some(next) = self.look_after(id) {
                self.agenda.insert((next, id));
                if let Some(source) = self.sources.get_mut(&id) {
                    source.alarm = Some(next);
                }
            }
        }
    }

    /// Looks whether a source stalls. Says when to look again.
    fn look_after(&mut self, id: SourceId) -> Option<Time> {
        let source = self.sources.get_mut(&id)?;
        source.alarm = None;
        if let Some(until) = source.passed_until {
            if until > self.now {
                return Some(until);
            }
            if source.requests.is_empty() {
                source.passed_until = None;
                source.has_nothing = false;
                self.stirred.insert(source.who.device);
                return None;
            }
            // It did not even drop what was cancelled.
        } else if source.owes() {
            let chunk_bytes = (self.transfers.get(&source.transfer))?.tiling.chunk_bytes();
            let link = self.links.get(&source.who.device)?;
            let due = source.progress_at + link.pace.patience(chunk_bytes);
            if due > self.now {
                return Some(due);
            }
        } else {
            return None;
        }
        self.pass_by(id)
    }

    /// A source had no place for what it owed.
    pub(super) fn put_off(&mut self, id: SourceId) {
        let Some(source) = self.sources.get_mut(&id) else {
            return;
        };
        source.put_offs += 1;
        if source.put_offs <= PUT_OFFS_MAX {
            return;
        }
        // The alarm that what it owed has set looks again.
        self.pass_by(id);
    }

    /// Leaves a source alone for a while, or for good. Says when to look again.
    fn pass_by(&mut self, id: SourceId) -> Option<Time> {
        let source = self.sources.get_mut(&id)?;
        source.stalls += 1;
        if source.stalls > STALLS_MAX {
            self.end(id, EndReason::Stalled);
            return None;
        }
        let until = self.now + source.pause();
        source.passed_until = Some(until);
        self.give_to_others(id);
        Some(until)
    }

    /// Counts on nothing that a source owes: others are asked for it.
    fn give_to_others(&mut self, id: SourceId) {
        let Some(source) = self.sources.get(&id) else {
            return;
        };
        let transfer_id = source.transfer;
        let owed: Vec<Pending> = (source.requests.values())
            .filter(|pending| !pending.is_cancelled)
            .copied()
            .collect();
        self.cancel(id, None);
        for pending in owed {
            if let Some(chunk) = pending.chunk {
                self.settle_chunk(id, chunk);
            }
            if let What::Node(node) = pending.what
                && let Some(transfer) = self.transfers.get_mut(&transfer_id)
                && transfer.nodes.get(&node) == Some(&Some(id))
            {
                transfer.nodes.insert(node, None);
            }
        }
        self.wake(transfer_id);
    }
}
