//! As many people as there is memory for, each a contact of a few.

use std::time::Duration;

use kith_core::random::Random;

use super::meeting::{MINUTE, SINGLE, meet};
use crate::event::{Command, NodeId};
use crate::nat::Nat;
use crate::node::Person;
use crate::world::{Violation, World};

/// Introducers of a crowd; each person uses two.
const INTRODUCERS: usize = 4;

/// Whom everybody meets: the next, and the one after so many.
const STEPS: [usize; 2] = [1, 7];

/// One of so many loses power for a while.
const CRASHES_ONE_IN: u64 = 10;

/// Everybody meets two others, some lose power, an introducer dies, and all is well again.
pub fn crowd(world: &mut World, people: usize) -> Result<(), Violation> {
    let mut random = Random::new(world.fork());
    let introducers: Vec<NodeId> = (0..INTRODUCERS).map(|_| world.add_introducer()).collect();
    let people: Vec<NodeId> = (0..people)
        .map(|place| {
            world.add(Person {
                nat: Nat::ALL[place % 4],
                introducers: (0..2)
                    .map(|it| introducers[(place + it) % INTRODUCERS])
                    .collect(),
                ..Person::default()
            })
        })
        .collect();
    world.run(Duration::from_secs(5))?;
    for (place, maker) in people.iter().enumerate() {
        for step in STEPS {
            if let Some(other) = people.get(place + step) {
                meet(world, *maker, *other, SINGLE);
            }
        }
        world.run(Duration::from_millis(50))?;
    }
    world.run(2 * MINUTE)?;
    let mut down = Vec::new();
    for person in &people {
        if random.below(CRASHES_ONE_IN) == 0 {
            world.command(*person, &Command::Crash);
            down.push(*person);
        }
    }
    world.command(introducers[0], &Command::Crash);
    world.run(5 * MINUTE)?;
    for node in down.into_iter().chain([introducers[0]]) {
        world.command(node, &Command::Start);
    }
    world.run(10 * MINUTE)?;
    world.rest()
}
