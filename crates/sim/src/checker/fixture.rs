//! A world in which two people have met, for tests that break it.

use kith_core::ids::{DeviceKey, Face, PeerId};
use kith_core::routing::{ConnId, Level, Session};

use crate::event::NodeId;
use crate::scenario::meeting;
use crate::world::{Setup, World};

/// The introducer of [`met`].
pub(super) const INTRODUCER: NodeId = NodeId(0);

/// One of the two who met.
pub(super) const ADA: NodeId = NodeId(1);

/// The other.
pub(super) const BO: NodeId = NodeId(2);

/// A world in which all rules hold.
pub(super) fn met() -> World {
    let mut world = World::new(Setup::new(1));
    meeting::simple(&mut world).expect("all rules hold");
    world
}

/// A session of level contact with somebody's device.
pub(super) fn session(peer: PeerId, remote: DeviceKey) -> Session {
    Session {
        conn: ConnId(u64::MAX),
        peer: Some(peer),
        remote,
        face: Face::Contact,
        level: Level::Contact,
        dialled: true,
    }
}

/// The key of a node's contact face.
pub(super) fn contact_face(world: &World, node: NodeId) -> DeviceKey {
    world.nodes[node.0].current[&Face::Contact]
}
