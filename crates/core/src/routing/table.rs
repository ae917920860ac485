//! All connections, by number, by device and by peer.

use std::collections::{BTreeMap, BTreeSet};

use super::connection::Connection;
use super::input::{ConnId, Target};
use super::level::Level;
use crate::ids::{DeviceKey, Face, PeerId};
use crate::time::Time;

/// The connections of a node.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    connections: BTreeMap<ConnId, Connection>,
    by_device: BTreeMap<DeviceKey, BTreeSet<ConnId>>,
    by_peer: BTreeMap<PeerId, BTreeSet<ConnId>>,
    /// Those dialled to us whose introductions are not through, from the oldest.
    half_open: BTreeSet<(Time, ConnId)>,
    /// Sessions with strangers.
    strangers: BTreeSet<ConnId>,
}

impl Table {
    /// Takes in a new connection.
    pub(super) fn insert(&mut self, connection: Connection) {
        let conn = connection.connected.conn;
        let remote = connection.connected.remote;
        self.by_device.entry(remote).or_default().insert(conn);
        if connection.dialled.is_none() {
            self.half_open.insert((connection.since, conn));
        }
        self.connections.insert(conn, connection);
    }

    /// Takes out a connection.
    pub(super) fn remove(&mut self, conn: ConnId) -> Option<Connection> {
        let connection = self.connections.remove(&conn)?;
        self.half_open.remove(&(connection.since, conn));
        self.strangers.remove(&conn);
        remove_from(&mut self.by_device, connection.connected.remote, conn);
        if let Some(peer) = connection.peer {
            remove_from(&mut self.by_peer, peer, conn);
        }
        Some(connection)
    }

    /// The introductions on `conn` are through.
    pub(super) fn introduced(
        &mut self,
        now: Time,
        conn: ConnId,
        peer: Option<PeerId>,
        level: Level,
    ) {
        let Some(connection) = self.connections.get_mut(&conn) else {
            return;
        };
        self.half_open.remove(&(connection.since, conn));
        connection.peer = peer;
        connection.level = level;
        connection.up_since = Some(now);
        connection.idle_since = now;
        if let Some(peer) = peer {
            self.by_peer.entry(peer).or_default().insert(conn);
        }
        if level == Level::Stranger {
            self.strangers.insert(conn);
        }
    }

    /// The connection with this number.
    pub(super) fn get(&self, conn: ConnId) -> Option<&Connection> {
        self.connections.get(&conn)
    }

    /// The connection with this number.
    pub(super) fn get_mut(&mut self, conn: ConnId) -> Option<&mut Connection> {
        self.connections.get_mut(&conn)
    }

    /// Whether `conn` is a number in use.
    pub(super) fn contains(&self, conn: ConnId) -> bool {
        self.connections.contains_key(&conn)
    }

    /// All connections, in the order of their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.connections.values()
    }

    /// Those with a device or a peer whose introductions are through, or under way with that device.
    pub(super) fn of(&self, target: Target) -> impl Iterator<Item = &Connection> {
        let conns = match target {
            Target::Peer(peer) => self.by_peer.get(&peer),
            Target::Device(device) => self.by_device.get(&device),
        };
        conns
            .into_iter()
            .flatten()
            .filter_map(|conn| self.connections.get(conn))
    }

    /// The best session with `target` for new streams: on the contact face if there is one, then the newest.
    /// Between the same two devices there is one, by rank; between others the newest leads to the keys that stay, and
    /// from a public face to a contact face.
    pub(super) fn best(&self, target: Target) -> Option<&Connection> {
        self.of(target)
            .filter(|connection| connection.is_open())
            .max_by_key(|connection| {
                let direct = connection.connected.face == Face::Contact;
                (direct, connection.up_since, connection.connected.conn)
            })
    }

    /// The oldest connection dialled to us whose introductions are not through, when there are `limit` of them.
    pub(super) fn half_open_surplus(&self, limit: usize) -> Option<ConnId> {
        let oldest = self.half_open.first().map(|(_, conn)| *conn);
        oldest.filter(|_| self.half_open.len() >= limit)
    }

    /// Which stranger's session makes room, when there are more than `limit`: the one longest without streams; `newest` itself, where all the
    /// others have some, because what is under way goes on.
    pub(super) fn stranger_surplus(&self, limit: usize, newest: ConnId) -> Option<ConnId> {
        if self.strangers.len() <= limit {
            return None;
        }
        let others = self.strangers.iter().filter(|conn| **conn != newest);
        let idle = others
            .filter_map(|conn| self.connections.get(conn))
            .filter(|other| other.streams == 0)
            .min_by_key(|other| (other.idle_since, other.connected.conn));
        Some(idle.map_or(newest, |other| other.connected.conn))
    }

    /// The oldest session of `peer`, when there are more than `limit`.
    pub(super) fn peer_surplus(&self, limit: usize, peer: PeerId) -> Option<ConnId> {
        let sessions = self.by_peer.get(&peer)?;
        if sessions.len() <= limit {
            return None;
        }
        self.of(Target::Peer(peer))
            .min_by_key(|session| (session.up_since, session.connected.conn))
            .map(|session| session.connected.conn)
    }
}

/// Takes `conn` out of the set of `key`, and an empty set out of `index`.
fn remove_from<Key: Ord>(index: &mut BTreeMap<Key, BTreeSet<ConnId>>, key: Key, conn: ConnId) {
    if let Some(conns) = index.get_mut(&key) {
        conns.remove(&conn);
        if conns.is_empty() {
            index.remove(&key);
        }
    }
}
