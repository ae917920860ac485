//! What is remembered of each connection beside what the session machine knows of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{Face, InviteId, PeerId};
use crate::routing::{ConnId, Connected, Session, Target};

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
    /// The invite whose proof we showed.
    pub(super) shown: Option<InviteId>,
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

    /// Whether a session with `peer` stands between both contact faces: there is no better one.
    pub(super) fn is_best(&self, peer: PeerId) -> bool {
        self.conns.values().any(|conn| {
            conn.session
                .is_some_and(|session| session.peer == Some(peer))
                && conn.connected.face == Face::Contact
                && conn.remote_face == Some(Face::Contact)
        })
    }
}
