//! One simulated node: the machines under test, and what a shell and a disk hold for them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use kith_core::address::Route;
use kith_core::crypto::SecretKey;
use kith_core::discovery::{Advertisement, Registry};
use kith_core::ids::{DeviceKey, Face, PeerId};
use kith_core::introducer::Introducer;
use kith_core::peer::Peer;
use kith_core::random::Random;
use kith_core::routing::{ConnId, DialId, Session, Target};
use kith_core::row::Row;
use kith_core::time::Time;

use crate::errand::Errands;
use crate::event::{Life, NodeId};
use crate::nat::Nat;
use crate::scheme::SimScheme;

/// The UDP port of the public face of an introducer.
const SERVER_PORT: u16 = 7119;

/// What a node is like.
#[derive(Clone, Debug)]
pub struct Person {
    /// What stands between it and the internet.
    pub nat: Nat,
    /// Which local network it is on.
    pub lan: Option<u16>,
    /// By how much its clock is ahead; negative for behind. In milliseconds.
    pub skew_ms: i64,
    /// Which introducers it uses.
    pub introducers: Vec<NodeId>,
    /// Whether it keeps sessions with contacts up.
    pub keeps_sessions: bool,
}

impl Default for Person {
    fn default() -> Self {
        Self {
            nat: Nat::PortRestricted,
            lan: None,
            skew_ms: 0,
            introducers: Vec::new(),
            keeps_sessions: true,
        }
    }
}

/// What is durable: the newest value of each key.
pub type Disk = BTreeMap<(&'static str, Vec<u8>), Vec<u8>>;

/// What a node has done to find people, since it first started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Searches {
    /// Dials of people; those of introducers are none.
    pub dials: u64,
    /// Look-ups, each at all introducers.
    pub lookups: u64,
}

/// One node.
#[derive(Debug)]
pub struct Node {
    /// Its place in the world.
    pub id: NodeId,
    /// What it is like.
    pub person: Person,
    /// Its line, for an introducer.
    pub introducer: Option<Introducer>,
    /// Its identity.
    pub identity: SecretKey,
    /// Who it is.
    pub peer: PeerId,
    /// Its public face's key, the same over restarts.
    pub public_key: SecretKey,
    /// Which life it is in.
    pub life: Life,
    /// The machine, while it runs.
    pub machine: Option<Peer<SimScheme>>,
    /// The registry, for an introducer that runs.
    pub registry: Option<Registry<SimScheme>>,
    /// What is durable.
    pub disk: Disk,
    /// The keys it answers for.
    pub devices: BTreeMap<DeviceKey, Face>,
    /// Every key it ever had.
    pub past: BTreeMap<DeviceKey, Face>,
    /// The key each face presents now.
    pub current: BTreeMap<Face, DeviceKey>,
    /// At whose relays each face is to keep a place.
    pub places: BTreeMap<Face, Vec<NodeId>>,
    /// Dials under way.
    pub dials: BTreeMap<DialId, UnderWay>,
    /// How often it looked for people.
    pub searches: Searches,
    /// Sessions the machine told of.
    pub sessions: BTreeMap<ConnId, Session>,
    /// Where streams are to be opened.
    pub preferred: BTreeMap<Target, ConnId>,
    /// What is to be done at introducers.
    pub errands: BTreeMap<DeviceKey, Errands>,
    /// What it announces on its local network.
    pub advertisement: Option<Advertisement>,
    /// When it is woken next, in true time.
    pub wake_at: Option<Time>,
    /// How often in a row it asked to be woken without letting time pass.
    pub restless: u32,
    /// After how many outputs the power fails.
    pub crash_after: Option<u32>,
    /// Its shell's random choices.
    pub random: Random,
    /// What it wanted to do to its address book when the power failed, and may have done.
    pub interrupted: bool,
    /// The invite that its owner accepts, until all that follows from it is done.
    pub accepting: Option<usize>,
}

impl Node {
    /// A node that does not run yet.
    pub fn new(id: NodeId, person: Person, mut random: Random) -> Self {
        let identity = SecretKey::from_bytes(random.bytes());
        Self {
            id,
            person,
            introducer: None,
            peer: identity.peer_id(),
            identity,
            public_key: SecretKey::from_bytes(random.bytes()),
            life: Life(0),
            machine: None,
            registry: None,
            disk: Disk::new(),
            devices: BTreeMap::new(),
            past: BTreeMap::new(),
            current: BTreeMap::new(),
            places: BTreeMap::new(),
            dials: BTreeMap::new(),
            searches: Searches::default(),
            sessions: BTreeMap::new(),
            preferred: BTreeMap::new(),
            errands: BTreeMap::new(),
            advertisement: None,
            wake_at: None,
            restless: 0,
            crash_after: None,
            random,
            interrupted: false,
            accepting: None,
        }
    }

    /// Whether it runs.
    pub fn is_up(&self) -> bool {
        self.machine.is_some()
    }

    /// An invite's addresses are told to the machine at once, as the source of invites does.
    pub(crate) fn learn(&mut self, now: Time, peer: PeerId, routes: Vec<(Face, Route)>) {
        let local = self.local(now);
        if let Some(machine) = self.machine.as_mut() {
            for (face, route) in routes {
                machine.handle_route_found(local, peer, face, route);
            }
        }
    }

    /// What its clock shows.
    pub fn local(&self, now: Time) -> Time {
        Time(now.0.saturating_add_signed(self.person.skew_ms))
    }

    /// When its clock will show `local`.
    pub fn true_time(&self, local: Time) -> Time {
        Time(local.0.saturating_add_signed(-self.person.skew_ms))
    }

    /// Its address on the internet, outside of its NAT. Every node has one of its own.
    pub fn outer(&self, face: Face) -> SocketAddr {
        let port = match face {
            Face::Public => SERVER_PORT,
            Face::Contact => 4001,
            Face::Visitor => 4002,
        };
        SocketAddr::new(outer_ip(self.id), port)
    }

    /// Its address on its local network.
    pub fn inner(&self) -> Option<SocketAddr> {
        let lan = self.person.lan?;
        let node = u16::try_from(self.id.0).unwrap_or(u16::MAX);
        let ip = Ipv6Addr::new(0xfd00, lan, 0x1f2e, 0x3d4c, 0, 0, 0, node);
        Some(SocketAddr::new(IpAddr::V6(ip), 4001))
    }

    /// Whether a face sends and takes UDP itself; one that does not is reached by relays only.
    pub fn is_direct(&self, face: Face) -> bool {
        let passes = self.person.nat != Nat::Blocked;
        match face {
            Face::Public => self.introducer.is_some(),
            Face::Contact | Face::Visitor => passes || self.person.lan.is_some(),
        }
    }

    /// Writes rows, as one transaction.
    pub fn store(&mut self, rows: Vec<Row>) {
        for row in rows {
            let key = (row.kind, row.key);
            match row.value {
                Some(value) => self.disk.insert(key, value),
                None => self.disk.remove(&key),
            };
        }
    }

    /// The rows of these kinds.
    pub fn rows(&self, kinds: &[&'static str]) -> Vec<Row> {
        let of_kind = |((kind, key), value): (&(&'static str, Vec<u8>), &Vec<u8>)| {
            kinds.contains(kind).then(|| Row {
                kind,
                key: key.clone(),
                value: Some(value.clone()),
            })
        };
        self.disk.iter().filter_map(of_kind).collect()
    }

    /// Where a face is, with places at these relays.
    pub fn route(&self, face: Face, relays: Vec<String>) -> Option<Route> {
        let mut route = Route::new(*self.current.get(&face)?);
        if self.is_direct(face) && face != Face::Visitor {
            route.addresses.extend(self.inner());
            if self.person.nat != Nat::Blocked {
                route.addresses.push(self.outer(face));
            }
        }
        route.relays = relays;
        Some(route)
    }

    /// Forgets everything that is not durable.
    pub fn crash(&mut self) {
        self.life.0 += 1;
        self.machine = None;
        self.registry = None;
        self.devices.clear();
        self.current.clear();
        self.places.clear();
        self.dials.clear();
        self.sessions.clear();
        self.preferred.clear();
        self.errands.clear();
        self.advertisement = None;
        self.wake_at = None;
        self.crash_after = None;
    }
}

/// The address of a node on the internet: from the documentation prefix (RFC 3849), with a pattern that no random bytes
/// contain by chance.
pub fn outer_ip(id: NodeId) -> IpAddr {
    let node = u16::try_from(id.0).unwrap_or(u16::MAX);
    IpAddr::V6(Ipv6Addr::new(
        0x2001, 0x0db8, 0x6b69, 0x7468, 0x5349, 0x4d00, 0, node,
    ))
}

/// A dial that has not ended.
#[derive(Clone, Copy, Debug)]
pub struct UnderWay {
    /// From which face.
    pub face: Face,
    /// How many routes are being tried: the first, and one for each that was learnt since.
    pub attempts: u32,
}

/// How long an old contact face still answers after another took its place.
pub const OLD_FACE_LIFE: Duration = Duration::from_secs(15 * 60);
