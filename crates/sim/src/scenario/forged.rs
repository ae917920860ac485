//! Invites that name somebody and lead to whoever wrote them: those who add them are never misled, and meet the one who is named.

use std::time::Duration;

use kith_core::peer::InviteOptions;
use kith_core::random::Random;

use super::meeting::{MINUTE, REUSABLE, SINGLE, meet};
use crate::event::{Command, NodeId};
use crate::nat::Nat;
use crate::node::Person;
use crate::world::{Violation, World};

/// An invite that expires before the story ends.
const FORGED: InviteOptions = InviteOptions {
    life: Duration::from_secs(2 * 3600),
    ..SINGLE
};

/// Whoever some know, and in whose name two others write invites: one answers as itself, and one has a double.
struct Cast {
    named: NodeId,
    forgers: [NodeId; 2],
    people: Vec<NodeId>,
}

impl Cast {
    fn new(world: &mut World, people: usize) -> Self {
        let introducer = world.add_introducer();
        let mut person = |nat| {
            world.add(Person {
                nat,
                introducers: vec![introducer],
                ..Person::default()
            })
        };
        Self {
            named: person(Nat::PortRestricted),
            forgers: [person(Nat::Open), person(Nat::Open)],
            people: (0..people.max(4))
                .map(|place| person(Nat::ALL[place % 4]))
                .collect(),
        }
    }

    /// Every other of the people knows the one who is named.
    fn acquainted(&self) -> impl Iterator<Item = NodeId> {
        self.people.iter().copied().step_by(2)
    }

    /// And the others do not.
    fn unacquainted(&self) -> impl Iterator<Item = NodeId> {
        self.people.iter().copied().skip(1).step_by(2)
    }

    /// Who is to know whom before anything is forged: the forger with a double knows whose double it is, and half of the people, some
    /// of them acquainted, know the other forger.
    fn meet(&self, world: &mut World) -> Result<(), Violation> {
        let [plain, double] = self.forgers;
        world.make_forger(plain, self.named, false);
        world.make_forger(double, self.named, true);
        meet(world, self.named, double, SINGLE);
        for person in self.acquainted() {
            meet(world, self.named, person, SINGLE);
        }
        for person in &self.people[..self.people.len() / 2] {
            meet(world, plain, *person, SINGLE);
        }
        world.run(2 * MINUTE)?;
        world.rest()
    }

    /// Everybody adds a forged invite of each forger, one after the other.
    fn mislead(&self, world: &mut World, random: &mut Random) -> Result<(), Violation> {
        for forger in self.forgers {
            let number = world.forge(forger, FORGED);
            let number = number.expect("a forger that runs has an invite to write");
            for person in &self.people {
                world.command(*person, &Command::Accept(number));
                world.run(Duration::from_millis(random.below(20_000)))?;
            }
        }
        Ok(())
    }

    /// The power fails at everybody's, and comes back.
    fn restart(&self, world: &mut World) -> Result<(), Violation> {
        for person in &self.people {
            world.command(*person, &Command::Crash);
            world.command(*person, &Command::Start);
        }
        world.run(5 * MINUTE)
    }

    /// The one who is named comes back and invites those who do not know them, who hear of it a little later.
    fn invite(
        &self,
        world: &mut World,
        random: &mut Random,
        options: InviteOptions,
    ) -> Result<(), Violation> {
        world.command(self.named, &Command::Start);
        world.run(Duration::from_secs(5))?;
        for person in self.unacquainted() {
            let number = world.invites().len();
            world.command(self.named, &Command::Invite(options));
            let at = world.now() + Duration::from_millis(random.below(120_000));
            world.command_at(at, person, Command::Accept(number));
        }
        world.run(20 * MINUTE)
    }

    /// Whether each of the people has a session with the one who is named.
    fn is_met_by_all(&self, world: &World) -> bool {
        let named = world.nodes()[self.named.0].peer;
        self.people.iter().all(|person| {
            let mut sessions = world.nodes()[person.0].sessions.values();
            sessions.any(|session| session.peer == Some(named))
        })
    }
}

/// People add forged invites while the one who is named is there, and while they are away; then some add a genuine one.
pub fn forged(world: &mut World, people: usize) -> Result<(), Violation> {
    let mut random = Random::new(world.fork());
    let cast = Cast::new(world, people);
    world.run(Duration::from_secs(5))?;
    cast.meet(world)?;
    cast.mislead(world, &mut random)?;
    world.run(5 * MINUTE)?;
    world.command(cast.named, &Command::Leave);
    cast.mislead(world, &mut random)?;
    cast.restart(world)?;
    for forger in cast.forgers {
        let came = world.visitors(forger);
        let all = cast.unacquainted().all(|person| came.contains(&person));
        world.expect(all, "forged invites lead to whoever wrote them")?;
    }
    cast.invite(world, &mut random, SINGLE)?;
    world.rest()?;
    world.expect(cast.is_met_by_all(world), "genuine invites still work")
}

/// The forged invites expire before the one who is named is back.
pub fn expired(world: &mut World, people: usize) -> Result<(), Violation> {
    let mut random = Random::new(world.fork());
    let cast = Cast::new(world, people);
    world.run(Duration::from_secs(5))?;
    cast.meet(world)?;
    world.command(cast.named, &Command::Leave);
    cast.mislead(world, &mut random)?;
    world.run(FORGED.life)?;
    cast.restart(world)?;
    cast.invite(world, &mut random, SINGLE)?;
    world.rest()?;
    world.expect(cast.is_met_by_all(world), "genuine invites still work")
}

/// Whoever added forged invites becomes a guest of the one who is named, by a genuine one, and looks for them when they are away.
pub fn guests(world: &mut World, people: usize) -> Result<(), Violation> {
    let mut random = Random::new(world.fork());
    let cast = Cast::new(world, people);
    world.run(Duration::from_secs(5))?;
    cast.meet(world)?;
    cast.mislead(world, &mut random)?;
    cast.invite(world, &mut random, REUSABLE)?;
    world.command(cast.named, &Command::Leave);
    cast.restart(world)?;
    world.command(cast.named, &Command::Start);
    for person in cast.unacquainted() {
        world.command(cast.named, &Command::Confirm(person));
    }
    world.run(20 * MINUTE)?;
    world.rest()?;
    world.expect(cast.is_met_by_all(world), "genuine invites still work")
}
