//! One snapshot that is provided: what of it is here, and what of that was not told yet.

use std::collections::BTreeSet;

use super::output::AskerId;
use crate::content::swarm::holdings::Holdings;
use crate::content::swarm::ranges::Ranges;
use crate::content::swarm::span::{Span, Tiling};
use crate::content::swarm::wire::{EDGES_MAX, ProviderMessage, RUNS_MAX, Run, SPANS_MAX};
use crate::time::Time;

/// A snapshot.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) tiling: Tiling,
    pub(super) held: Holdings,
    /// What is held of other chunks, where some files were fetched.
    pub(super) edges: Ranges,
    /// Whether no more will come, as far as is known.
    pub(super) is_final: bool,
    /// Held, and not told.
    pub(super) news: BTreeSet<u32>,
    /// When it is told.
    pub(super) tell_at: Option<Time>,
    pub(super) askers: BTreeSet<AskerId>,
    /// How many chunks were suggested to somebody.
    pub(super) suggested: u32,
    /// By how much the order of suggestions differs from that of the chunks.
    pub(super) stride: u32,
}

impl Snapshot {
    /// What a newcomer is told.
    pub(super) fn holdings(&self) -> Vec<ProviderMessage> {
        if self.held.is_all() {
            return vec![ProviderMessage::Everything];
        }
        let mut told = vec![ProviderMessage::Holdings(self.held.to_bytes().into())];
        if self.is_final {
            told.extend(finals(&self.spans(&self.edges)));
        }
        told
    }

    /// Holds these bytes of other chunks as well. Gives those that are new, as they are told.
    pub(super) fn hold_edges(&mut self, edges: &Ranges) -> Vec<Span> {
        let mut new = edges.clone();
        for known in self.edges.iter() {
            new.remove(known);
        }
        for edge in new.iter() {
            self.edges.insert(edge);
        }
        self.spans(&new)
    }

    /// These bytes, each span within one chunk: as many as may be told.
    pub(super) fn spans(&self, bytes: &Ranges) -> Vec<Span> {
        let within = |edge| {
            let chunks = self.tiling.touched(edge);
            chunks.map(move |chunk| self.tiling.span(chunk).overlap(edge))
        };
        let spans = bytes.iter().flat_map(within);
        spans.take(EDGES_MAX).collect()
    }

    /// Whether all of this is here, which a request may name.
    pub(super) fn holds(&self, span: Span) -> bool {
        let mut chunks = self.tiling.touched(span);
        chunks.all(|chunk| self.held.contains(chunk)) || self.edges.covers(span)
    }

    /// Whether all that is known to be here is among these chunks and bytes of others; which bytes of others are here is not known where more is
    /// being fetched.
    pub(super) fn is_within(&self, held: &Holdings, edges: Option<&Ranges>) -> bool {
        let is_here = |span: Span| {
            let mut chunks = self.tiling.touched(span);
            let is_edge = edges.is_none_or(|edges| edges.covers(span));
            is_edge || chunks.all(|chunk| held.contains(chunk))
        };
        (held.is_all() || self.held.iter().all(|chunk| held.contains(chunk)))
            && self.spans(&self.edges).into_iter().all(is_here)
    }

    /// The next chunk that nobody was told to ask for, while everything is here: each once, in an order that mixes the line. Rarest first
    /// spreads them from there on, but cannot see what others are just asking for.
    pub(super) fn suggest(&mut self) -> Option<u32> {
        let chunks = self.held.chunks();
        if !self.held.is_all() || self.suggested >= chunks {
            return None;
        }
        let place = u64::from(self.suggested) * u64::from(self.stride) % u64::from(chunks);
        self.suggested += 1;
        u32::try_from(place).ok()
    }

    /// What everybody else is told, and then is no news.
    pub(super) fn take_news(&mut self) -> Vec<ProviderMessage> {
        self.tell_at = None;
        let mut runs: Vec<Run> = Vec::new();
        for chunk in std::mem::take(&mut self.news) {
            match runs.last_mut() {
                Some(run) if run.first + run.count == chunk => run.count += 1,
                _ => runs.push(Run {
                    first: chunk,
                    count: 1,
                }),
            }
        }
        runs.chunks(RUNS_MAX)
            .map(|runs| ProviderMessage::Have(runs.to_vec()))
            .collect()
    }
}

/// That these spans are held as well, and no more will come.
pub(super) fn finals(spans: &[Span]) -> Vec<ProviderMessage> {
    if spans.is_empty() {
        return vec![ProviderMessage::Final(Vec::new())];
    }
    let parts = spans.chunks(SPANS_MAX).map(<[Span]>::to_vec);
    parts.map(ProviderMessage::Final).collect()
}

/// A stride that reaches every one of so many chunks: the first number without a common divisor from `from` on.
pub(super) fn stride(chunks: u32, from: u32) -> u32 {
    let is_coprime = |number: &u32| {
        let (mut a, mut b) = (chunks, *number);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a == 1
    };
    (from.max(1)..chunks).find(is_coprime).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chunk_is_suggested_once() {
        for (chunks, from) in [(1, 0), (2, 1), (12, 4), (97, 96), (400, 250)] {
            let mut snapshot = Snapshot {
                tiling: Tiling::new(0),
                held: Holdings::all(chunks),
                edges: Ranges::default(),
                is_final: false,
                news: BTreeSet::new(),
                tell_at: None,
                askers: BTreeSet::new(),
                suggested: 0,
                stride: stride(chunks, from),
            };
            let told: BTreeSet<u32> = std::iter::from_fn(|| snapshot.suggest()).collect();
            assert_eq!(told, (0..chunks).collect());
        }
    }

    #[test]
    fn news_are_told_in_runs() {
        let mut snapshot = Snapshot {
            tiling: Tiling::new(0),
            held: Holdings::none(0),
            edges: Ranges::default(),
            is_final: false,
            news: [5, 1, 2, 3, 9].into(),
            tell_at: None,
            askers: BTreeSet::new(),
            suggested: 0,
            stride: 1,
        };
        let runs = [(1, 3), (5, 1), (9, 1)].map(|(first, count)| Run { first, count });
        assert_eq!(snapshot.take_news(), [ProviderMessage::Have(runs.to_vec())]);
        assert_eq!(snapshot.take_news(), []);
    }
}
