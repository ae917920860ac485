//! Floods: what is bounded, and who gives way.

use std::time::Duration;

use super::hostile::{admit_stranger, closes, hello, incoming};
use super::world::{World, candidate, drain, sessions};
use crate::ids::{DeviceKey, PeerId};
use crate::routing::config::{DIALS_MAX, HALF_OPEN_MAX, SESSIONS_PER_PEER_MAX, STRANGERS_MAX};
use crate::routing::wire::{Frame, Introduction};
use crate::routing::{CloseCode, ConnId, DialId, Level, Output, Target, Verdict};
use crate::time::Time;

#[test]
fn a_flood_of_half_open_connections_is_bounded_and_evicts_no_session() {
    let mut world = World::connected();
    let now = world.now;
    let machine = &mut world.nodes[1].sessions;
    let mut open = 0;
    for number in 100..100 + 10 * HALF_OPEN_MAX as u64 {
        machine.handle_connected(now, incoming(number));
        // Half of them say hello, to no avail.
        if number % 2 == 0 {
            machine.handle_bytes(now, ConnId(number), &hello());
        }
        open += 1;
        for (conn, code) in closes(&drain(machine)) {
            assert_eq!(
                (conn.0, code),
                (number - HALF_OPEN_MAX as u64, CloseCode::Busy)
            );
            open -= 1;
        }
        assert!(open <= HALF_OPEN_MAX, "{open} half-open connections");
    }
    assert!(world.session(1, 0).is_some(), "the session stands");
    let late = world.now + Duration::from_secs(5);
    world.nodes[1].sessions.handle_timeout(late);
    let closed = closes(&drain(&mut world.nodes[1].sessions));
    assert_eq!(closed.len(), HALF_OPEN_MAX, "all that are left");
}

#[test]
fn a_newcomer_gets_through_a_flood() {
    let mut machine = sessions(1, Time(0));
    for number in 0..HALF_OPEN_MAX as u64 {
        machine.handle_connected(Time(number), incoming(number));
    }
    let now = Time(HALF_OPEN_MAX as u64);
    admit_stranger(&mut machine, now, 1_000_000);
    assert_eq!(machine.sessions().count(), 1);
}

#[test]
fn strangers_sessions_are_bounded_and_the_one_idle_longest_gives_way() {
    let mut machine = sessions(1, Time(0));
    for number in 0..STRANGERS_MAX as u64 {
        admit_stranger(&mut machine, Time(number), number);
    }
    assert_eq!(closes(&drain(&mut machine)), []);
    machine.handle_streams(Time(500), ConnId(0), 1);
    machine.handle_streams(Time(500), ConnId(1), 1);
    machine.handle_streams(Time(501), ConnId(1), 0);
    admit_stranger(&mut machine, Time(502), 1000);
    assert_eq!(closes(&drain(&mut machine)), [(ConnId(2), CloseCode::Busy)]);
    assert_eq!(machine.sessions().count(), STRANGERS_MAX);
}

#[test]
fn where_all_strangers_are_served_whoever_comes_is_refused_and_none_of_them_is_cut_off() {
    let mut machine = sessions(1, Time(0));
    for number in 0..STRANGERS_MAX as u64 {
        admit_stranger(&mut machine, Time(number), number);
        machine.handle_streams(Time(number), ConnId(number), 1);
    }
    admit_stranger(&mut machine, Time(500), 1000);
    let refused = [(ConnId(1000), CloseCode::Busy)];
    assert_eq!(closes(&drain(&mut machine)), refused);
    machine.handle_streams(Time(501), ConnId(7), 0);
    admit_stranger(&mut machine, Time(502), 1001);
    assert_eq!(closes(&drain(&mut machine)), [(ConnId(7), CloseCode::Busy)]);
    assert_eq!(machine.sessions().count(), STRANGERS_MAX);
}

#[test]
fn sessions_of_one_peer_are_bounded_and_the_oldest_gives_way() {
    let mut machine = sessions(1, Time(0));
    for number in 0..=SESSIONS_PER_PEER_MAX as u64 {
        let now = Time(number);
        machine.handle_connected(now, incoming(number));
        let introduce = Frame::Introduce(Introduction::default()).framed();
        machine.handle_bytes(now, ConnId(number), &[hello(), introduce].concat());
        let verdict = Verdict::Known {
            peer: PeerId([9; 32]),
            level: Level::Contact,
            answer: None,
            speaks: Vec::new(),
        };
        machine.handle_verdict(now, ConnId(number), verdict);
    }
    assert_eq!(closes(&drain(&mut machine)), [(ConnId(0), CloseCode::Busy)]);
}

#[test]
fn each_level_gets_its_streams() {
    for (level, streams_max) in [
        (Level::Stranger, 16),
        (Level::Guest, 64),
        (Level::Contact, 1024),
    ] {
        assert_eq!(level.streams_max(), streams_max);
    }
    let mut machine = sessions(1, Time(0));
    admit_stranger(&mut machine, Time(0), 1);
    let limit = Output::StreamLimit {
        conn: ConnId(1),
        streams_max: 16,
    };
    assert!(drain(&mut machine).contains(&limit));
}

#[test]
fn dials_at_once_are_bounded_and_the_others_take_their_turn() {
    let mut machine = sessions(1, Time(0));
    let count = DIALS_MAX + 20;
    let mut dials = Vec::new();
    for number in 0..u8::try_from(count).expect("under 256") {
        let target = Target::Peer(PeerId([number; 32]));
        machine.handle_want(Time(0), target, true);
        let device = DeviceKey([number; 32]);
        machine.handle_routes(Time(0), target, vec![candidate(device)]);
    }
    let mut take = |outputs: Vec<Output>| {
        for output in outputs {
            if let Output::Dial { dial, route, .. } = output {
                dials.push((dial, route.device));
            }
        }
        dials.len()
    };
    assert_eq!(take(drain(&mut machine)), DIALS_MAX);
    for ended in 1..=20 {
        machine.handle_dial_failed(Time(0), DialId(ended as u64));
        assert_eq!(take(drain(&mut machine)), DIALS_MAX + ended, "one for one");
    }
    let last = u8::try_from(count - 1).expect("under 256");
    assert_eq!(
        dials.last().map(|(_, device)| *device),
        Some(DeviceKey([last; 32]))
    );
}

#[test]
fn a_target_given_up_gives_its_turn_away() {
    let mut machine = sessions(1, Time(0));
    for number in 0..u8::try_from(DIALS_MAX + 2).expect("under 256") {
        let target = Target::Peer(PeerId([number; 32]));
        machine.handle_open(Time(0), target);
        machine.handle_routes(Time(0), target, vec![candidate(DeviceKey([number; 32]))]);
    }
    drain(&mut machine);
    let waiting = PeerId([u8::try_from(DIALS_MAX).expect("under 256"); 32]);
    machine.handle_close_peer(Time(0), waiting, CloseCode::Done);
    machine.handle_dial_failed(Time(0), DialId(1));
    let next = drain(&mut machine)
        .into_iter()
        .find_map(|output| match output {
            Output::Dial { route, .. } => Some(route.device),
            _ => None,
        });
    let last = u8::try_from(DIALS_MAX + 1).expect("under 256");
    assert_eq!(next, Some(DeviceKey([last; 32])));
}
