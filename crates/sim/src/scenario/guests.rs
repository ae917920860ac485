//! A guest comes by a reusable invite, and becomes a contact when its maker says so.

use std::time::Duration;

use kith_core::ids::Face;
use kith_core::peer::InviteOptions;
use kith_core::routing::{ConnId, Level};

use super::meeting::{MINUTE, REUSABLE, meet, pair};
use crate::event::{Command, NodeId};
use crate::nat::Nat;
use crate::world::{Violation, World};

/// A guest is found, restarts, is confirmed, and ends up with one session between contact faces.
pub fn guest(world: &mut World) -> Result<(), Violation> {
    let introducers = [world.add_introducer(), world.add_introducer()];
    let (ada, bo) = pair(world, (Nat::PortRestricted, Nat::Symmetric), &introducers);
    world.run(Duration::from_secs(5))?;
    let options = InviteOptions {
        with_addresses: false,
        ..REUSABLE
    };
    meet(world, ada, bo, options);
    world.run(3 * MINUTE)?;
    world.command(bo, &Command::Crash);
    world.command(bo, &Command::Start);
    world.run(3 * MINUTE)?;
    let before = levels(world, ada, bo);
    world.expect(
        !before.is_empty() && before.iter().all(|(_, level)| *level == Level::Guest),
        "a guest is a guest",
    )?;
    world.command(ada, &Command::Confirm(bo));
    let raised = before.iter().map(|(conn, _)| (*conn, Level::Contact));
    let raised: Vec<_> = raised.collect();
    world.expect(
        levels(world, ada, bo) == raised,
        "who is confirmed is a contact on the sessions that stand",
    )?;
    world.run(12 * MINUTE)?;
    world.rest()?;
    let shown = faces(world, bo, ada);
    world.expect(
        shown == [Face::Contact],
        "one session, between contact faces",
    )
}

/// The sessions that `who` has with `whom`, and at which levels.
fn levels(world: &World, who: NodeId, whom: NodeId) -> Vec<(ConnId, Level)> {
    let (who, whom) = (&world.nodes()[who.0], &world.nodes()[whom.0]);
    let sessions = who.sessions.values();
    let theirs = sessions.filter(|session| session.peer == Some(whom.peer));
    theirs
        .map(|session| (session.conn, session.level))
        .collect()
}

/// On which of `whom`'s faces `who` has sessions.
fn faces(world: &World, who: NodeId, whom: NodeId) -> Vec<Face> {
    let (who, whom) = (&world.nodes()[who.0], &world.nodes()[whom.0]);
    let sessions = who.sessions.values();
    let theirs = sessions.filter(|session| session.peer == Some(whom.peer));
    let mut faces: Vec<Face> = theirs
        .filter_map(|session| whom.devices.get(&session.remote).copied())
        .collect();
    faces.sort_unstable();
    faces
}
