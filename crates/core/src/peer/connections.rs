//! What is remembered of each connection beside what the session machine knows of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{DeviceKey, Face, InviteId, PeerId};
use crate::routing::{ConnId, Connected, Note, Session, Target};

/// What this room remembers of a connection.
#[derive(Clone, Debug)]
pub(super) struct Conn {
    pub(super) connected: Connected,
    pub(super) exporter: [u8; 32],
    /// Which of the other side's faces it leads to, from its binding.
    pub(super) remote_face: Option<Face>,
    /// Whom streams on it reach; set when they may be opened.
    pub(super) target: Option<Target>,
    pub(super) session: Option<Session>,
    /// The invite of which we showed a proof on it.
    pub(super) shown: Option<InviteId>,
    /// What is to be said of the proof of an invite of ours that was shown on it, once a session stands.
    pub(super) answer: Option<Note>,
}

/// All connections.
#[derive(Debug, Default)]
pub(super) struct Connections {
    pub(super) conns: BTreeMap<ConnId, Conn>,
    pub(super) preferred: BTreeMap<Target, ConnId>,
}

impl Connections {
    /// Everybody known with whom a session stands.
    pub(super) fn peers(&self) -> BTreeSet<PeerId> {
        self.conns
            .values()
            .filter_map(|conn| conn.session?.peer)
            .collect()
    }

    /// Whether a session with `peer` stands between both contact faces, on theirs with the key `device`: there is no better
    /// one. One with an earlier key ends soon.
    pub(super) fn is_best(&self, peer: PeerId, device: DeviceKey) -> bool {
        self.conns.values().any(|conn| {
            conn.session
                .is_some_and(|session| session.peer == Some(peer))
                && conn.connected.face == Face::Contact
                && conn.connected.remote == device
        })
    }
}
