//! Strangers who heard everything that people said to each other's nodes and to introducers, and say it again.

use std::time::Duration;

use kith_core::ids::Face;
use kith_core::random::Random;

use super::meeting::{MINUTE, REUSABLE, SINGLE, meet};
use crate::nat::Nat;
use crate::node::Person;
use crate::world::{Violation, World};

/// How often something is said again.
const REPLAYS: u64 = 150;

/// People meet, by single-use and reusable invites; then strangers repeat what was said, whole and damaged.
pub fn replay(world: &mut World, people: usize) -> Result<(), Violation> {
    let mut random = Random::new(world.fork());
    world.record();
    let introducer = world.add_introducer();
    let people: Vec<_> = (0..people.max(3))
        .map(|_| {
            world.add(Person {
                nat: Nat::Open,
                introducers: vec![introducer],
                ..Person::default()
            })
        })
        .collect();
    world.run(Duration::from_secs(5))?;
    for pair in people.windows(2) {
        meet(world, pair[0], pair[1], SINGLE);
    }
    meet(world, people[0], people[2], REUSABLE);
    world.run(MINUTE)?;
    world.expect(world.recordings() > people.len(), "much was recorded")?;
    for _ in 0..REPLAYS {
        let of = |random: &mut Random, count: usize| {
            usize::try_from(random.below(count as u64)).unwrap_or(0)
        };
        let recording = of(&mut random, world.recordings());
        let near = people[of(&mut random, people.len())];
        let at_introducer = random.below(4) == 0;
        let (target, face) = if at_introducer {
            (introducer, Face::Public)
        } else {
            let face = [Face::Contact, Face::Public][of(&mut random, 2)];
            (people[of(&mut random, people.len())], face)
        };
        let is_damaged = random.below(2) == 0;
        world.replay(recording, (near, target), face, is_damaged);
        world.run(Duration::from_millis(random.below(2_000)))?;
    }
    world.run(20 * MINUTE)?;
    world.rest()
}
