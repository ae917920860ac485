//! Random people in a random world: what nobody thought of when writing the other scenarios.

use std::time::Duration;

use kith_core::random::Random;

use super::meeting::{MINUTE, REUSABLE, SINGLE};
use crate::event::{Command, NodeId};
use crate::nat::Nat;
use crate::network::Quality;
use crate::node::Person;
use crate::world::{Violation, World};

/// Clocks are off by at most this, in milliseconds: an hour.
const SKEW_MS_MAX: u64 = 3_600_000;

/// How many things are done in one run.
const DEEDS: u64 = 30;

/// After so long without faults everything has found its place: records are renewed within half an hour, mailboxes are
/// looked into every quarter of an hour.
const TO_REST: Duration = Duration::from_secs(40 * 60);

/// What one does, or what befalls them: in a world, at random, among people, with introducers.
type Deed = fn(&mut World, &mut Random, &[NodeId], &[NodeId]);

/// A run of random deeds and faults among `people`, then rest.
pub fn random(world: &mut World, people: usize) -> Result<(), Violation> {
    live(world, people, deed)
}

/// The same among people who come back to each other by older invites.
pub fn returning(world: &mut World, people: usize) -> Result<(), Violation> {
    live(world, people, return_or_deed)
}

fn live(world: &mut World, people: usize, deed: Deed) -> Result<(), Violation> {
    let mut random = Random::new(world.fork());
    world.suggest_quality(Quality::draw(&mut random));
    let introducers = [world.add_introducer(), world.add_introducer()];
    let people: Vec<NodeId> = (0..people)
        .map(|_| {
            let person = somebody(&mut random, &introducers);
            world.add(person)
        })
        .collect();
    world.run(Duration::from_secs(5))?;
    for _ in 0..DEEDS {
        deed(world, &mut random, &people, &introducers);
        let pause = if random.below(10) == 0 {
            random.below(1_800_000)
        } else {
            random.below(60_000)
        };
        world.run(Duration::from_millis(pause))?;
    }
    for node in introducers.into_iter().chain(people.iter().copied()) {
        world.take_offline(node, false);
        world.command(node, &Command::Spare);
        world.command(node, &Command::Start);
    }
    for a in &people {
        for b in &people {
            if a < b {
                world.cut(*a, *b, false);
            }
        }
    }
    world.run(TO_REST)?;
    world.run(2 * MINUTE)?;
    world.rest()
}

/// A person of some kind.
fn somebody(random: &mut Random, introducers: &[NodeId]) -> Person {
    let skew = random.below(2 * SKEW_MS_MAX);
    let is_off = random.below(2) == 0;
    Person {
        nat: Nat::ALL[place(random, Nat::ALL.len())],
        lan: (random.below(3) == 0).then_some(1),
        skew_ms: if is_off {
            i64::try_from(skew).unwrap_or(0) - i64::try_from(SKEW_MS_MAX).unwrap_or(0)
        } else {
            0
        },
        introducers: introducers.to_vec(),
        keeps_sessions: random.below(4) > 0,
    }
}

/// Somebody does something, or something breaks or heals.
fn deed(world: &mut World, random: &mut Random, people: &[NodeId], introducers: &[NodeId]) {
    let who = people[place(random, people.len())];
    let whom = people[place(random, people.len())];
    let up = world.nodes()[who.0].is_up();
    let command = match random.below(24) {
        0..4 if up => Command::Invite(SINGLE),
        4..6 if up => Command::Invite(REUSABLE),
        6..13 if !world.invites().is_empty() => {
            Command::Accept(place(random, world.invites().len()))
        }
        13 => Command::Confirm(whom),
        14 => Command::Block(whom),
        15 => Command::Unblock(whom),
        16 => Command::Remove(whom),
        17 => Command::Crash,
        18 => Command::CrashAfter(u32::try_from(random.below(12)).unwrap_or(0)),
        19 => Command::Leave,
        20 => {
            let introducer = introducers[place(random, introducers.len())];
            let command = if world.nodes()[introducer.0].is_up() {
                Command::Crash
            } else {
                Command::Start
            };
            return world.command(introducer, &command);
        }
        21 => {
            let is_offline = random.below(2) == 0;
            return world.take_offline(who, is_offline);
        }
        22 if who != whom => {
            let is_cut = random.below(2) == 0;
            return world.cut(who, whom, is_cut);
        }
        _ => Command::Start,
    };
    world.command(who, &command);
}

/// Somebody takes any invite of somebody's, a third of the time after removing them; or does something else.
fn return_or_deed(
    world: &mut World,
    random: &mut Random,
    people: &[NodeId],
    introducers: &[NodeId],
) {
    let is_removal = match random.below(6) {
        0 => true,
        1..3 => false,
        _ => return deed(world, random, people, introducers),
    };
    let who = people[place(random, people.len())];
    let whom = people[place(random, people.len())];
    let theirs = world.model().invites().iter().enumerate();
    let theirs: Vec<usize> = theirs
        .filter(|(_, invite)| invite.maker == whom)
        .map(|(number, _)| number)
        .collect();
    if theirs.len() < 2 {
        return world.command(whom, &Command::Invite(SINGLE));
    }
    if is_removal {
        world.command(who, &Command::Remove(whom));
    }
    let invite = theirs[place(random, theirs.len())];
    world.command(who, &Command::Accept(invite));
}

fn place(random: &mut Random, of: usize) -> usize {
    usize::try_from(random.below(of as u64)).unwrap_or(0)
}
