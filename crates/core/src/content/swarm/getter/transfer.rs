//! One transfer: what of a snapshot is wanted, what is here, and who was asked for the rest.

use std::collections::{BTreeMap, BTreeSet};

use super::gives::Gives;
use super::output::{Priority, ReaderId, SourceId};
use super::picker::Picker;
use crate::content::swarm::config::FRAGMENTS_MAX;
use crate::content::swarm::holdings::Holdings;
use crate::content::swarm::part::Part;
use crate::content::swarm::ranges::Ranges;
use crate::content::swarm::span::{Span, Tiling};
use crate::content::wire::GROUP_BYTES;
use crate::ids::BlobHash;

/// What a node of the manifest is reckoned at before one has come: four groups, some hundreds of entries.
const NODE_BYTES: u64 = 4 * GROUP_BYTES;

/// Each that comes weighs one part in so many: a few small ones show that a tree has small folders.
const NODE_WEIGHT: u64 = 4;

/// A transfer.
#[derive(Clone, Debug)]
pub(super) struct Transfer {
    pub(super) tiling: Tiling,
    wanted: Ranges,
    held: Ranges,
    held_bytes: u64,
    /// Chunks of which something is wanted and not here.
    pub(super) unfinished: Holdings,
    /// Chunks of which everything is here.
    pub(super) whole: Holdings,
    /// The unfinished ones that nobody was asked for.
    pub(super) picker: Picker,
    /// Who was asked for the others.
    pub(super) asked: BTreeMap<u32, BTreeSet<SourceId>>,
    /// Nodes of the manifest that are wanted, and who was asked.
    pub(super) nodes: BTreeMap<BlobHash, Option<SourceId>>,
    /// What one of them is reckoned at, in bytes.
    pub(super) node_bytes: u64,
    /// What readers want next.
    pub(super) windows: BTreeMap<ReaderId, Span>,
    pub(super) sources: BTreeSet<SourceId>,
    pub(super) gives: Gives,
    /// How many bytes were asked for on its behalf, as far as it competes with others.
    pub(super) spent: u64,
    /// Whether its caller was told that nothing is missing, or wanted nothing.
    pub(super) is_done_told: bool,
}

impl Transfer {
    /// Of a snapshot of so many bytes, of which nothing is wanted or here.
    pub(super) fn new(size: u64, spent: u64) -> Self {
        let tiling = Tiling::new(size);
        Self {
            tiling,
            wanted: Ranges::default(),
            held: Ranges::default(),
            held_bytes: 0,
            unfinished: Holdings::none(tiling.count()),
            whole: Holdings::none(tiling.count()),
            picker: Picker::new(tiling.count()),
            asked: BTreeMap::new(),
            nodes: BTreeMap::new(),
            node_bytes: NODE_BYTES,
            windows: BTreeMap::new(),
            sources: BTreeSet::new(),
            gives: Gives::new(size),
            spent,
            is_done_told: true,
        }
    }

    /// A node of so many bytes came.
    pub(super) fn reckon(&mut self, bytes: u64) {
        self.node_bytes = self.node_bytes - self.node_bytes / NODE_WEIGHT + bytes / NODE_WEIGHT;
    }

    /// Wants these bytes so much. Chunks that they share with others are wanted as was said last.
    pub(super) fn want(&mut self, span: Span, priority: Priority) {
        let span = self.on_the_line(span);
        self.is_done_told = false;
        self.wanted.insert(span);
        for chunk in self.tiling.touched(span) {
            self.picker.set_priority(chunk, priority);
            self.refresh(chunk);
        }
    }

    /// Wants them no more.
    pub(super) fn unwant(&mut self, span: Span) {
        let span = self.on_the_line(span);
        self.wanted.remove(span);
        for chunk in self.tiling.touched(span) {
            self.refresh(chunk);
        }
    }

    /// These bytes are here. Gives what of them is new, and the chunks that are whole by it.
    pub(super) fn hold(&mut self, span: Span) -> (Vec<Span>, Vec<u32>) {
        let span = self.on_the_line(span);
        let new = self.gaps(span).collect::<Vec<_>>();
        self.held.insert(span);
        self.held_bytes += new.iter().map(Span::bytes).sum::<u64>();
        let mut whole = Vec::new();
        for chunk in self.tiling.touched(span) {
            if self.held.covers(self.tiling.span(chunk)) && self.whole.insert(chunk) {
                whole.push(chunk);
            }
            self.refresh(chunk);
        }
        (new, whole)
    }

    /// What of a chunk is wanted and not here: its first fragments.
    pub(super) fn missing(&self, chunk: u32) -> Vec<Span> {
        self.wanted
            .within(self.tiling.span(chunk))
            .flat_map(|wanted| self.gaps(wanted))
            .take(FRAGMENTS_MAX)
            .collect()
    }

    /// The same, as far as a source holds it that has some chunks in part only, these `edges` of them.
    pub(super) fn missing_at(&self, chunk: u32, edges: &Ranges) -> Vec<Span> {
        let span = self.tiling.span(chunk);
        if edges.within(span).next().is_none() {
            return self.missing(chunk);
        }
        self.wanted
            .within(span)
            .flat_map(|wanted| self.gaps(wanted))
            .flat_map(|gap| edges.within(gap))
            .take(FRAGMENTS_MAX)
            .collect()
    }

    /// Whether nothing of a chunk is.
    pub(super) fn is_finished(&self, chunk: u32) -> bool {
        !self.unfinished.contains(chunk)
    }

    /// Whether everything that is wanted is here.
    pub(super) fn is_done(&self) -> bool {
        self.unfinished.is_empty() && self.nodes.is_empty()
    }

    /// How many bytes are here.
    pub(super) fn held_bytes(&self) -> u64 {
        self.held_bytes
    }

    /// What of the snapshot is here.
    pub(super) fn part(&self) -> Part {
        Part::of(self.tiling.size(), &self.held)
    }

    /// A source was asked for a chunk.
    pub(super) fn ask(&mut self, chunk: u32, source: SourceId) {
        self.asked.entry(chunk).or_default().insert(source);
        self.picker.close(chunk);
    }

    /// It owes nothing of the chunk any more. Says whether the chunk waits to be asked for again.
    pub(super) fn unask(&mut self, chunk: u32, source: SourceId) -> bool {
        if let Some(sources) = self.asked.get_mut(&chunk) {
            sources.remove(&source);
            if sources.is_empty() {
                self.asked.remove(&chunk);
            }
        }
        self.refresh(chunk);
        self.picker.is_open(chunk)
    }

    /// Sorts a chunk anew after something of it changed.
    fn refresh(&mut self, chunk: u32) {
        if self.missing(chunk).is_empty() {
            self.unfinished.remove(chunk);
            self.picker.close(chunk);
            return;
        }
        self.unfinished.insert(chunk);
        if !self.asked.contains_key(&chunk) {
            self.picker.open(chunk);
        }
    }

    /// What of `span` is not here.
    fn gaps(&self, span: Span) -> impl Iterator<Item = Span> {
        let mut place = span.start;
        let end = Span {
            start: span.end,
            end: span.end,
        };
        self.held.within(span).chain([end]).filter_map(move |held| {
            let gap = Span {
                start: place,
                end: held.start,
            };
            place = held.end;
            (gap.bytes() > 0).then_some(gap)
        })
    }

    fn on_the_line(&self, span: Span) -> Span {
        span.overlap(Span {
            start: 0,
            end: self.tiling.size(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::swarm::span::CHUNK_BYTES_MIN as CHUNK;

    fn span(start: u64, end: u64) -> Span {
        Span { start, end }
    }

    #[test]
    fn a_chunk_is_missing_as_long_as_something_of_it_is() {
        let mut transfer = Transfer::new(3 * CHUNK, 0);
        transfer.want(span(CHUNK + 10, 2 * CHUNK), Priority::Normal);
        transfer.want(span(CHUNK, CHUNK + 5), Priority::Normal);
        assert_eq!(transfer.unfinished.iter().collect::<Vec<_>>(), [1]);
        transfer.hold(span(CHUNK + 20, CHUNK + 30));
        let missing = [
            span(CHUNK, CHUNK + 5),
            span(CHUNK + 10, CHUNK + 20),
            span(CHUNK + 30, 2 * CHUNK),
        ];
        assert_eq!(transfer.missing(1), missing);
        for part in missing {
            transfer.hold(part);
        }
        assert!(transfer.is_done());
        assert!(transfer.whole.is_empty(), "five bytes are not here");
        let (new, whole) = transfer.hold(span(0, 3 * CHUNK));
        assert_eq!(new.len(), 3);
        assert_eq!(whole, [0, 1, 2]);
        assert_eq!(transfer.held_bytes(), 3 * CHUNK);
    }

    #[test]
    fn a_chunk_is_open_until_asked_for_and_again_when_nobody_owes_it() {
        let mut transfer = Transfer::new(CHUNK, 0);
        transfer.want(span(0, CHUNK), Priority::Normal);
        transfer.ask(0, SourceId(1));
        transfer.ask(0, SourceId(2));
        assert!(!transfer.picker.is_open(0));
        assert!(!transfer.unask(0, SourceId(1)));
        assert!(transfer.unask(0, SourceId(2)));
        transfer.unwant(span(0, CHUNK));
        assert!(!transfer.picker.is_open(0) && transfer.is_done());
    }
}
