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

/// The most dials of one person who is away, in the first hour: ten attempts, each at two faces, and some for news that
/// came in between.
const DIALS_FIRST_HOUR_MAX: u64 = 32;

/// The same in a later hour: an attempt each five to ten minutes.
const DIALS_HOUR_MAX: u64 = 24;

/// The most look-ups of one person who is away, in the first hour and in a later one.
const LOOKUPS_HOUR_MAX: [u64; 2] = [20, 9];

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

/// One person stays while all contacts lose their power, until before the contact face gets another key. They cost little, and are back soon after they are.
pub fn away(world: &mut World, people: usize) -> Result<(), Violation> {
    let introducers = [world.add_introducer()];
    let mut person = || {
        world.add(Person {
            introducers: introducers.to_vec(),
            ..Person::default()
        })
    };
    let stays = person();
    let others: Vec<NodeId> = (1..people.max(2)).map(|_| person()).collect();
    world.run(Duration::from_secs(5))?;
    for other in &others {
        meet(world, stays, *other, SINGLE);
    }
    world.run(HOUR / 4)?;
    for other in &others {
        world.command(*other, &Command::Crash);
    }
    let count = others.len() as u64;
    for hour in 0..20 {
        let before = world.nodes()[stays.0].searches;
        world.run(HOUR)?;
        let after = world.nodes()[stays.0].searches;
        let is_first = hour == 0;
        let (dials_max, lookups_max) = match is_first {
            true => (DIALS_FIRST_HOUR_MAX, LOOKUPS_HOUR_MAX[0]),
            false => (DIALS_HOUR_MAX, LOOKUPS_HOUR_MAX[1]),
        };
        let dials = after.dials - before.dials;
        let lookups = after.lookups - before.lookups;
        world.expect(dials <= count * dials_max, "the absent are rarely dialled")?;
        let rare = lookups <= count * lookups_max;
        world.expect(rare, "the absent are rarely looked up")?;
    }
    for other in &others {
        world.command(*other, &Command::Start);
    }
    world.run(Duration::from_secs(60))?;
    let present = &world.nodes()[stays.0].sessions;
    let all = others.iter().all(|other| {
        let peer = world.nodes()[other.0].peer;
        present.values().any(|it| it.peer == Some(peer))
    });
    world.expect(all, "who is back is found within a minute")?;
    world.rest()
}
