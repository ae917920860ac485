//! What the machines of a node ask for is done.

use kith_core::address::Route;
use kith_core::content::Referral;
use kith_core::content::providers::Heard;
use kith_core::content::swarm::Span;
use kith_core::content::swarm::getter::{self, EndReason, SourceId};
use kith_core::content::swarm::provider::{self, AskerId};
use kith_core::content::swarm::wire::{Ask, DropReason, PROVIDERS_MAX, ProviderMessage, What};

use super::node::{Job, SNAPSHOT, TRANSFER};
use super::plan::MS;
use super::world::{Event, World, place_of, who};
use crate::event::EPOCH;

/// How long a boaster lets what it is asked for wait: a little less than what is taken for stalling
/// ([`STALL_AFTER_MIN`](kith_core::content::swarm::config::STALL_AFTER_MIN)).
const BOASTER_WAITS: u64 = 2_500 * MS;

impl World {
    /// Does what a node's machines ask for, and has them woken when they want to be.
    pub(super) fn settle(&mut self, place: usize) {
        self.walk_on(place);
        loop {
            if let Some(output) = self.nodes[place].getter.poll_output() {
                self.perform_wanting(place, output);
            } else if let Some(output) = self.nodes[place].provider.poll_output() {
                self.perform_giving(place, output);
            } else {
                break;
            }
        }
        if !self.nodes[place].is_up {
            return;
        }
        self.send_on(place);
        let wake = self.nodes[place].poll_timeout();
        let wake = wake.map(|at| at.0.saturating_sub(EPOCH.0) * MS);
        let wake = wake.map(|at| at.max(self.now));
        if let Some(at) = wake
            && self.nodes[place].wake_at.is_none_or(|before| at < before)
        {
            self.nodes[place].wake_at = Some(at);
            self.at(at, Event::Wake(place));
        }
    }

    fn perform_wanting(&mut self, place: usize, output: getter::Output) {
        match output {
            getter::Output::Send { source, message } => {
                let stream = index(source.0);
                let arrives = (self.now + self.plan.delay).max(self.streams[stream].to_provider);
                self.streams[stream].to_provider = arrives;
                self.at(arrives, Event::Ask(stream, message));
            }
            getter::Output::End { source, reason } => self.end(place, source, reason),
            getter::Output::Learned { providers, .. } => {
                for referral in providers {
                    for (_, route) in referral.routes() {
                        if let Some(other) = place_of(route.device) {
                            self.connect(place, other);
                        }
                    }
                }
            }
            getter::Output::Verified { span, .. } => self.nodes[place].keep(span),
            getter::Output::Held { chunk, .. } => {
                let now = self.time();
                self.nodes[place].provider.handle_held(now, SNAPSHOT, chunk);
            }
            getter::Output::Done { .. } if self.nodes[place].wants_no_more(self.plan.size) => {
                self.done(place);
            }
            // Nobody has lanes here.
            getter::Output::Done { .. }
            | getter::Output::Changed { .. }
            | getter::Output::FurtherLane { .. } => {}
        }
    }

    /// All is here: what comes after it is not waited for.
    fn done(&mut self, place: usize) {
        let now = self.time();
        let node = &mut self.nodes[place];
        node.sync();
        node.getter.handle_transfer_ended(now, TRANSFER);
        if node.done_at.is_none() {
            node.done_at = Some(self.now);
            self.undone -= 1;
        }
    }

    fn end(&mut self, place: usize, source: SourceId, reason: EndReason) {
        let stream = index(source.0);
        self.nodes[place].sources.retain(|_, it| *it != stream);
        self.nodes[place].tally.liars += u64::from(reason == EndReason::Lied);
        self.streams[stream].is_open = false;
        let provider = self.streams[stream].provider;
        if reason == EndReason::NotNeeded {
            self.nodes[place].acquaintances.insert(provider);
        }
        self.nodes[provider]
            .uplink
            .retain(|job| job.stream != stream);
        self.at(self.now + self.plan.delay, Event::ClosedByAsker(stream));
    }

    fn perform_giving(&mut self, place: usize, output: provider::Output) {
        match output {
            provider::Output::Send { asker, message } => {
                self.tell(index(asker.0), self.now, message);
            }
            provider::Output::Serve { asker, ask, .. } => {
                let Some(left) = self.asked(place, &ask) else {
                    let (now, missing) = (self.time(), DropReason::Missing);
                    let provider = &mut self.nodes[place].provider;
                    provider.handle_failed(now, asker, ask.id, missing);
                    return;
                };
                self.nodes[place].uplink.push_back(Job {
                    stream: index(asker.0),
                    request: ask.id,
                    left,
                });
                self.send_on(place);
            }
            provider::Output::Close { asker, .. } => {
                let stream = index(asker.0);
                self.nodes[place].askers.retain(|_, it| *it != stream);
                self.streams[stream].is_open = false;
                self.at(self.now + self.plan.delay, Event::ClosedByProvider(stream));
            }
        }
    }

    /// What is to be sent to answer a request; `None` for a node of the tree that is not here.
    fn asked(&self, place: usize, ask: &Ask) -> Option<Span> {
        let node = &self.nodes[place];
        match ask.what {
            What::Span(span) => Some(span),
            What::Node(hash) if node.member.claims_all() || node.kept.contains(&hash) => {
                self.plan.tree.as_ref()?.all_of(&hash)
            }
            What::Node(_) => None,
        }
    }

    /// A member who boasts drops what it is asked for as busy, when it has let it wait, and is free again.
    pub(super) fn put_off(&mut self, stream: usize, asks: &[Ask]) {
        let (ids, reason) = (asks.iter().map(|ask| ask.id).collect(), DropReason::Busy);
        for message in [
            ProviderMessage::Busy,
            ProviderMessage::Dropped { ids, reason },
            ProviderMessage::Free,
        ] {
            self.tell(stream, self.now + BOASTER_WAITS, message);
        }
    }

    /// Sends a provider's message at this time, or after what was sent before it.
    fn tell(&mut self, stream: usize, at: u64, message: ProviderMessage) {
        let arrives = (at + self.plan.delay).max(self.streams[stream].to_asker);
        self.streams[stream].to_asker = arrives;
        self.at(arrives, Event::Tell(stream, message));
    }

    /// Tells a newcomer of some others that a provider knows.
    pub(super) fn introduce(&mut self, place: usize, newcomer: usize, id: AskerId) {
        let node = &self.nodes[place];
        let mut known: Vec<usize> = (node.askers.keys().chain(node.sources.keys()))
            .chain(&node.acquaintances)
            .copied()
            .filter(|other| *other != newcomer)
            .collect();
        known.sort_unstable();
        known.dedup();
        let mut told = Vec::new();
        while told.len() < 2 * PROVIDERS_MAX && !known.is_empty() {
            let at = self.random.below(known.len() as u64);
            told.push(known.swap_remove(usize::try_from(at).unwrap_or_default()));
        }
        let now = self.time();
        let heard: Vec<Heard> = told
            .iter()
            .map(|other| Referral::new(None, Some(Route::new(who(*other).device))))
            .map(|referral| Heard { referral, at: now })
            .collect();
        self.nodes[place].provider.handle_referrals(now, id, &heard);
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).expect("a stream's place")
}
