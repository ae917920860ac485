//! Starts, crashes, rotation, and how a node learns where it is.

use std::time::Duration;

use kith_core::crypto::SecretKey;
use kith_core::discovery::{Registry, RegistryConfig, registry::ROW_KIND};
use kith_core::ids::{DeviceKey, Face};
use kith_core::introducer::Introducer;
use kith_core::peer::{Config, Peer};
use kith_core::routing::ConnId;

use super::state::World;
use crate::event::{Event, LinkId, NodeId};
use crate::node::OLD_FACE_LIFE;
use crate::scheme::SimScheme;

/// Strangers an introducer serves at once: more than a world has nodes.
const CLIENTS_MAX: usize = 20_000;

/// How long engines take to notice that a relay is gone or back, spread at random.
const NOTICE_WITHIN_MS: u64 = 5_000;

impl World {
    /// Starts a node from what is on its disk.
    pub(super) fn start(&mut self, id: NodeId) {
        if self.nodes[id.0].is_up() {
            return;
        }
        self.note(format_args!("{} starts", id.0));
        let now = self.now;
        let scheme = self.scheme.clone();
        let node = &mut self.nodes[id.0];
        let local = node.local(now);
        let rows = node.rows(&Peer::<SimScheme>::kinds());
        let config = Config {
            name: format!("n{}", id.0),
            agent: "sim".to_owned(),
            findable: false,
            strangers_max: if node.introducer.is_some() {
                CLIENTS_MAX
            } else {
                64
            },
            keeps_sessions: node.person.keeps_sessions,
            relay: None,
            uses_contact_relays: true,
        };
        let seed = node.random.bytes();
        let identity = node.identity.clone();
        let machine = Peer::new(config, scheme.clone(), identity, rows, seed, local);
        match machine {
            Ok(machine) => node.machine = Some(machine),
            Err(error) => {
                return self.break_rule("durability", format!("node {}: {error}", id.0));
            }
        }
        let introducer = node.introducer.is_some();
        if introducer {
            let rows = node.rows(&[ROW_KIND]);
            let registry = Registry::restore(scheme, RegistryConfig::default(), local, rows);
            node.registry = Some(registry);
        }
        let public = node.public_key.clone();
        self.bind(id, Face::Public, public);
        if !introducer {
            for face in [Face::Contact, Face::Visitor] {
                let secret = SecretKey::from_bytes(self.nodes[id.0].random.bytes());
                self.bind(id, face, secret);
            }
            let lines = self.lines(&self.nodes[id.0].person.introducers);
            if let Some(machine) = &mut self.nodes[id.0].machine {
                machine.handle_introducers(local, lines);
            }
            self.hear_neighbours(id);
        }
        self.settle(id);
        let life = self.nodes[id.0].life;
        self.schedule(now + Duration::from_millis(5), Event::Route(id, life));
        if introducer {
            self.review_routes();
        }
        self.review_links();
    }

    /// The lines of introducers.
    fn lines(&self, introducers: &[NodeId]) -> Vec<Introducer> {
        let lines = introducers
            .iter()
            .filter_map(|it| self.nodes[it.0].introducer.clone());
        lines.collect()
    }

    /// Which nodes these introducers are.
    pub(super) fn places(&self, introducers: &[Introducer]) -> Vec<NodeId> {
        let is_used = |line: &Introducer| introducers.iter().any(|it| it.key == line.key);
        let nodes = self.nodes.iter();
        nodes
            .filter(|node| node.introducer.as_ref().is_some_and(is_used))
            .map(|node| node.id)
            .collect()
    }

    fn bind(&mut self, id: NodeId, face: Face, secret: SecretKey) {
        let now = self.now;
        let node = &mut self.nodes[id.0];
        let local = node.local(now);
        let key = secret.device_key();
        node.devices.insert(key, face);
        node.past.insert(key, face);
        self.network.owners.insert(key, id);
        node.current.insert(face, key);
        if let Some(machine) = &mut node.machine {
            machine.handle_device(local, face, secret);
        }
    }

    /// The announcements of everybody on the local network reach a node that has just come.
    fn hear_neighbours(&mut self, id: NodeId) {
        let Some(lan) = self.nodes[id.0].person.lan else {
            return;
        };
        let neighbours: Vec<_> = self
            .nodes
            .iter()
            .filter(|node| node.person.lan == Some(lan) && node.id != id && node.is_up())
            .map(|node| (node.id, node.life))
            .collect();
        for (other, life) in neighbours {
            let at = self.now + Duration::from_millis(150);
            self.schedule(at, Event::Sighted(other, id, life));
        }
    }

    /// The power fails.
    pub(super) fn crash(&mut self, id: NodeId) {
        if !self.nodes[id.0].is_up() {
            return;
        }
        self.note(format_args!("{} crashes", id.0));
        let devices: Vec<DeviceKey> = self.nodes[id.0].devices.keys().copied().collect();
        let lan = self.nodes[id.0].person.lan;
        let is_introducer = self.nodes[id.0].introducer.is_some();
        self.nodes[id.0].crash();
        let neighbours: Vec<NodeId> = self
            .nodes
            .iter()
            .filter(|node| lan.is_some() && node.person.lan == lan && node.id != id)
            .map(|node| node.id)
            .collect();
        for other in neighbours {
            for device in &devices {
                // An announcement lives on in caches for its time to live (RFC 6762 §10).
                let at = self.now + Duration::from_secs(120);
                self.schedule(at, Event::Vanished(other, *device));
            }
        }
        self.review_links();
        if is_introducer {
            self.review_routes();
        }
    }

    /// The shell has another key for the contact face.
    pub(super) fn rotate(&mut self, id: NodeId) {
        let old = self.nodes[id.0].current.get(&Face::Contact).copied();
        let secret = SecretKey::from_bytes(self.nodes[id.0].random.bytes());
        self.note(format_args!("{} rotates", id.0));
        self.bind(id, Face::Contact, secret);
        self.settle(id);
        let life = self.nodes[id.0].life;
        self.schedule(
            self.now + Duration::from_millis(300),
            Event::Route(id, life),
        );
        if let Some(old) = old {
            self.schedule(self.now + OLD_FACE_LIFE, Event::Retired(id, life, old));
        }
    }

    /// An old endpoint is closed, with all its connections.
    pub(super) fn retire(&mut self, id: NodeId, device: DeviceKey) {
        self.nodes[id.0].devices.remove(&device);
        let links: Vec<LinkId> = self
            .network
            .links
            .iter()
            .filter(|(_, link)| link.dialler.device == device || link.dialled.device == device)
            .map(|(number, _)| *number)
            .collect();
        for link in links {
            self.drop_link(link);
        }
        if let Some(machine) = &mut self.nodes[id.0].machine {
            machine.handle_device_gone(device);
        }
        self.settle(id);
    }

    /// A node's engine tells where its faces are.
    pub(super) fn tell_routes(&mut self, id: NodeId) {
        for face in [Face::Public, Face::Contact] {
            let node = &self.nodes[id.0];
            let places = node.places.get(&face).cloned().unwrap_or_default();
            let relays = places
                .iter()
                .filter(|relay| self.nodes[relay.0].is_up() && self.network.passes(id, **relay))
                .filter_map(|relay| self.nodes[relay.0].introducer.as_ref());
            let relays = relays.map(Introducer::relay_url).collect();
            let now = self.now;
            let node = &mut self.nodes[id.0];
            let local = node.local(now);
            if let (Some(route), Some(machine)) = (node.route(face, relays), &mut node.machine) {
                machine.handle_route(local, face, route);
            }
        }
        self.settle(id);
    }

    /// Every engine notices, a little later, which relays are there.
    pub(super) fn review_routes(&mut self) {
        let nodes: Vec<_> = self.nodes.iter().map(|it| (it.id, it.life)).collect();
        for (id, life) in nodes {
            let wait = Duration::from_millis(self.random.below(NOTICE_WITHIN_MS));
            self.schedule(self.now + wait, Event::Route(id, life));
        }
    }

    /// The program is stopped in an orderly way: sessions are told, then it ends.
    pub(super) fn leave(&mut self, id: NodeId) {
        let now = self.now;
        let node = &mut self.nodes[id.0];
        let local = node.local(now);
        if let Some(machine) = &mut node.machine {
            machine.handle_leave(local);
            self.settle(id);
        }
        let conns: Vec<ConnId> = self.nodes[id.0].sessions.keys().copied().collect();
        for conn in conns {
            let parcel = crate::event::Parcel::Close(kith_core::routing::CloseCode::Leaving);
            self.send(id, conn, parcel);
        }
        self.crash(id);
    }
}
