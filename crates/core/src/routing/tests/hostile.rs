//! Connections that are slow, broken or out of turn cost themselves only.

use std::time::Duration;

use super::world::{World, drain, names, sessions};
use crate::ids::{DeviceKey, Face};
use crate::routing::wire::{Farewell, Frame, Hello, Introduction};
use crate::routing::{CloseCode, ConnId, Connected, DownReason, Output, Sessions, Verdict};
use crate::time::Time;

/// A connection from a device nobody has heard of.
pub(super) fn incoming(number: u64) -> Connected {
    let mut remote = [0xaa; 32];
    remote[..8].copy_from_slice(&number.to_be_bytes());
    Connected {
        conn: ConnId(number),
        dial: None,
        face: Face::Public,
        local: DeviceKey([1; 32]),
        remote: DeviceKey(remote),
        observed: None,
    }
}

/// What a dialler says first.
pub(super) fn hello() -> Vec<u8> {
    let hello = Hello {
        version: 1,
        boot: 1,
        dial: 1,
        agent: "x".into(),
        speaks: Vec::new(),
        observed: None,
    };
    Frame::Hello(hello).framed()
}

/// Makes `number` a stranger's session.
pub(super) fn admit_stranger(machine: &mut Sessions, now: Time, number: u64) {
    machine.handle_connected(now, incoming(number));
    let introduce = Frame::Introduce(Introduction::default()).framed();
    machine.handle_bytes(now, ConnId(number), &[hello(), introduce].concat());
    machine.handle_verdict(now, ConnId(number), Verdict::Stranger);
}

/// The connections closed by `outputs`, and why.
pub(super) fn closes(outputs: &[Output]) -> Vec<(ConnId, CloseCode)> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Close { conn, code, .. } => Some((*conn, *code)),
            _ => None,
        })
        .collect()
}

/// What an intruder's bytes lead to in a node that has a session; the session must be untouched.
fn closed_for(now_ms: u64, bytes: &[u8]) -> Vec<(ConnId, CloseCode)> {
    let mut world = World::connected();
    let now = world.now;
    let machine = &mut world.nodes[1].sessions;
    machine.handle_connected(now, incoming(77));
    machine.handle_bytes(now, ConnId(77), bytes);
    machine.handle_timeout(now + Duration::from_millis(now_ms));
    let closed = closes(&drain(machine));
    assert!(world.session(1, 0).is_some(), "the session stands");
    closed
}

#[test]
fn a_hello_that_never_arrives_is_closed_at_5_s() {
    assert_eq!(closed_for(4999, &[]), []);
    assert_eq!(closed_for(5000, &[]), [(ConnId(77), CloseCode::Late)]);
    // Neither does a hello without an introduction, or half a hello, hold the place longer.
    assert_eq!(closed_for(5000, &hello()), [(ConnId(77), CloseCode::Late)]);
    let half = &hello()[..7];
    assert_eq!(closed_for(5000, half), [(ConnId(77), CloseCode::Late)]);
}

#[test]
fn a_dialled_device_that_never_answers_is_closed_at_5_s() {
    let mut world = World::new(2);
    world.open(0, 1);
    world.deliver(0, 0);
    let now = world.now + Duration::from_secs(5);
    assert_eq!(world.nodes[0].sessions.poll_timeout(), Some(now));
    world.now = now;
    world.act(0, Sessions::handle_timeout);
    assert_eq!(world.downs(0), [DownReason::Closed(CloseCode::Late)]);
    let dropped = crate::routing::UnreachableReason::Dropped;
    assert_eq!(world.failures(0), [dropped]);
}

#[test]
fn an_oversized_frame_closes_that_connection_only() {
    let header = [0, 0, 0x40, 1];
    assert_eq!(
        closed_for(0, &header),
        [(ConnId(77), CloseCode::Misbehaved)]
    );
    assert_eq!(
        closed_for(0, &[0xff; 40]),
        [(ConnId(77), CloseCode::Misbehaved)]
    );
}

#[test]
fn malformed_frames_and_frames_out_of_turn_close_that_connection_only() {
    let misbehaved = [(ConnId(77), CloseCode::Misbehaved)];
    assert_eq!(closed_for(0, &[0, 0, 0, 1, 0xff]), misbehaved);
    assert_eq!(closed_for(0, &[0, 0, 0, 0]), misbehaved);
    assert_eq!(closed_for(0, &[hello(), hello()].concat()), misbehaved);
    let bye = Frame::Bye(Farewell::Idle).framed();
    assert_eq!(closed_for(0, &bye), misbehaved);
    let mut other_version = hello();
    let version = other_version.iter().position(|byte| *byte == 0x85);
    other_version[version.expect("the head of the hello") + 1] = 2;
    let incompatible = [(ConnId(77), CloseCode::Incompatible)];
    assert_eq!(closed_for(0, &other_version), incompatible);
}

#[test]
fn a_frame_that_never_ends_closes_its_session_after_10_s() {
    let mut world = World::connected();
    for node in [0, 1] {
        world.streams(node, ConnId(0), 1);
    }
    world.act(1, |it, now| it.handle_bytes(now, ConnId(0), &[0]));
    for _ in 0..9 {
        world.pass(Duration::from_secs(1));
        world.act(1, |it, now| it.handle_bytes(now, ConnId(0), &[0]));
        if world.nodes[1].sessions.sessions().count() == 0 {
            break;
        }
    }
    world.pass(Duration::from_secs(1));
    assert_eq!(world.downs(1), [DownReason::Closed(CloseCode::Misbehaved)]);
}

#[test]
fn inputs_for_connections_that_are_gone_are_ignored() {
    let mut machine = sessions(1, Time(0));
    let gone = ConnId(5);
    machine.handle_bytes(Time(0), gone, &hello());
    machine.handle_verdict(Time(0), gone, Verdict::Stranger);
    machine.handle_streams(Time(0), gone, 3);
    machine.handle_introduction(Time(0), gone, Introduction::default());
    machine.handle_closed(Time(0), gone, None);
    machine.handle_close_peer(Time(0), names(3).0, CloseCode::Done);
    assert_eq!(drain(&mut machine), []);
}

#[test]
fn a_verdict_is_taken_once_and_only_when_asked_for() {
    let mut machine = sessions(1, Time(0));
    machine.handle_connected(Time(0), incoming(1));
    machine.handle_verdict(Time(0), ConnId(1), Verdict::Stranger);
    assert_eq!(drain(&mut machine), [], "it has not introduced itself");
    admit_stranger(&mut machine, Time(0), 2);
    drain(&mut machine);
    machine.handle_verdict(Time(0), ConnId(2), Verdict::Stranger);
    assert_eq!(drain(&mut machine), []);
}

#[test]
fn the_dialled_side_says_who_it_is_only_after_the_verdict() {
    let mut machine = sessions(1, Time(0));
    machine.handle_connected(Time(0), incoming(1));
    assert_eq!(drain(&mut machine), []);
    let introduce = Frame::Introduce(Introduction::default()).framed();
    machine.handle_bytes(Time(0), ConnId(1), &[hello(), introduce].concat());
    let outputs = drain(&mut machine);
    let [Output::Send { bytes, .. }, Output::Authenticate { .. }] = outputs.as_slice() else {
        panic!("{outputs:?}");
    };
    assert!(matches!(Frame::read(&bytes[4..]), Ok(Frame::Hello(_))));
}
