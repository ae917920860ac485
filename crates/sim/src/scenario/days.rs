//! Days pass: contact faces rotate, locators change at midnight, clocks are off by up to an hour.

use std::time::Duration;

use kith_core::ids::{DeviceKey, Face};

use super::meeting::{SINGLE, meet};
use crate::event::{Command, NodeId};
use crate::nat::Nat;
use crate::node::Person;
use crate::world::{Violation, World};

/// An hour.
const HOUR: Duration = Duration::from_secs(3600);

/// Clocks are off by this, in milliseconds, one after the other.
const SKEWS_MS: [i64; 4] = [0, 3_600_000, -3_600_000, 1_800_000];

/// People with clocks that are off, everybody a contact of the next.
fn circle(world: &mut World, people: usize) -> Result<Vec<NodeId>, Violation> {
    let introducers = [world.add_introducer(), world.add_introducer()];
    let people: Vec<NodeId> = (0..people.max(2))
        .map(|place| {
            world.add(Person {
                nat: Nat::ALL[place % Nat::ALL.len()],
                skew_ms: SKEWS_MS[place % SKEWS_MS.len()],
                introducers: introducers.to_vec(),
                ..Person::default()
            })
        })
        .collect();
    world.run(Duration::from_secs(5))?;
    for pair in people.windows(2) {
        meet(world, pair[0], pair[1], SINGLE);
    }
    world.run(HOUR)?;
    world.rest()?;
    Ok(people)
}

/// The key a node's contact face presents.
fn contact_face(world: &World, node: NodeId) -> Option<DeviceKey> {
    world.nodes()[node.0].current.get(&Face::Contact).copied()
}

/// Three days online.
pub fn online(world: &mut World, people: usize) -> Result<(), Violation> {
    let people = circle(world, people)?;
    for _ in 0..3 {
        let before: Vec<_> = people.iter().map(|it| contact_face(world, *it)).collect();
        world.run(24 * HOUR)?;
        world.rest()?;
        let after: Vec<_> = people.iter().map(|it| contact_face(world, *it)).collect();
        let rotated = before.iter().zip(&after).all(|(a, b)| a != b);
        world.expect(rotated, "every contact face has another key each day")?;
    }
    Ok(())
}

/// The day on which everybody's contact face gets another key, second by second: nobody loses anybody.
pub fn rotation(world: &mut World, people: usize) -> Result<(), Violation> {
    let people = circle(world, people)?;
    world.run(23 * HOUR - Duration::from_secs(60))?;
    let pairs: Vec<_> = people.windows(2).collect();
    for _ in 0..20 * 60 {
        world.run(Duration::from_secs(1))?;
        for pair in &pairs {
            let (a, b) = (&world.nodes()[pair[0].0], &world.nodes()[pair[1].0]);
            let stands = a.sessions.values().any(|it| it.peer == Some(b.peer));
            world.expect(stands, "a session stands all the time")?;
        }
    }
    world.rest()
}

/// Everybody is offline for two days, comes back elsewhere, and finds the others by their records alone.
pub fn offline(world: &mut World, people: usize) -> Result<(), Violation> {
    let people = circle(world, people)?;
    for person in &people {
        world.command(*person, &Command::Crash);
    }
    world.run(48 * HOUR)?;
    for person in &people {
        world.command(*person, &Command::Start);
        world.run(Duration::from_secs(7))?;
    }
    world.run(HOUR / 4)?;
    world.rest()
}
