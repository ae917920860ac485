//! What lines carry: pieces of answers, sent in turns and received in order.

use kith_core::content::swarm::Span;
use kith_core::content::swarm::getter::SourceId;
use kith_core::content::swarm::provider::AskerId;
use kith_core::content::swarm::wire::{ProviderMessage, What};

use super::checker;
use super::node::Job;
use super::plan::{Conduct, PIECE_BYTES, SECOND};
use super::world::{Event, World};

impl World {
    /// A piece of an answer arrives.
    pub(super) fn receive(&mut self, place: usize, stream: usize, request: u64, span: Span) {
        let (now, id) = (self.time(), SourceId(stream as u64));
        let provider = self.streams[stream].provider;
        let message = ProviderMessage::Data {
            id: request,
            until: span.end,
            encoded: span.bytes(),
        };
        let is_true = !checker::lies(&self.nodes[provider]);
        let getter = &mut self.nodes[place].getter;
        getter.handle_message(now, id, message);
        let Some(due) = getter.due(id, request) else {
            return;
        };
        if !is_true {
            self.nodes[place].tally.lies += span.bytes();
            self.nodes[place].getter.handle_invalid(now, id);
            return;
        }
        let fresh_before = self.nodes[place].tally.fresh;
        self.nodes[place]
            .getter
            .handle_verified(now, id, request, span.end);
        if let What::Node(hash) = due.what {
            self.take_node(place, hash);
            self.at(self.now, Event::Written(place, span.bytes()));
            return;
        }
        self.settle(place);
        let node = &mut self.nodes[place];
        let fresh = node.tally.fresh - fresh_before;
        node.tally.twice += span.bytes().saturating_sub(fresh);
        let written = match node.member.disk {
            None => self.now,
            Some(rate) => {
                node.disk_free = node.disk_free.max(self.now) + span.bytes() * SECOND / rate;
                node.disk_free
            }
        };
        self.at(written, Event::Written(place, span.bytes()));
    }

    /// Sends the next piece of what waits at a node's line.
    pub(super) fn send_on(&mut self, place: usize) {
        let now = self.now;
        let node = &mut self.nodes[place];
        let is_dead = matches!(node.member.conduct, Conduct::Stalls(at) if now >= at);
        if node.is_sending || is_dead {
            return;
        }
        let Some(job) = node.uplink.pop_front() else {
            return;
        };
        let end = (job.left.start + PIECE_BYTES).min(job.left.end);
        let piece = Span { end, ..job.left };
        let sent = now + piece.bytes() * SECOND / node.member.up.max(1);
        if end < job.left.end {
            let left = Span {
                start: end,
                ..job.left
            };
            node.uplink.push_back(Job { left, ..job });
        } else {
            let id = AskerId(job.stream as u64);
            let time = self.time();
            self.nodes[place]
                .provider
                .handle_served(time, id, job.request);
        }
        self.nodes[place].is_sending = true;
        self.at(sent, Event::Sent(place));
        let stream = self.streams[job.stream];
        let receiver = &mut self.nodes[stream.asker];
        let begin = (sent + self.plan.delay).max(receiver.downlink_free);
        receiver.downlink_free = begin + piece.bytes() * SECOND / receiver.member.down.max(1);
        let arrives = receiver.downlink_free.max(stream.to_asker);
        self.streams[job.stream].to_asker = arrives;
        self.at(arrives, Event::Data(job.stream, job.request, piece));
    }
}
