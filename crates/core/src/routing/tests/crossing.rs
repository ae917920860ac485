//! Connections between the same two devices.

use std::collections::BTreeSet;
use std::fmt::Debug;

use super::world::World;
use crate::routing::config::IDLE_AFTER;
use crate::routing::{CloseCode, ConnId, DownReason, Sessions};

/// Visits every state that any order of steps leads to, and gives those without a next one. `each` sees every step.
fn explore<State: Clone + Debug>(
    start: State,
    next: impl Fn(&State) -> Vec<State>,
    mut each: impl FnMut(&State, &State),
) -> Vec<State> {
    let mut seen = BTreeSet::new();
    let mut ends = Vec::new();
    let mut open = vec![start];
    while let Some(state) = open.pop() {
        let followers = next(&state);
        if followers.is_empty() {
            ends.push(state.clone());
        }
        for follower in followers {
            each(&state, &follower);
            if seen.insert(format!("{follower:?}")) {
                open.push(follower);
            }
        }
    }
    ends
}

/// Every world that one delivery leads to.
fn deliveries(world: &World) -> Vec<World> {
    let steps = world.deliverable().into_iter();
    steps
        .map(|(link, end)| {
            let mut next = world.clone();
            next.deliver(link, end);
            next
        })
        .collect()
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
    let ends = explore(crossing(), deliveries, |before, after| {
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

/// A world in which nodes open streams at some moment, one after the other.
#[derive(Clone, Debug)]
struct WithStreams {
    world: World,
    /// Who opens one, the last first.
    openers: Vec<usize>,
    stream: Option<(ConnId, Progress)>,
}

/// How far the stream has come. Each step takes any time it likes, whatever the control streams say meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Opened,
    Accepted,
    Answered,
    Done,
}

impl WithStreams {
    fn followers(&self) -> Vec<Self> {
        let mut followers: Vec<Self> = deliveries(&self.world)
            .into_iter()
            .map(|world| Self {
                world,
                ..self.clone()
            })
            .collect();
        followers.extend(self.progress());
        for node in [0, 1] {
            let due = self.world.nodes[node].sessions.poll_timeout();
            if due.is_some_and(|due| due <= self.world.now) {
                let mut next = self.clone();
                next.world.act(node, Sessions::handle_timeout);
                followers.push(next);
            }
        }
        followers
    }

    /// Nobody has closed the connection under the stream.
    fn assert_whole(&self) {
        if let Some((conn, progress)) = self.stream {
            let closed = self.world.links[conn.0 as usize].closed;
            let whole = progress == Progress::Done || closed == [false, false];
            assert!(whole, "{progress:?} on {conn:?}");
        }
    }

    /// The stream's next step, if it has one.
    fn progress(&self) -> Option<Self> {
        let mut next = self.clone();
        let opener = *self.openers.last()?;
        let acceptor = 1 - opener;
        let (conn, progress) = match self.stream {
            None => {
                let session = self.world.session(opener, acceptor)?;
                next.world.streams(opener, session.conn, 1);
                (session.conn, Progress::Opened)
            }
            Some((conn, Progress::Opened)) => {
                next.world.streams(acceptor, conn, 1);
                (conn, Progress::Accepted)
            }
            Some((conn, Progress::Accepted)) => {
                next.world.streams(acceptor, conn, 0);
                (conn, Progress::Answered)
            }
            Some((conn, Progress::Answered)) => {
                next.world.streams(opener, conn, 0);
                (conn, Progress::Done)
            }
            Some((_, Progress::Done)) => {
                next.openers.pop();
                next.stream = None;
                return Some(next);
            }
        };
        next.stream = Some((conn, progress));
        Some(next)
    }
}

#[test]
fn no_order_of_deliveries_cuts_off_a_stream() {
    for opener in [0, 1] {
        let start = WithStreams {
            world: crossing(),
            openers: vec![opener],
            stream: None,
        };
        let mut on_both = BTreeSet::new();
        let ends = explore(start, WithStreams::followers, |_, after| {
            on_both.extend(after.stream.map(|(conn, _)| conn));
            after.assert_whole();
        });
        assert_eq!(on_both.len(), 2, "streams on either connection were seen");
        for WithStreams { world, .. } in ends {
            let sides = [0, 1].map(|node| world.nodes[node].sessions.sessions().count());
            assert_eq!(sides, [1, 1]);
        }
    }
}

#[test]
fn no_order_of_events_closes_an_idle_session_under_a_stream() {
    for openers in [vec![0], vec![1], vec![1, 0], vec![0, 1]] {
        let mut world = World::connected();
        world.now = world.now + IDLE_AFTER;
        let start = WithStreams {
            world,
            openers,
            stream: None,
        };
        let mut steps = 0;
        explore(start, WithStreams::followers, |_, after| {
            steps += 1;
            after.assert_whole();
        });
        assert!(steps > 20, "{steps} steps");
    }
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
