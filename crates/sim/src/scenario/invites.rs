//! Invites that cross, repeat, race and are replayed: whoever ends up knowing whom, both sides agree on it.

use std::time::Duration;

use kith_core::identity::Standing;

use super::meeting::{MINUTE, SINGLE, meet};
use crate::event::{Command, NodeId};
use crate::nat::Nat;
use crate::node::Person;
use crate::world::{Violation, World};

/// People on one local network who have no internet and no introducer: nothing but sessions carries their invites.
fn neighbours(world: &mut World, count: usize) -> Vec<NodeId> {
    let people: Vec<NodeId> = (0..count)
        .map(|_| {
            world.add(Person {
                lan: Some(1),
                ..Person::default()
            })
        })
        .collect();
    for person in &people {
        world.take_offline(*person, true);
    }
    people
}

/// Contacts with a standing session use a second invite.
pub fn again(world: &mut World) -> Result<(), Violation> {
    let people = neighbours(world, 2);
    world.run(Duration::from_secs(5))?;
    meet(world, people[0], people[1], SINGLE);
    world.run(MINUTE)?;
    world.rest()?;
    meet(world, people[0], people[1], SINGLE);
    world.run(MINUTE)?;
    meet(world, people[1], people[0], SINGLE);
    world.run(MINUTE)?;
    world.rest()
}

/// Two accept each other's invites at once.
pub fn crossing(world: &mut World) -> Result<(), Violation> {
    let people = neighbours(world, 2);
    world.run(Duration::from_secs(5))?;
    for person in &people {
        world.command(*person, &Command::Invite(SINGLE));
        world.run(Duration::from_millis(1))?;
    }
    world.command(people[0], &Command::Accept(1));
    world.command(people[1], &Command::Accept(0));
    world.run(2 * MINUTE)?;
    world.rest()
}

/// Somebody meets another by the later of two invites, removes them, and takes the earlier one. After that neither has anything but
/// what they share to find the other by.
pub fn older(world: &mut World) -> Result<(), Violation> {
    let people = neighbours(world, 2);
    let (bo, ada) = (people[0], people[1]);
    world.run(Duration::from_secs(5))?;
    for _ in 0..2 {
        world.command(bo, &Command::Invite(SINGLE));
        world.run(Duration::from_secs(1))?;
    }
    world.command(ada, &Command::Accept(1));
    world.run(MINUTE)?;
    world.rest()?;
    world.command(ada, &Command::Remove(bo));
    world.run(MINUTE)?;
    world.command(ada, &Command::Accept(0));
    world.run(MINUTE)?;
    world.rest()?;
    for person in people {
        world.command(person, &Command::Crash);
        world.command(person, &Command::Start);
    }
    world.run(5 * MINUTE)?;
    world.rest()
}

/// Many accept one single-use invite at once: one is let in.
pub fn race(world: &mut World, people: usize) -> Result<(), Violation> {
    let people = neighbours(world, people.max(2));
    world.run(Duration::from_secs(5))?;
    world.command(people[0], &Command::Invite(SINGLE));
    for other in &people[1..] {
        world.command(*other, &Command::Accept(0));
    }
    world.run(5 * MINUTE)?;
    world.rest()
}

/// The power fails at whoever accepted an invite before the reply has reached any introducer, and at its maker too; then
/// they are never online together.
pub fn power(world: &mut World) -> Result<(), Violation> {
    let introducer = world.add_introducer();
    let (ada, bo) = super::meeting::pair(
        world,
        (Nat::PortRestricted, Nat::PortRestricted),
        &[introducer],
    );
    world.run(Duration::from_secs(5))?;
    world.command(ada, &Command::Invite(SINGLE));
    world.run(Duration::from_secs(1))?;
    world.command(ada, &Command::Crash);
    world.command(introducer, &Command::Crash);
    world.command(bo, &Command::Accept(0));
    world.run(MINUTE)?;
    world.command(bo, &Command::Crash);
    world.command(introducer, &Command::Start);
    world.command(bo, &Command::Start);
    world.run(MINUTE)?;
    world.command(bo, &Command::Crash);
    world.command(ada, &Command::Start);
    world.run(MINUTE)?;
    let known = world.model().view(ada, bo);
    world.expect(known == Standing::Confirmed, "the reply arrived")?;
    world.command(bo, &Command::Start);
    world.run(5 * MINUTE)?;
    world.rest()
}

#[cfg(test)]
mod tests {
    use kith_core::identity::Contact;

    use super::*;
    use crate::world::Setup;

    #[test]
    fn one_of_many_who_show_a_single_use_invite_is_let_in() {
        let mut world = World::new(Setup::new(3));
        race(&mut world, 5).expect("all rules hold");
        let maker = &world.nodes()[0];
        let book = maker.machine.as_ref().expect("it runs").book();
        assert_eq!(book.contacts().count(), 1);
    }

    #[test]
    fn a_contact_who_shows_a_used_up_invite_is_told_and_goes_on_as_before() {
        let mut world = World::new(Setup::new(4));
        let people = neighbours(&mut world, 3);
        let [ada, bo, cy] = people[..] else {
            panic!("three were asked for");
        };
        world.run(Duration::from_secs(5)).expect("quiet");
        meet(&mut world, ada, bo, SINGLE);
        world.run(MINUTE).expect("they meet");
        // Cy uses up the next one; Bo, a contact already, accepts it too: with a session that stands, and then dialling anew.
        let burned = meet(&mut world, ada, cy, SINGLE);
        world.run(MINUTE).expect("they meet");
        let before = known(&world, bo, ada);
        world.command(bo, &Command::Accept(burned));
        assert_ne!(known(&world, bo, ada), before, "nobody told him yet");
        world.run(MINUTE).expect("they talk");
        assert_eq!(known(&world, bo, ada), before);
        world.command(bo, &Command::Crash);
        world.command(bo, &Command::Start);
        world.command(bo, &Command::Accept(burned));
        world.run(MINUTE).expect("they meet again");
        let after = known(&world, bo, ada);
        assert_eq!(after.reach, known(&world, ada, bo).reach, "welcomed");
        assert_eq!(after.reach, before.reach);
        let ada = world.nodes()[ada.0].peer;
        let bo = &world.nodes()[bo.0];
        let book = bo.machine.as_ref().expect("up").book();
        assert!(book.accepted(&ada).is_none(), "nothing waits any more");
        assert!(bo.sessions.values().any(|it| it.peer == Some(ada)));
    }

    /// What `node` knows of `other`, whom it has in its book.
    fn known(world: &World, node: NodeId, other: NodeId) -> Contact {
        let machine = world.nodes()[node.0].machine.as_ref().expect("up");
        let contact = machine.book().contact(&world.nodes()[other.0].peer);
        contact.expect("they met").clone()
    }
}
