//! What a machine asks for is done, in order: nothing that stands behind an output is lost or done before it.

use std::time::Duration;

use kith_core::address::Route;
use kith_core::discovery::Request;
use kith_core::identity;
use kith_core::ids::Face;
use kith_core::peer::{self, Output};
use kith_core::routing::{DialId, Target};

use super::state::World;
use crate::checker::Fact;
use crate::event::{Dial, Event, LinkId, NodeId, Parcel};
use crate::node::UnderWay;

/// How long a shell takes to bind an endpoint anew.
const REBIND: Duration = Duration::from_millis(40);

/// How long an announcement takes to be heard.
const HEARD_AFTER: Duration = Duration::from_millis(120);

/// How long an engine takes to have a place at a relay.
const PLACED_AFTER: Duration = Duration::from_millis(250);

impl World {
    /// Does everything the machines of a node ask for.
    pub(super) fn settle(&mut self, id: NodeId) {
        self.settle_registry(id);
        while let Some(machine) = &mut self.nodes[id.0].machine {
            let Some(output) = machine.poll_output() else {
                break;
            };
            if let Some(left) = &mut self.nodes[id.0].crash_after {
                if *left == 0 {
                    self.nodes[id.0].interrupted = true;
                    return self.crash(id);
                }
                *left -= 1;
            }
            self.perform(id, output);
        }
        self.pump_all(id);
        if !self.touched.contains(&id) {
            self.touched.push(id);
        }
        self.observe_book(id);
        self.plan_wake(id);
    }

    fn perform(&mut self, id: NodeId, output: Output) {
        let node = &mut self.nodes[id.0];
        match output {
            Output::Store(rows) => {
                let kinds: Vec<&str> = rows.iter().map(|row| row.kind).collect();
                node.store(rows);
                self.note(format_args!("{} stores {kinds:?}", id.0));
            }
            Output::Dial { dial, face, route } => {
                node.searches.dials += u64::from(face != Face::Visitor);
                self.try_route(id, dial, face, route);
            }
            Output::Refine { dial, route } => {
                if let Some(face) = node.dials.get(&dial).map(|it| it.face) {
                    self.try_route(id, dial, face, route);
                }
            }
            Output::CancelDial { dial } => {
                node.dials.remove(&dial);
            }
            Output::Send { conn, bytes } => {
                self.note(format_args!("{} sends {} on {conn:?}", id.0, bytes.len()));
                self.send(id, conn, Parcel::Control(bytes));
            }
            Output::Close { conn, code, .. } => {
                self.note(format_args!("{} closes {conn:?} {code:?}", id.0));
                self.send(id, conn, Parcel::Close(code));
                self.part(id, conn);
            }
            Output::StreamLimit { .. } | Output::SeekPaths { .. } | Output::KeepAlive { .. } => {}
            // Nobody in this world is asked to relay: its nodes are not told of their interfaces.
            Output::OfferRelay(_) => {}
            Output::Learn { peer, routes } => node.learn(self.now, peer, routes),
            Output::Prefer { target, conn } => {
                match conn {
                    Some(conn) => node.preferred.insert(target, conn),
                    None => node.preferred.remove(&target),
                };
                self.look_who_is_preferred(id, target);
            }
            Output::Relays { face, introducers } => {
                let places = self.places(&introducers);
                let node = &mut self.nodes[id.0];
                node.places.insert(face, places);
                let life = node.life;
                self.schedule(self.now + PLACED_AFTER, Event::Route(id, life));
            }
            Output::Visit(visit) => {
                node.searches.lookups += u64::from(matches!(visit.request, Request::Lookup(_)));
                self.send_on(id, *visit);
            }
            Output::Advertise(advertisement) => {
                node.advertisement = Some(advertisement);
                self.advertise(id);
            }
            Output::Rotate => {
                let life = node.life;
                self.schedule(self.now + REBIND, Event::Rotated(id, life));
            }
            Output::Event(event) => self.hear(id, event),
        }
    }

    /// Tries a route of a dial, beside those that are tried already.
    fn try_route(&mut self, id: NodeId, dial: DialId, face: Face, route: Route) {
        let node = &mut self.nodes[id.0];
        let attempts = 0;
        let under_way = node.dials.entry(dial);
        under_way.or_insert(UnderWay { face, attempts }).attempts += 1;
        let life = node.life;
        self.note(format_args!("{} dials {:?}", id.0, route.device));
        self.dial(Dial {
            node: id,
            life,
            dial,
            face,
            route,
        });
    }

    /// Takes note of the device to which streams to `target` are opened now.
    fn look_who_is_preferred(&mut self, id: NodeId, target: Target) {
        let node = &self.nodes[id.0];
        let conn = node.preferred.get(&target);
        let link = conn.and_then(|conn| self.network.links.get(&LinkId(conn.0)));
        let side = link.and_then(|link| Some((link, link.side_of(id, node.life)?)));
        if let (Some((link, side)), Target::Peer(peer)) = (side, target) {
            let device = link.end(side.other()).device;
            self.facts.push(Fact::Preferred(id, peer, device));
        }
    }

    /// An application hears of something.
    fn hear(&mut self, id: NodeId, event: peer::Event) {
        let node = &mut self.nodes[id.0];
        match &event {
            peer::Event::Up(session) => {
                node.sessions.insert(session.conn, *session);
                self.facts.push(Fact::Up(id, *session));
                let (conn, level) = (session.conn, session.level);
                self.note(format_args!("{} has {conn:?} up as {level:?}", id.0));
            }
            peer::Event::Trusted(session) => {
                node.sessions.insert(session.conn, *session);
                let (conn, level) = (session.conn, session.level);
                self.note(format_args!("{} has {conn:?} go on as {level:?}", id.0));
            }
            peer::Event::Down { conn, reason, .. } => {
                node.sessions.remove(conn);
                let conn = *conn;
                self.note(format_args!("{} has {conn:?} down: {reason:?}", id.0));
            }
            peer::Event::Unreachable { target, reason } => {
                self.note(format_args!("{} misses {target:?}: {reason:?}", id.0));
            }
            peer::Event::Book(event) => self.hear_book(id, *event),
            other => {
                if let peer::Event::Reached { target } = other {
                    self.look_who_is_preferred(id, *target);
                }
                let text = format!("{other:?}");
                self.note(format_args!("{} hears {text}", id.0));
            }
        }
    }

    fn hear_book(&mut self, id: NodeId, event: identity::Event) {
        self.note(format_args!("{} book {event:?}", id.0));
        if let identity::Event::InviteBurned { invite, by } = event
            && let Some(by) = self.peers.get(&by)
        {
            self.model.burn(&invite, *by);
        }
    }

    /// Lets everybody on the same local network hear an announcement.
    fn advertise(&mut self, id: NodeId) {
        let (lan, life) = (self.nodes[id.0].person.lan, self.nodes[id.0].life);
        let Some(lan) = lan else { return };
        let heard: Vec<NodeId> = self
            .nodes
            .iter()
            .filter(|node| node.person.lan == Some(lan) && node.id != id && node.is_up())
            .map(|node| node.id)
            .collect();
        for other in heard {
            let late = self.network.announcement_ms(&mut self.random);
            let heard = self.now + HEARD_AFTER + Duration::from_millis(late);
            self.schedule(heard, Event::Sighted(id, other, life));
        }
    }

    /// A node hears another's announcement.
    pub(super) fn sight(&mut self, from: NodeId, to: NodeId) {
        let speaker = &self.nodes[from.0];
        let (Some(advertisement), Some(route)) = (
            speaker.advertisement.clone(),
            speaker.route(Face::Contact, Vec::new()),
        ) else {
            return;
        };
        let mut route = route;
        route.addresses.truncate(1);
        let now = self.now;
        let listener = &mut self.nodes[to.0];
        let local = listener.local(now);
        if advertisement.device != route.device {
            return;
        }
        if let Some(machine) = &mut listener.machine {
            machine.handle_sighting(local, advertisement, route);
            self.settle(to);
        }
    }

    /// An announcement is gone.
    pub(super) fn vanish(&mut self, to: NodeId, device: kith_core::ids::DeviceKey) {
        if let Some(machine) = &mut self.nodes[to.0].machine {
            machine.handle_sighting_gone(device);
            self.settle(to);
        }
    }
}
