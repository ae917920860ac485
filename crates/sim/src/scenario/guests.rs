//! A guest comes by a reusable invite, and becomes a contact when its maker says so.

use std::time::Duration;

use kith_core::ids::Face;
use kith_core::peer::{InviteOptions, Regard};
use kith_core::routing::{ConnId, Level};

use super::meeting::{MINUTE, REUSABLE, SINGLE, meet, pair};
use crate::event::{Command, NodeId};
use crate::nat::Nat;
use crate::world::{Violation, World};

/// What two who are left alone may dial in a day: each tries four times, at two faces.
const DIALS_A_DAY_MAX: u64 = 2 * 4 * 2;

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
    let is_confirmed = |world: &World| {
        let (ada_id, bo) = (world.nodes()[ada.0].peer, &world.nodes()[bo.0]);
        let machine = bo.machine.as_ref();
        machine.is_some_and(|it| it.is_confirmed_by(ada_id))
    };
    world.expect(!is_confirmed(world), "a guest is shown nothing else")?;
    world.command(ada, &Command::Confirm(bo));
    let raised = before.iter().map(|(conn, _)| (*conn, Level::Contact));
    let raised: Vec<_> = raised.collect();
    world.expect(
        levels(world, ada, bo) == raised,
        "who is confirmed is a contact on the sessions that stand",
    )?;
    world.run(12 * MINUTE)?;
    world.expect(is_confirmed(world), "who is confirmed is shown it")?;
    world.rest()?;
    let shown = faces(world, bo, ada);
    world.expect(
        shown == [Face::Contact],
        "one session, between contact faces",
    )
}

/// Who is removed, and who waits to be confirmed, dials a few times a day; and both are met again at once.
pub fn left_alone(world: &mut World) -> Result<(), Violation> {
    let introducer = world.add_introducer();
    let (ada, bo) = pair(world, (Nat::Open, Nat::PortRestricted), &[introducer]);
    let (_, cy) = pair(world, (Nat::Open, Nat::PortRestricted), &[introducer]);
    world.run(Duration::from_secs(5))?;
    meet(world, ada, bo, SINGLE);
    meet(world, ada, cy, REUSABLE);
    world.run(MINUTE)?;
    world.command(ada, &Command::Remove(bo));
    world.run(30 * MINUTE)?;
    let (ada_id, before) = (world.nodes()[ada.0].peer, dials(world, &[bo, cy]));
    let regards = [bo, cy].map(|who| {
        let machine = world.nodes()[who.0].machine.as_ref();
        machine.and_then(|it| it.regard(ada_id))
    });
    world.expect(
        regards == [Some(Regard::Stranger), Some(Regard::Guest)],
        "both know what they are taken for",
    )?;
    world.run(24 * 60 * MINUTE)?;
    let begun = dials(world, &[bo, cy]) - before;
    world.expect(
        (2..=DIALS_A_DAY_MAX).contains(&begun),
        "they dial now and then",
    )?;

    meet(world, ada, bo, SINGLE);
    world.command(ada, &Command::Confirm(cy));
    world.run(10 * MINUTE)?;
    world.rest()?;
    for who in [bo, cy] {
        let faces = faces(world, who, ada);
        world.expect(faces == [Face::Contact], "a session stands again")?;
    }
    Ok(())
}

/// How many dials these began.
fn dials(world: &World, who: &[NodeId]) -> u64 {
    who.iter()
        .map(|id| world.nodes()[id.0].searches.dials)
        .sum()
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
