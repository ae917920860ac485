//! Who gives what of a transfer, as the getter tells it to be looked at.

use std::collections::BTreeMap;

use super::gives::{Giver, PARTS};
use super::output::{TransferId, Who};
use super::state::Getter;
use crate::content::swarm::span::Span;
use crate::content::swarm::wire::What;
use crate::time::Time;

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
        for id in &transfer.sources {
            let Some(source) = self.sources.get(id) else {
                continue;
            };
            let mut parts = [0; PARTS];
            let owed = source.requests.values().filter(|it| !it.is_cancelled);
            for pending in owed.filter(|it| matches!(it.what, What::Span(_))) {
                let span = Span {
                    start: pending.reached,
                    end: pending.end,
                };
                line.add(&mut parts, span);
            }
            let is_asked = parts.iter().any(|bytes| *bytes > 0);
            if !is_asked && !givers.contains_key(&source.who) {
                continue;
            }
            let giver = givers.entry(source.who);
            let giver = giver.or_insert_with(|| Giver::nothing(source.who));
            let link = self.links.get(&source.who.device);
            giver.stream = link.map(|link| (*id, link.pace.kind()));
            giver.asked = line.shares(&parts);
        }
        givers.into_values().collect()
    }
}
