//! Two people meet.

use std::time::Duration;

use kith_core::peer::InviteOptions;

use crate::event::{Command, NodeId};
use crate::nat::Nat;
use crate::node::Person;
use crate::world::{Violation, World};

/// An ordinary invite.
pub const SINGLE: InviteOptions = InviteOptions {
    reusable: false,
    life: Duration::from_secs(7 * 86_400),
    with_addresses: true,
};

/// One for many.
pub const REUSABLE: InviteOptions = InviteOptions {
    reusable: true,
    ..SINGLE
};

/// A minute.
pub const MINUTE: Duration = Duration::from_secs(60);

/// Two people with these NATs who use these introducers.
pub fn pair(world: &mut World, nats: (Nat, Nat), introducers: &[NodeId]) -> (NodeId, NodeId) {
    let mut person = |nat| {
        world.add(Person {
            nat,
            introducers: introducers.to_vec(),
            ..Person::default()
        })
    };
    (person(nats.0), person(nats.1))
}

/// One makes an invite and the other accepts it at once.
pub fn meet(world: &mut World, maker: NodeId, other: NodeId, options: InviteOptions) -> usize {
    let number = world.invites().len();
    world.command(maker, &Command::Invite(options));
    world.command(other, &Command::Accept(number));
    number
}

/// Both online, behind ordinary routers, with one introducer.
pub fn simple(world: &mut World) -> Result<(), Violation> {
    let introducer = world.add_introducer();
    let (ada, bo) = pair(
        world,
        (Nat::PortRestricted, Nat::PortRestricted),
        &[introducer],
    );
    world.run(Duration::from_secs(5))?;
    meet(world, ada, bo, SINGLE);
    world.run(2 * MINUTE)?;
    world.rest()
}

/// Every pair of NATs meets through two introducers.
pub fn nats(world: &mut World) -> Result<(), Violation> {
    let introducers = [world.add_introducer(), world.add_introducer()];
    for a in Nat::ALL {
        for b in Nat::ALL {
            let (ada, bo) = pair(world, (a, b), &introducers);
            world.run(Duration::from_secs(2))?;
            meet(world, ada, bo, SINGLE);
        }
    }
    world.run(5 * MINUTE)?;
    world.rest()
}

/// Never online together: a sealed reply waits at an introducer.
pub fn never_together(world: &mut World) -> Result<(), Violation> {
    let introducer = world.add_introducer();
    let (ada, bo) = pair(world, (Nat::PortRestricted, Nat::Symmetric), &[introducer]);
    world.command(bo, &Command::Crash);
    world.run(Duration::from_secs(5))?;
    world.command(ada, &Command::Invite(SINGLE));
    world.run(MINUTE)?;
    world.command(ada, &Command::Leave);
    world.command(bo, &Command::Start);
    world.run(Duration::from_secs(5))?;
    world.command(bo, &Command::Accept(0));
    world.run(MINUTE)?;
    world.command(bo, &Command::Crash);
    world.command(ada, &Command::Start);
    world.run(20 * MINUTE)?;
    world.command(ada, &Command::Crash);
    world.command(bo, &Command::Start);
    world.run(20 * MINUTE)?;
    world.command(ada, &Command::Start);
    world.run(10 * MINUTE)?;
    world.rest()
}

/// On one local network, without any introducer or internet.
pub fn lan(world: &mut World) -> Result<(), Violation> {
    let mut person = || {
        world.add(Person {
            lan: Some(1),
            ..Person::default()
        })
    };
    let (ada, bo) = (person(), person());
    world.take_offline(ada, true);
    world.take_offline(bo, true);
    world.run(Duration::from_secs(5))?;
    meet(world, ada, bo, SINGLE);
    world.run(2 * MINUTE)?;
    world.rest()
}
