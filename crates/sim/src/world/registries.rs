//! Errands to introducers, and their answers.

use std::time::Duration;

use kith_core::discovery::{Answer, Client, Record, Refusal, RegistryOutput, Request};
use kith_core::ids::{DeviceKey, Locator, PeerId};
use kith_core::introducer::Introducer;
use kith_core::routing::{ConnId, Target};

use super::state::World;
use crate::checker::Fact;
use crate::errand::Errand;
use crate::event::{Event, LinkId, NodeId, Parcel};
use crate::network::Path;

impl World {
    /// Adds an errand to each of these introducers; it goes out when the node's other outputs are done.
    pub(super) fn send_on(&mut self, id: NodeId, introducers: &[Introducer], errand: &Errand) {
        for introducer in introducers {
            let errands = &mut self.nodes[id.0].errands;
            errands
                .entry(introducer.key)
                .or_default()
                .add(errand.clone());
        }
    }

    /// Goes on with all errands of a node.
    pub(super) fn pump_all(&mut self, id: NodeId) {
        let keys: Vec<DeviceKey> = self.nodes[id.0].errands.keys().copied().collect();
        for key in keys {
            self.pump(id, key);
        }
    }

    /// Goes on with the errands at one introducer.
    fn pump(&mut self, id: NodeId, key: DeviceKey) {
        let now = self.now;
        let node = &mut self.nodes[id.0];
        let local = node.local(now);
        let conn = node.preferred.get(&Target::Device(key)).copied();
        let (Some(errands), Some(machine)) = (node.errands.get_mut(&key), &mut node.machine) else {
            return;
        };
        if errands.conn.is_some() && errands.conn != conn && !errands.asked.is_empty() {
            return self.errands_failed(id, key);
        }
        let Some(conn) = conn else {
            if !errands.is_idle() && !errands.opening && !errands.paused {
                errands.opening = true;
                machine.handle_open(local, Target::Device(key));
                self.settle(id);
            }
            return;
        };
        errands.conn = Some(conn);
        errands.opening = false;
        let mut asked = Vec::new();
        while let Some(errand) = errands.take_next() {
            self.requests_made += 1;
            let request = match &errand {
                Errand::Publish(record, _) => Request::Publish(record.clone()),
                Errand::Lookup(locator) => Request::Lookup(*locator),
            };
            errands.asked.insert(self.requests_made, errand);
            asked.push((self.requests_made, request.to_bytes()));
        }
        let streams = u32::from(!errands.asked.is_empty());
        if errands.streams != streams {
            errands.streams = streams;
            machine.handle_streams(local, conn, streams);
            self.settle(id);
        }
        for (number, bytes) in asked {
            self.send(id, conn, Parcel::Request(number, bytes));
        }
    }

    /// An introducer cannot be reached, or does not answer.
    pub(super) fn errands_failed(&mut self, id: NodeId, key: DeviceKey) {
        let now = self.now;
        let node = &mut self.nodes[id.0];
        let (local, life) = (node.local(now), node.life);
        let Some(errands) = node.errands.get_mut(&key) else {
            return;
        };
        let failed = errands.fail();
        errands.paused = true;
        let pause = Duration::from_millis(errands.pause_ms);
        self.schedule(now + pause, Event::Retry(id, life, key));
        if let Some(machine) = &mut self.nodes[id.0].machine {
            machine.handle_introducer_down(local, key);
            for locator in failed {
                machine.handle_records(local, locator, &[]);
            }
        }
    }

    /// A pause after a failure is over.
    pub(super) fn retry(&mut self, id: NodeId, key: DeviceKey) {
        if let Some(errands) = self.nodes[id.0].errands.get_mut(&key) {
            errands.paused = false;
        }
        self.settle(id);
    }

    /// A node forgets a connection.
    pub(super) fn forget_conn(&mut self, id: NodeId, conn: ConnId) {
        let node = &mut self.nodes[id.0];
        node.sessions.remove(&conn);
        let keys: Vec<DeviceKey> = node
            .errands
            .iter()
            .filter(|(_, errands)| errands.conn == Some(conn))
            .map(|(key, _)| *key)
            .collect();
        for key in keys {
            let errands = self.nodes[id.0].errands.entry(key).or_default();
            let idle = errands.is_idle();
            errands.conn = None;
            errands.streams = 0;
            if !idle {
                self.errands_failed(id, key);
            }
        }
    }

    /// An introducer takes a request.
    pub(super) fn serve(&mut self, id: NodeId, link: LinkId, request: u64, bytes: &[u8]) {
        let now = self.now;
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
        self.requests.insert(request, link);
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
                    if let Some(link) = self.requests.remove(&request) {
                        let parcel = Parcel::Answer(request, answer.to_bytes());
                        self.send(id, ConnId(link.0), parcel);
                    }
                }
            }
        }
    }

    /// An answer is there.
    pub(super) fn answered(&mut self, id: NodeId, conn: ConnId, request: u64, bytes: &[u8]) {
        let now = self.now;
        let node = &mut self.nodes[id.0];
        let local = node.local(now);
        let asked = node
            .errands
            .values_mut()
            .find(|errands| errands.conn == Some(conn));
        let Some(errands) = asked else { return };
        let Some(errand) = errands.asked.remove(&request) else {
            return;
        };
        errands.pause_ms = 0;
        let answer = Answer::from_bytes(bytes);
        let Some(machine) = &mut node.machine else {
            return;
        };
        let mut lookup = |locator: Locator, records: &[Record]| {
            machine.handle_records(local, locator, records);
        };
        let mut told: Option<(PeerId, u64)> = None;
        let mut kept: Option<Locator> = None;
        let what = match (errand, answer) {
            (Errand::Lookup(locator), Ok(Answer::Records(records))) => {
                lookup(locator, &records);
                format!("finds {} records", records.len())
            }
            (Errand::Lookup(locator), _) => {
                lookup(locator, &[]);
                "finds nothing".to_owned()
            }
            (Errand::Publish(_, peer), Ok(Answer::Refused(Refusal::Stale { newest }))) => {
                told = peer.map(|peer| (peer, newest));
                "published too late".to_owned()
            }
            (publish, Ok(Answer::Refused(Refusal::Busy { .. }))) => {
                errands.add(publish);
                "is to wait".to_owned()
            }
            (Errand::Publish(..), Ok(Answer::Refused(refusal))) => format!("refused: {refusal:?}"),
            (Errand::Publish(record, peer), _) => {
                kept = peer.is_none().then(|| record.locator());
                "published".to_owned()
            }
        };
        if let Some(locator) = kept {
            machine.handle_kept(local, locator);
        }
        if let Some((peer, newest)) = told {
            machine.handle_stale(local, peer, newest);
        }
        self.note(format_args!("{} {what}", id.0));
    }
}
