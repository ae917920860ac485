//! Who gives which parts of a transfer, for people who look at it.

use std::collections::BTreeMap;

use super::gives::PARTS;
use super::output::{PathKind, SourceId, TransferId, Who};
use super::state::Getter;
use crate::content::swarm::span::Span;
use crate::content::swarm::wire::What;
use crate::time::Time;

/// Somebody who gives, or gave, something of a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Giver {
    /// Who.
    pub who: Who,
    /// The stream that leads to them, the first of several, and by which kind of path, while one does.
    pub stream: Option<(SourceId, PathKind)>,
    /// Bytes of files that they gave and that were not here.
    pub bytes: u64,
    /// Bytes a second, lately.
    pub rate: u64,
    /// How much of each part came from them, in per cent; 1 at least where anything did.
    pub gave: [u8; PARTS],
    /// How much of each part they are asked for now, in per cent, alike.
    pub asked: [u8; PARTS],
}

impl Getter {
    /// Who gives something of a transfer, or gave, at most [`GIVERS_MAX`](super::GIVERS_MAX) and as many who are only asked; none, of one that is not known.
    pub fn givers(&self, now: Time, id: TransferId) -> Vec<Giver> {
        let Some(transfer) = self.transfers.get(&id) else {
            return Vec::new();
        };
        let line = transfer.gives.line;
        let mut givers: BTreeMap<Who, Giver> = (transfer.gives.by.iter())
            .map(|(who, tally)| {
                let giver = Giver {
                    bytes: tally.bytes,
                    rate: tally.rate_at(now),
                    gave: line.shares(&tally.parts),
                    ..Giver::nothing(*who)
                };
                (*who, giver)
            })
            .collect();
        let mut asked: BTreeMap<Who, [u64; PARTS]> = BTreeMap::new();
        for id in &transfer.sources {
            let Some(source) = self.sources.get(id) else {
                continue;
            };
            // By all streams that lead to them.
            let parts = asked.entry(source.who).or_insert([0; PARTS]);
            let owed = source.requests.values().filter(|it| !it.is_cancelled);
            for pending in owed.filter(|it| matches!(it.what, What::Span(_))) {
                let span = Span {
                    start: pending.reached,
                    end: pending.end,
                };
                line.add(parts, span);
            }
            let is_asked = parts.iter().any(|bytes| *bytes > 0);
            if !is_asked && !givers.contains_key(&source.who) {
                continue;
            }
            let giver = givers.entry(source.who);
            let giver = giver.or_insert_with(|| Giver::nothing(source.who));
            let link = self.links.get(&source.who.device);
            giver.stream = giver.stream.or(link.map(|link| (*id, link.pace.kind())));
            giver.asked = line.shares(parts);
        }
        givers.into_values().collect()
    }
}

impl Giver {
    fn nothing(who: Who) -> Self {
        Self {
            who,
            stream: None,
            bytes: 0,
            rate: 0,
            gave: [0; PARTS],
            asked: [0; PARTS],
        }
    }
}
