//! Visits to introducers, and their answers.
//!
//! A visit is modelled whole: the request arrives after a handshake, the answer a passage later. What is lost on the way, or
//! said to an introducer that is gone, is noticed when nobody waits any more.

use std::time::Duration;

use kith_core::discovery::{Answer, Client, Refusal, RegistryOutput, Request};
use kith_core::ids::{DeviceKey, Face};
use kith_core::peer::Visit;

use super::state::World;
use crate::checker::Fact;
use crate::event::{Call, Event, LinkId, NodeId, Parcel};
use crate::network::Path;

/// How long a shell waits for the end of a visit.
const VISIT_WITHIN: Duration = Duration::from_secs(15);

/// Passages until a request arrives: a handshake there and back, and the request itself.
const PASSAGES: u32 = 3;

impl World {
    /// Adds a visit; it is paid when the node's other outputs are done.
    pub(super) fn send_on(&mut self, id: NodeId, visit: Visit) {
        let errands = &mut self.nodes[id.0].errands;
        errands.entry(visit.introducer.key).or_default().add(visit);
    }

    /// Goes on with all visits of a node.
    pub(super) fn pump_all(&mut self, id: NodeId) {
        let keys: Vec<DeviceKey> = self.nodes[id.0].errands.keys().copied().collect();
        for key in keys {
            while let Some(visit) = self.nodes[id.0].errands.entry(key).or_default().take_next() {
                self.pay(id, key, visit);
            }
        }
    }

    /// Sets out on a visit.
    fn pay(&mut self, id: NodeId, key: DeviceKey, visit: Visit) {
        self.requests_made += 1;
        let (number, life) = (self.requests_made, self.nodes[id.0].life);
        let overdue = Event::Overdue(id, life, key, number);
        self.schedule(self.now + VISIT_WITHIN, overdue);
        let route = visit.introducer.route();
        if let Some((introducer, _, path)) =
            self.network.way(&self.nodes, (id, Face::Visitor), &route)
        {
            let passage = self
                .network
                .passage_ms(&mut self.random, id, introducer, path);
            let call = Call {
                number,
                node: id,
                life,
                visitor: visit.visitor.device_key(),
                introducer,
                is_relayed: matches!(path, Path::Relay(_)),
                request: visit.request.to_bytes(),
            };
            let at = self.now + Duration::from_millis(passage) * PASSAGES;
            self.schedule(at, Event::Visited(call));
        }
        let errands = self.nodes[id.0].errands.entry(key).or_default();
        errands.asked.insert(number, visit);
    }

    /// Somebody's request is there.
    pub(super) fn visited(&mut self, call: Call) {
        let id = call.introducer;
        if !self.nodes[id.0].is_up() || !self.network.passes(call.node, id) {
            return;
        }
        let greeting = Parcel::Control(Visit::greeting());
        let said = Parcel::Request(call.number, call.request.clone());
        let recording = LinkId(u64::MAX - call.number);
        self.overhear(recording, &greeting);
        self.overhear(recording, &said);
        let address = self.nodes[call.node.0].outer(Face::Visitor).ip();
        let client = Client {
            key: call.visitor,
            address: (!call.is_relayed).then_some(address),
        };
        if let Ok(request) = Request::from_bytes(&call.request) {
            self.facts.push(Fact::Visited(id, call.visitor, request));
        }
        let (number, request) = (call.number, call.request.clone());
        self.calls.insert(number, call);
        self.ask_registry(id, client, number, &request);
        self.settle(id);
    }

    /// Visits have not come to an end in time.
    pub(super) fn overdue(&mut self, id: NodeId, key: DeviceKey, number: u64) {
        let now = self.now;
        let node = &mut self.nodes[id.0];
        let (local, life) = (node.local(now), node.life);
        let Some(errands) = node.errands.get_mut(&key) else {
            return;
        };
        if !errands.asked.contains_key(&number) {
            return;
        }
        let failed = errands.fail();
        let pause = Duration::from_millis(errands.pause_ms);
        self.schedule(now + pause, Event::Retry(id, life, key));
        if let Some(machine) = &mut self.nodes[id.0].machine {
            machine.handle_introducer_down(local, key);
            for locator in failed {
                machine.handle_records(local, locator, &[]);
            }
        }
        self.settle(id);
    }

    /// A pause after a failure is over.
    pub(super) fn retry(&mut self, id: NodeId, key: DeviceKey) {
        if let Some(errands) = self.nodes[id.0].errands.get_mut(&key) {
            errands.paused = false;
        }
        self.settle(id);
    }

    /// An introducer takes a request that a stranger repeats.
    pub(super) fn serve(&mut self, id: NodeId, link: LinkId, request: u64, bytes: &[u8]) {
        let Some(from) = self.network.links.get(&link) else {
            return;
        };
        let address = match from.path {
            Path::Direct { .. } => Some(self.nodes[from.dialler.node.0].outer(from.dialler.face)),
            Path::Relay(_) => None,
        };
        let client = Client {
            key: from.dialler.device,
            address: address.map(|address| address.ip()),
        };
        self.ask_registry(id, client, request, bytes);
    }

    fn ask_registry(&mut self, id: NodeId, client: Client, request: u64, bytes: &[u8]) {
        let now = self.now;
        let node = &mut self.nodes[id.0];
        let local = node.local(now);
        if let Some(registry) = &mut node.registry {
            registry.handle_request(local, client, request, bytes);
        }
    }

    /// Does what a registry asks for.
    pub(super) fn settle_registry(&mut self, id: NodeId) {
        while let Some(registry) = &mut self.nodes[id.0].registry {
            let Some(output) = registry.poll_output() else {
                return;
            };
            match output {
                RegistryOutput::Store(row) => {
                    self.facts.push(Fact::Kept(id, row.clone()));
                    self.nodes[id.0].store(vec![row]);
                }
                RegistryOutput::Answer { request, answer } => {
                    if let Some(call) = self.calls.remove(&request) {
                        let path = if call.is_relayed {
                            Path::Relay(id)
                        } else {
                            Path::Direct { lan: false }
                        };
                        let passage =
                            self.network
                                .passage_ms(&mut self.random, id, call.node, path);
                        let at = self.now + Duration::from_millis(passage);
                        self.schedule(at, Event::Answered(call, answer.to_bytes()));
                    }
                }
            }
        }
    }

    /// An answer is there.
    pub(super) fn answered(&mut self, call: &Call, bytes: &[u8]) {
        let (id, now) = (call.node, self.now);
        if !self.network.passes(id, call.introducer) {
            return;
        }
        let node = &mut self.nodes[id.0];
        let local = node.local(now);
        let mut errands = node.errands.iter_mut();
        let Some((key, errands)) =
            errands.find(|(_, errands)| errands.asked.contains_key(&call.number))
        else {
            return;
        };
        let (key, Some(visit)) = (*key, errands.asked.remove(&call.number)) else {
            return;
        };
        errands.pause_ms = 0;
        let Some(machine) = &mut node.machine else {
            return;
        };
        machine.handle_introducer_up(local, key);
        let answer = Answer::from_bytes(bytes);
        let what = match (&visit.request, answer) {
            (Request::Lookup(locator), Ok(Answer::Records(records))) => {
                machine.handle_records(local, *locator, &records);
                format!("finds {} records", records.len())
            }
            (Request::Lookup(locator), _) => {
                machine.handle_records(local, *locator, &[]);
                "finds nothing".to_owned()
            }
            (Request::Publish(record), Ok(Answer::Refused(Refusal::Stale { newest }))) => {
                if let Some(peer) = visit.peer {
                    machine.handle_stale(local, peer, record.locator(), newest);
                }
                "published too late".to_owned()
            }
            (Request::Publish(_), Ok(Answer::Refused(Refusal::Busy { .. }))) => {
                errands.add(visit);
                "is to wait".to_owned()
            }
            (Request::Publish(_), Ok(Answer::Refused(refusal))) => format!("refused: {refusal:?}"),
            (Request::Publish(record), _) => {
                if visit.peer.is_none() {
                    machine.handle_kept(local, record.locator());
                }
                "published".to_owned()
            }
        };
        self.note(format_args!("{} {what}", id.0));
        self.settle(id);
    }
}
