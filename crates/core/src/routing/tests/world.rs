//! Nodes that run [`Sessions`], and the connections between them as queues of what is on its way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::address::Route;
use crate::ids::{DeviceKey, Face, PeerId};
use crate::routing::wire::Introduction;
use crate::routing::{
    Boot, Candidate, CloseCode, Config, ConnId, Connected, DialId, DownReason, Event, Level,
    Output, Session, Sessions, Target, UnreachableReason, Verdict,
};
use crate::time::Time;

/// A node, with a composer that knows a binding by its bytes: the peer's, then the device's.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) sessions: Sessions,
    pub(super) peer: PeerId,
    pub(super) device: DeviceKey,
    /// Whom it knows and shows itself to.
    pub(super) contacts: BTreeSet<PeerId>,
    /// What its composer resolves.
    pub(super) routes: BTreeMap<Target, Vec<Candidate>>,
    pub(super) events: Vec<Event>,
}

/// A connection. End 0 dialled.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) nodes: [usize; 2],
    dial: DialId,
    /// What is on its way to each end, in order.
    queues: [VecDeque<Packet>; 2],
    pub(super) closed: [bool; 2],
    /// Whether that was to be at once.
    pub(super) closed_at_once: [bool; 2],
}

#[derive(Clone, Debug)]
enum Packet {
    Connected,
    DialFailed,
    Bytes(Vec<u8>),
    Closed(CloseCode),
}

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) nodes: Vec<Node>,
    pub(super) links: Vec<Link>,
    pub(super) now: Time,
}

/// The peer and the device of node `index`: smaller for a smaller index.
pub(super) fn names(index: usize) -> (PeerId, DeviceKey) {
    let byte = u8::try_from(index + 1).expect("few nodes");
    (PeerId([byte; 32]), DeviceKey([byte; 32]))
}

pub(super) fn target(index: usize) -> Target {
    Target::Peer(names(index).0)
}

pub(super) fn candidate(device: DeviceKey) -> Candidate {
    let mut route = Route::new(device);
    route.addresses.push(([192, 0, 2, 1], 1).into());
    Candidate {
        from: Face::Contact,
        to: Face::Contact,
        route,
    }
}

/// A machine in its `boot`th life.
pub(super) fn sessions(boot: u64, now: Time) -> Sessions {
    let boot = Boot::new([1; 32], boot);
    Sessions::new(Config::new(boot, "test".into()), [7; 32], now)
}

/// All outputs that wait.
pub(super) fn drain(sessions: &mut Sessions) -> Vec<Output> {
    std::iter::from_fn(|| sessions.poll_output()).collect()
}

impl World {
    /// Nodes that are all contacts of each other and know each other's routes.
    pub(super) fn new(count: usize) -> Self {
        let now = Time(1_700_000_000_000);
        let nodes = (0..count)
            .map(|index| {
                let (peer, device) = names(index);
                let others = (0..count).filter(|other| *other != index);
                Node {
                    sessions: sessions(1, now),
                    peer,
                    device,
                    contacts: others.clone().map(|other| names(other).0).collect(),
                    routes: others
                        .map(|other| (target(other), vec![candidate(names(other).1)]))
                        .collect(),
                    events: Vec::new(),
                }
            })
            .collect();
        Self {
            nodes,
            links: Vec::new(),
            now,
        }
    }

    /// Two nodes and a session between them that node 0 dialled.
    pub(super) fn connected() -> Self {
        let mut world = Self::new(2);
        world.open(0, 1);
        world.settle();
        assert_eq!(world.session(0, 1).map(|it| it.conn), Some(ConnId(0)));
        assert_eq!(world.session(1, 0).map(|it| it.conn), Some(ConnId(0)));
        world
    }

    pub(super) fn open(&mut self, node: usize, other: usize) {
        self.act(node, |sessions, now| {
            sessions.handle_open(now, target(other));
        });
    }

    pub(super) fn want(&mut self, node: usize, other: usize, wanted: bool) {
        self.act(node, |sessions, now| {
            sessions.handle_want(now, target(other), wanted);
        });
    }

    pub(super) fn streams(&mut self, node: usize, conn: ConnId, count: u32) {
        self.act(node, |sessions, now| {
            sessions.handle_streams(now, conn, count);
        });
    }

    /// Hands something to a node's machine, and does what it asks for.
    pub(super) fn act(&mut self, node: usize, input: impl FnOnce(&mut Sessions, Time)) {
        input(&mut self.nodes[node].sessions, self.now);
        while let Some(output) = self.nodes[node].sessions.poll_output() {
            self.perform(node, output);
        }
    }

    /// The session `node` would use for `other`.
    pub(super) fn session(&self, node: usize, other: usize) -> Option<Session> {
        self.nodes[node].sessions.session(target(other))
    }

    /// Where something is on its way: which link, to which end.
    pub(super) fn deliverable(&self) -> Vec<(usize, usize)> {
        let ends = (0..self.links.len()).flat_map(|link| [(link, 0), (link, 1)]);
        ends.filter(|(link, end)| !self.links[*link].queues[*end].is_empty())
            .collect()
    }

    /// Delivers the next of what is on its way to one end of a link.
    pub(super) fn deliver(&mut self, link: usize, end: usize) {
        let Some(packet) = self.links[link].queues[end].pop_front() else {
            return;
        };
        let conn = ConnId(link as u64);
        let Link { nodes, dial, .. } = self.links[link];
        let (local, remote) = (nodes[end], nodes[1 - end]);
        match packet {
            Packet::Connected => {
                let connected = Connected {
                    conn,
                    dial: (end == 0).then_some(dial),
                    face: Face::Contact,
                    local: self.nodes[local].device,
                    remote: self.nodes[remote].device,
                    observed: None,
                };
                if end == 0 {
                    self.links[link].queues[1].push_back(Packet::Connected);
                }
                self.act(local, |it, now| it.handle_connected(now, connected));
            }
            Packet::DialFailed => self.act(local, |it, now| it.handle_dial_failed(now, dial)),
            Packet::Bytes(bytes) => self.act(local, |it, now| it.handle_bytes(now, conn, &bytes)),
            Packet::Closed(code) => {
                self.links[link].closed[end] = true;
                self.act(local, |it, now| it.handle_closed(now, conn, Some(code)));
            }
        }
    }

    /// Delivers everything, in the order of the links.
    pub(super) fn settle(&mut self) {
        for _ in 0..10_000 {
            match self.deliverable().first() {
                Some((link, end)) => self.deliver(*link, *end),
                None => return,
            }
        }
        panic!("the network does not come to rest");
    }

    /// Lets time pass, with all that falls due in it.
    pub(super) fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        for _ in 0..100_000 {
            self.settle();
            let timeouts = self
                .nodes
                .iter()
                .filter_map(|it| it.sessions.poll_timeout());
            match timeouts.min().filter(|next| *next <= end) {
                Some(next) => self.now = self.now.max(next),
                None => {
                    self.now = end;
                    return;
                }
            }
            for node in 0..self.nodes.len() {
                self.act(node, Sessions::handle_timeout);
            }
        }
        panic!("timers do not come to rest");
    }

    /// The path of a link dies: both ends notice.
    pub(super) fn cut(&mut self, link: usize) {
        for end in [0, 1] {
            self.links[link].queues[end].clear();
            if !std::mem::replace(&mut self.links[link].closed[end], true) {
                let node = self.links[link].nodes[end];
                let conn = ConnId(link as u64);
                self.act(node, |it, now| it.handle_closed(now, conn, None));
            }
        }
    }

    /// The node starts anew in its `boot`th life; nobody is told.
    pub(super) fn restart(&mut self, node: usize, boot: u64) {
        self.nodes[node].sessions = sessions(boot, self.now);
        for link in &mut self.links {
            for end in [0, 1] {
                if link.nodes[end] == node {
                    link.closed[end] = true;
                    link.queues[end].clear();
                }
            }
        }
    }

    /// Why `node` lost sessions, in order.
    pub(super) fn downs(&self, node: usize) -> Vec<DownReason> {
        let events = self.nodes[node].events.iter();
        events
            .filter_map(|event| match event {
                Event::Down { reason, .. } => Some(*reason),
                _ => None,
            })
            .collect()
    }

    /// Why `node` did not reach whom it wanted, in order.
    pub(super) fn failures(&self, node: usize) -> Vec<UnreachableReason> {
        let events = self.nodes[node].events.iter();
        events
            .filter_map(|event| match event {
                Event::Unreachable { reason, .. } => Some(*reason),
                _ => None,
            })
            .collect()
    }

    /// The sessions that `node` was told of as they came up.
    pub(super) fn ups(&self, node: usize) -> Vec<Session> {
        let events = self.nodes[node].events.iter();
        events
            .filter_map(|event| match event {
                Event::Up(session) => Some(*session),
                _ => None,
            })
            .collect()
    }

    fn perform(&mut self, node: usize, output: Output) {
        match output {
            Output::Resolve { target } => {
                let found = self.nodes[node].routes.get(&target).cloned();
                let found = found.unwrap_or_default();
                self.act(node, |sessions, now| {
                    sessions.handle_routes(now, target, found);
                    sessions.handle_resolved(now, target);
                });
            }
            Output::Dial { dial, route, .. } => self.dial(node, dial, &route),
            Output::CancelDial { dial } => {
                let links = self.links.iter_mut();
                let mut dialled = links.filter(|it| it.nodes[0] == node && it.dial == dial);
                if let Some(link) = dialled.next() {
                    link.queues[0].clear();
                }
            }
            Output::AskIntroduction { conn, .. } => {
                let introduction = self.binding(node);
                self.act(node, |it, now| {
                    it.handle_introduction(now, conn, introduction);
                });
            }
            Output::Authenticate {
                conn,
                remote,
                introduction,
                ..
            } => {
                let verdict = self.judge(node, remote, &introduction);
                self.act(node, |it, now| it.handle_verdict(now, conn, verdict));
            }
            Output::Send { conn, bytes } => self.push(node, conn, Packet::Bytes(bytes)),
            Output::Close {
                conn,
                code,
                at_once,
            } => {
                self.push(node, conn, Packet::Closed(code));
                let end = self.end(node, conn);
                let link = &mut self.links[conn.0 as usize];
                link.closed[end] = true;
                link.closed_at_once[end] = at_once;
                link.queues[end].clear();
            }
            Output::StreamLimit { .. }
            | Output::Refine { .. }
            | Output::SeekPaths { .. }
            | Output::KeepAlive { .. } => {}
            Output::Event(event) => self.nodes[node].events.push(event),
        }
    }

    fn dial(&mut self, node: usize, dial: DialId, route: &Route) {
        let answers = self
            .nodes
            .iter()
            .position(|other| other.device == route.device);
        let first = match answers {
            Some(_) => Packet::Connected,
            None => Packet::DialFailed,
        };
        self.links.push(Link {
            nodes: [node, answers.unwrap_or(node)],
            dial,
            queues: [VecDeque::from([first]), VecDeque::new()],
            closed: [false, false],
            closed_at_once: [false, false],
        });
    }

    /// Puts a packet on its way to the other end, unless that is gone.
    fn push(&mut self, node: usize, conn: ConnId, packet: Packet) {
        let other = 1 - self.end(node, conn);
        let link = &mut self.links[conn.0 as usize];
        if !link.closed[other] {
            link.queues[other].push_back(packet);
        }
    }

    fn end(&self, node: usize, conn: ConnId) -> usize {
        usize::from(self.links[conn.0 as usize].nodes[0] != node)
    }

    fn binding(&self, node: usize) -> Introduction {
        let Node { peer, device, .. } = &self.nodes[node];
        Introduction {
            binding: Some([peer.0, device.0].concat()),
            ..Introduction::default()
        }
    }

    fn judge(&self, node: usize, remote: DeviceKey, shown: &Introduction) -> Verdict {
        let binding = shown.binding.as_deref().unwrap_or_default();
        let Some((peer, device)) = binding.split_first_chunk::<32>() else {
            return Verdict::Stranger;
        };
        let peer = PeerId(*peer);
        if device != remote.0 || !self.nodes[node].contacts.contains(&peer) {
            return Verdict::Stranger;
        }
        Verdict::Known {
            peer,
            level: Level::Contact,
            answer: Some(self.binding(node)),
            speaks: vec!["/private/1".parse().expect("a valid name")],
        }
    }
}
