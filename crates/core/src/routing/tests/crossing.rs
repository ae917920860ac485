//! Connections between the same two devices.

use std::collections::BTreeSet;

use super::world::World;
use crate::routing::{CloseCode, ConnId, DownReason};

/// Visits every state that any order of deliveries leads to, and gives those where nothing is on its way any more.
fn explore(start: World, mut each: impl FnMut(&World, &World)) -> Vec<World> {
    let mut seen = BTreeSet::new();
    let mut ends = Vec::new();
    let mut open = vec![start];
    while let Some(world) = open.pop() {
        let steps = world.deliverable();
        if steps.is_empty() {
            ends.push(world.clone());
        }
        for (link, end) in steps {
            let mut next = world.clone();
            next.deliver(link, end);
            each(&world, &next);
            if seen.insert(format!("{next:?}")) {
                open.push(next);
            }
        }
    }
    ends
}

/// Two nodes that dial each other at once.
fn crossing() -> World {
    let mut world = World::new(2);
    world.open(0, 1);
    world.open(1, 0);
    world
}

#[test]
fn crossing_dials_leave_one_connection_on_both_sides() {
    let mut steps = 0;
    let ends = explore(crossing(), |before, after| {
        steps += 1;
        for node in [0, 1] {
            let had = before.session(node, 1 - node).is_some();
            let has = after.session(node, 1 - node).is_some();
            assert!(
                has || !had,
                "node {node} was without a session for a moment"
            );
        }
    });
    assert!(
        steps > 100 && ends.len() > 4,
        "{steps} steps to {} ends",
        ends.len()
    );
    let mut kept = BTreeSet::new();
    for world in ends {
        let sides: Vec<Vec<ConnId>> = [0, 1]
            .map(|node| {
                world.nodes[node]
                    .sessions
                    .sessions()
                    .map(|it| it.conn)
                    .collect()
            })
            .to_vec();
        assert_eq!(sides[0].len(), 1, "{world:#?}");
        assert_eq!(sides[0], sides[1], "{world:#?}");
        let up = [0, 1].map(|node| world.ups(node).len());
        // Where both connections came up on both sides, it is the one that the smaller key dialled.
        if up == [2, 2] {
            assert_eq!(sides[0], [ConnId(0)]);
        }
        kept.extend(sides[0].iter().copied());
    }
    assert_eq!(kept.len(), 2, "a dial that was first by far stays too");
}

#[test]
fn streams_on_the_connection_that_gives_way_end_in_peace() {
    let mut world = crossing();
    // The larger key's connection comes up first and gets a stream on both sides.
    while world.session(0, 1).is_none() || world.session(1, 0).is_none() {
        let step = world
            .deliverable()
            .into_iter()
            .rfind(|(link, _)| *link == 1);
        let (link, end) = step.expect("link 1 comes up by itself");
        world.deliver(link, end);
        if world.session(0, 1).is_none() {
            // Node 0 must not give up its own dial before it is answered.
            world.deliver(0, 0);
        }
    }
    for node in [0, 1] {
        world.streams(node, ConnId(1), 1);
    }
    world.settle();
    for node in [0, 1] {
        assert_eq!(
            world.session(node, 1 - node).map(|it| it.conn),
            Some(ConnId(0))
        );
        assert_eq!(world.nodes[node].sessions.sessions().count(), 2);
    }
    world.streams(1, ConnId(1), 0);
    world.settle();
    assert_eq!(
        world.nodes[0].sessions.sessions().count(),
        2,
        "node 0 still has a stream"
    );
    world.streams(0, ConnId(1), 0);
    world.settle();
    for node in [0, 1] {
        assert_eq!(world.nodes[node].sessions.sessions().count(), 1);
    }
}

#[test]
fn a_stream_that_never_ends_holds_up_the_farewell_for_10_s_only() {
    let mut world = crossing();
    world.deliver(0, 0);
    world.deliver(1, 0);
    while let Some((link, end)) = world.deliverable().pop() {
        world.deliver(link, end);
        if world.session(1, 0).is_some_and(|it| it.conn == ConnId(1)) {
            world.streams(1, ConnId(1), 1);
        }
    }
    assert_eq!(world.nodes[1].sessions.sessions().count(), 2);
    world.pass(std::time::Duration::from_secs(9));
    assert_eq!(world.nodes[1].sessions.sessions().count(), 2);
    world.pass(std::time::Duration::from_secs(2));
    assert_eq!(world.nodes[1].sessions.sessions().count(), 1);
}

#[test]
fn a_newer_boot_nonce_wins_in_one_direction() {
    for dialler in [0, 1] {
        let other = 1 - dialler;
        let mut world = World::new(2);
        world.open(dialler, other);
        world.settle();
        world.restart(dialler, 2);
        world.open(dialler, other);
        world.settle();
        assert_eq!(
            world.session(other, dialler).map(|it| it.conn),
            Some(ConnId(1))
        );
        let replaced = DownReason::Closed(CloseCode::Duplicate);
        assert_eq!(world.downs(other), [replaced], "the old one goes at once");
        assert_eq!(world.nodes[dialler].sessions.sessions().count(), 1);
    }
}

#[test]
fn a_newer_life_wins_even_against_the_smaller_keys_dial() {
    let mut world = World::connected();
    // Node 0, with the smaller key, dialled. Node 1 starts anew and dials, which node 0 has not noticed.
    world.restart(1, 2);
    world.open(1, 0);
    world.settle();
    assert_eq!(world.session(1, 0).map(|it| it.conn), Some(ConnId(1)));
    assert_eq!(world.session(0, 1).map(|it| it.conn), Some(ConnId(1)));
}

#[test]
fn a_hello_from_an_older_life_does_not_displace_the_newer() {
    let mut world = World::new(2);
    world.restart(0, 5);
    world.open(0, 1);
    world.settle();
    world.restart(0, 4);
    world.open(0, 1);
    world.settle();
    assert_eq!(world.session(1, 0).map(|it| it.conn), Some(ConnId(0)));
    assert_eq!(world.session(0, 1), None, "it was told farewell");
}
