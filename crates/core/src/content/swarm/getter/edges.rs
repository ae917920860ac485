//! Sources that fetched some files of a snapshot, and will hold no more.
//!
//! Where such a file begins or ends in the middle of a chunk, the source holds a part of that chunk, an *edge*; of small files it may hold nothing
//! else. A chunk of which it has an edge counts as held by it for as long as something of the edge is wanted and missing. So all that goes by
//! chunks (rarest first, end game, windows, interest) is the same for it; only what it is asked for is cut to what it has. The rest of the chunk
//! is asked of others when the edge is here.

use super::output::{SourceId, TransferId};
use super::state::Getter;
use super::transfer::Transfer;
use crate::content::swarm::span::Span;
use crate::content::swarm::wire::EDGES_MAX;

impl Getter {
    /// A source will hold no more than it has told, and these bytes of other chunks. Says whether they keep to the protocol.
    pub(super) fn take_final(&mut self, id: SourceId, spans: &[Span]) -> bool {
        let Some(source) = self.sources.get_mut(&id) else {
            return true;
        };
        let Some(tiling) = (self.transfers.get(&source.transfer)).map(|it| it.tiling) else {
            return true;
        };
        source.edges_told += spans.len();
        if !source.has_told || source.edges_told > EDGES_MAX {
            return false;
        }
        source.is_final = true;
        source.is_growing = false;
        for span in spans {
            if !tiling.is_request(*span) {
                return false;
            }
            let chunk = tiling.touched(*span).start;
            let known = source.edges.within(tiling.span(chunk)).next();
            // What is held whole is no edge.
            if known.is_some() || !source.holdings.contains(chunk) {
                source.edges.insert(*span);
            }
        }
        self.refresh_edges_of(id, tiling.all());
        self.touched.insert(id);
        true
    }

    /// Whether a source has all that others owe of a chunk. Who has an edge of it does not stand in for one that was asked for the whole: the rest
    /// would have to be asked for anew when the edge is here.
    pub(super) fn stands_in(&self, id: SourceId, chunk: u32, transfer: &Transfer) -> bool {
        let Some(source) = self.sources.get(&id) else {
            return false;
        };
        let whole = transfer.tiling.span(chunk);
        if source.edges.within(whole).next().is_none() {
            return true;
        }
        let asked = transfer.asked.get(&chunk).into_iter().flatten();
        let requests = asked.filter_map(|other| self.sources.get(other));
        let requests = requests.flat_map(|other| other.requests.values());
        let mut owed = requests.filter(|it| it.chunk == Some(chunk) && !it.is_cancelled);
        owed.all(|pending| {
            source.edges.covers(Span {
                start: pending.reached,
                end: pending.end,
            })
        })
    }

    /// What of `span` is wanted or here has changed: which edges of sources are of use is looked at anew.
    pub(super) fn refresh_edges(&mut self, id: TransferId, span: Span) {
        let Some(transfer) = self.transfers.get(&id) else {
            return;
        };
        let has_edges = |source: &&SourceId| {
            let source = self.sources.get(source);
            source.is_some_and(|source| !source.edges.is_empty())
        };
        let sources: Vec<SourceId> = (transfer.sources.iter())
            .filter(has_edges)
            .copied()
            .collect();
        for source in sources {
            self.refresh_edges_of(source, span);
        }
    }

    fn refresh_edges_of(&mut self, id: SourceId, span: Span) {
        let Some(source) = self.sources.get_mut(&id) else {
            return;
        };
        let Some(transfer) = self.transfers.get_mut(&source.transfer) else {
            return;
        };
        // Whole chunks: what changed may be beside the edge.
        let tiling = transfer.tiling;
        let chunks = tiling.touched(span);
        let span = Span {
            start: tiling.span(chunks.start).start,
            end: tiling.span(chunks.end).start,
        };
        let edges: Vec<Span> = source.edges.within(span).collect();
        let mut is_more = false;
        for chunk in edges.into_iter().flat_map(|it| tiling.touched(it)) {
            let is_of_use = !source.lost.contains(chunk)
                && !transfer.missing_at(chunk, &source.edges).is_empty();
            if is_of_use && source.holdings.insert(chunk) {
                source.add_copy(chunk, &mut transfer.picker);
                is_more = true;
            } else if !is_of_use && source.holdings.remove(chunk) {
                source.remove_copy(chunk, &mut transfer.picker);
                self.touched.insert(id);
            }
        }
        if is_more {
            source.has_nothing = false;
            self.touched.insert(id);
            self.stirred.insert(source.who.device);
        }
    }
}
