//! The wires of a simulated world: which way leads where, how long it takes, and what is cut.
//!
//! Connections are modelled as the machines meet them above QUIC, not packet by packet. Within one, bytes arrive in order,
//! cut into pieces anywhere; a lost packet costs the time until it is sent again, and what was sent behind it waits for it.
//! Connections, dials, visits and announcements overtake each other as their delays and losses have it. A connection whose
//! path is cut for longer than an engine waits is over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kith_core::address::Route;
use kith_core::ids::{DeviceKey, Face};
use kith_core::random::Random;
use kith_core::time::Time;

use crate::event::{Life, LinkId, NodeId, Parcel, Side};
use crate::nat::Nat;
use crate::node::Node;

/// How long an engine keeps a connection without a living path: `CONNECTION_IDLE_MAX` of kith-node, which it hands noq as
/// `max_idle_timeout`. The shorter time after which one path of several is given up is not modelled.
pub const CONNECTION_IDLE: Duration = Duration::from_secs(30);

/// The most loss that is modelled for what is said again and again until it is heard.
pub const LOSS_PER_MILLE_MAX: u64 = 900;

/// The most loss that a random world draws: one packet of four. With much more the engine would give a connection up, which is not
/// modelled.
pub const LOSS_DRAWN_PER_MILLE_MAX: u64 = 250;

/// The longest way that it draws, in milliseconds: to the other side of the world, and by a mobile network.
const LATENCY_DRAWN_MS_MAX: u64 = 300;

/// The most jitter that it draws, in milliseconds: a buffer that is too large, on a line in use.
const JITTER_DRAWN_MS_MAX: u64 = 200;

/// How good the wires are.
#[derive(Clone, Copy, Debug)]
pub struct Quality {
    /// The least and the greatest time from one node to another, in milliseconds; each pair has its own.
    pub latency_ms: (u64, u64),
    /// What is added at random to each passage, in milliseconds.
    pub jitter_ms: u64,
    /// How many packets of a thousand are lost.
    pub loss_per_mille: u64,
}

impl Quality {
    /// Ordinary wires that lose so many packets of a thousand.
    pub fn losing(loss_per_mille: u64) -> Self {
        Self {
            loss_per_mille,
            ..Self::default()
        }
    }

    /// Some wires: one in three worlds loses nothing or next to nothing, the others up to [`LOSS_DRAWN_PER_MILLE_MAX`].
    pub fn draw(random: &mut Random) -> Self {
        let least = random.below(LATENCY_DRAWN_MS_MAX / 2);
        Self {
            latency_ms: (least, least + random.below(LATENCY_DRAWN_MS_MAX / 2)),
            jitter_ms: random.below(JITTER_DRAWN_MS_MAX + 1),
            loss_per_mille: match random.below(3) {
                0 => random.below(10),
                _ => random.below(LOSS_DRAWN_PER_MILLE_MAX + 1),
            },
        }
    }
}

impl Default for Quality {
    fn default() -> Self {
        Self {
            latency_ms: (5, 80),
            jitter_ms: 10,
            loss_per_mille: 10,
        }
    }
}

/// How two ends are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// From address to address; over the local network or the internet.
    Direct {
        /// Whether over the local network.
        lan: bool,
    },
    /// Over this introducer's relay.
    Relay(NodeId),
}

/// One end of a link.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// Whose.
    pub node: NodeId,
    /// In which life of theirs.
    pub life: Life,
    /// Which key it presents.
    pub device: DeviceKey,
    /// On which face.
    pub face: Face,
    /// Whether the machine there has been told of it and not of its end.
    pub open: bool,
}

/// A connection.
#[derive(Clone, Debug)]
pub struct Link {
    /// Who dialled.
    pub dialler: End,
    /// Who was dialled.
    pub dialled: End,
    /// How they are joined now.
    pub path: Path,
    /// Whether the handshake is complete at the dialled side too.
    pub accepted: bool,
    /// When the last parcel so far arrives at each side.
    pub last: [Time; 2],
    /// What waits for a cut path to heal.
    pub held: Vec<(Side, Parcel)>,
    /// Since when the path is cut.
    pub cut_since: Option<Time>,
}

impl Link {
    /// The end of a side.
    pub fn end(&self, side: Side) -> &End {
        match side {
            Side::Dialler => &self.dialler,
            Side::Dialled => &self.dialled,
        }
    }

    /// The end of a side.
    pub fn end_mut(&mut self, side: Side) -> &mut End {
        match side {
            Side::Dialler => &mut self.dialler,
            Side::Dialled => &mut self.dialled,
        }
    }

    /// Whether both ends are done with it.
    pub fn is_over(&self) -> bool {
        self.accepted && !self.dialler.open && !self.dialled.open
    }

    /// Which side a node is on, in the life it is in.
    pub fn side_of(&self, node: NodeId, life: Life) -> Option<Side> {
        [Side::Dialler, Side::Dialled].into_iter().find(|side| {
            let end = self.end(*side);
            end.node == node && end.life == life
        })
    }
}

/// All wires.
#[derive(Debug)]
pub struct Network {
    /// How good they are.
    pub quality: Quality,
    /// The connections that stand or are coming up.
    pub links: BTreeMap<LinkId, Link>,
    /// Pairs of nodes between which nothing passes over the internet, smaller first.
    pub cuts: BTreeSet<(NodeId, NodeId)>,
    /// Nodes without internet.
    pub offline: BTreeSet<NodeId>,
    /// Whose every key is that ever was in use.
    pub owners: BTreeMap<DeviceKey, NodeId>,
    /// Which nodes are introducers.
    pub introducers: Vec<NodeId>,
    links_made: u64,
    salt: u64,
}

impl Network {
    /// Wires without links.
    pub fn new(quality: Quality, salt: u64) -> Self {
        Self {
            quality,
            links: BTreeMap::new(),
            cuts: BTreeSet::new(),
            offline: BTreeSet::new(),
            owners: BTreeMap::new(),
            introducers: Vec::new(),
            links_made: 0,
            salt,
        }
    }

    /// A number for a new link.
    pub fn next_link(&mut self) -> LinkId {
        self.links_made += 1;
        LinkId(self.links_made)
    }

    /// Whether packets pass between two nodes over the internet.
    pub fn passes(&self, a: NodeId, b: NodeId) -> bool {
        !self.offline.contains(&a)
            && !self.offline.contains(&b)
            && !self.cuts.contains(&(a.min(b), a.max(b)))
    }

    /// Whether packets pass along a path, whose ends and relay run.
    pub fn is_open(&self, nodes: &[Node], a: &End, b: &End, path: Path) -> bool {
        let lives = |end: &End| nodes[end.node.0].is_up() && nodes[end.node.0].life == end.life;
        let open = match path {
            Path::Direct { lan: true } => true,
            Path::Direct { lan: false } => self.passes(a.node, b.node),
            Path::Relay(relay) => {
                nodes[relay.0].is_up()
                    && (a.node == relay || self.passes(a.node, relay))
                    && (b.node == relay || self.passes(b.node, relay))
            }
        };
        open && lives(a) && lives(b)
    }

    /// The way of a dial: who answers, and how; `None` when nobody does.
    pub fn way(
        &self,
        nodes: &[Node],
        from: (NodeId, Face),
        route: &Route,
    ) -> Option<(NodeId, Face, Path)> {
        let target = &nodes[self.owners.get(&route.device)?.0];
        let face = *target.devices.get(&route.device)?;
        let dialler = &nodes[from.0.0];
        if target.id == dialler.id {
            return None;
        }
        let is_direct = dialler.is_direct(from.1) && target.is_direct(face);
        let inner = target
            .inner()
            .filter(|_| target.person.lan == dialler.person.lan);
        if is_direct && inner.is_some_and(|inner| route.addresses.contains(&inner)) {
            return Some((target.id, face, Path::Direct { lan: true }));
        }
        if is_direct
            && route.addresses.contains(&target.outer(face))
            && dialler.person.nat.reaches(target.person.nat)
            && self.passes(dialler.id, target.id)
        {
            return Some((target.id, face, Path::Direct { lan: false }));
        }
        let introducers = self.introducers.iter().map(|it| &nodes[it.0]);
        let relays = introducers.filter(|node| {
            let line = node.introducer.as_ref();
            node.is_up() && line.is_some_and(|line| route.relays.contains(&line.relay_url()))
        });
        let usable = relays
            .filter(|relay| dialler.id == relay.id || self.passes(dialler.id, relay.id))
            .filter(|relay| target.id == relay.id || self.passes(target.id, relay.id))
            .find(|relay| {
                let places = target.places.get(&face);
                target.id == relay.id || places.is_some_and(|places| places.contains(&relay.id))
            });
        usable.map(|relay| (target.id, face, Path::Relay(relay.id)))
    }

    /// Whether a relayed link becomes direct when both sides try.
    pub fn punches(&self, nodes: &[Node], link: &Link) -> Option<Path> {
        let (a, b) = (&nodes[link.dialler.node.0], &nodes[link.dialled.node.0]);
        let direct = a.is_direct(link.dialler.face) && b.is_direct(link.dialled.face);
        if !direct {
            return None;
        }
        if a.person.lan.is_some() && a.person.lan == b.person.lan {
            return Some(Path::Direct { lan: true });
        }
        let opens = a.person.nat.punches(b.person.nat) && self.passes(a.id, b.id);
        (opens && a.person.nat != Nat::Blocked).then_some(Path::Direct { lan: false })
    }

    /// How long one passage takes, lost packets included. In milliseconds.
    pub fn passage_ms(&self, random: &mut Random, a: NodeId, b: NodeId, path: Path) -> u64 {
        let base = match path {
            Path::Direct { lan: true } => 1,
            Path::Direct { lan: false } => self.latency_ms(a, b),
            Path::Relay(relay) => self.latency_ms(a, relay) + self.latency_ms(relay, b),
        };
        let mut passage = base + random.below(self.quality.jitter_ms + 1);
        let mut again = 2 * base + 25;
        // Sent again after a round trip, then after twice that; the tenth loss in a row does not happen.
        for _ in 0..10 {
            if random.below(1000) >= self.quality.loss_per_mille {
                break;
            }
            passage += again;
            again *= 2;
        }
        passage
    }

    /// How late an announcement on a local network is heard. Each is said again after a second (RFC 6762 §8.3), so one
    /// that is lost is heard then. In milliseconds.
    pub fn announcement_ms(&self, random: &mut Random) -> u64 {
        let mut late = random.below(self.quality.jitter_ms + 1);
        while random.below(1000) < self.quality.loss_per_mille.min(LOSS_PER_MILLE_MAX) {
            late += 1_000;
        }
        late
    }

    /// The time from `a` to `b` and back is twice this.
    fn latency_ms(&self, a: NodeId, b: NodeId) -> u64 {
        let (least, most) = self.quality.latency_ms;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.salt.to_be_bytes());
        hasher.update(&(a.min(b).0 as u64).to_be_bytes());
        hasher.update(&(a.max(b).0 as u64).to_be_bytes());
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        least + u64::from_be_bytes(bytes) % (most - least + 1)
    }
}
