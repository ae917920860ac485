//! One snapshot that is provided: what of it is here, and what of that was not told yet.

use std::collections::BTreeSet;

use super::output::AskerId;
use crate::content::swarm::holdings::Holdings;
use crate::content::swarm::span::Tiling;
use crate::content::swarm::wire::{ProviderMessage, RUNS_MAX, Run};
use crate::time::Time;

/// A snapshot.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) tiling: Tiling,
    pub(super) held: Holdings,
    /// Held, and not told.
    pub(super) news: BTreeSet<u32>,
    /// When it is told.
    pub(super) tell_at: Option<Time>,
    pub(super) askers: BTreeSet<AskerId>,
}

impl Snapshot {
    /// What a newcomer is told.
    pub(super) fn holdings(&self) -> ProviderMessage {
        if self.held.is_all() {
            ProviderMessage::Everything
        } else {
            ProviderMessage::Holdings(self.held.to_bytes().into())
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_are_told_in_runs() {
        let mut snapshot = Snapshot {
            tiling: Tiling::new(0),
            held: Holdings::none(0),
            news: [5, 1, 2, 3, 9].into(),
            tell_at: None,
            askers: BTreeSet::new(),
        };
        let runs = [(1, 3), (5, 1), (9, 1)].map(|(first, count)| Run { first, count });
        assert_eq!(snapshot.take_news(), [ProviderMessage::Have(runs.to_vec())]);
        assert_eq!(snapshot.take_news(), []);
    }
}
