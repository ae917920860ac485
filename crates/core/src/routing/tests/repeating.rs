//! The same seed and inputs give the same outputs, whatever the inputs are.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::world::{candidate, drain};
use crate::ids::{DeviceKey, Face, PeerId};
use crate::routing::wire::{Farewell, Frame, Hello, Introduction, Note};
use crate::routing::{
    Boot, CloseCode, Config, ConnId, Connected, DialId, Event, Level, Output, Sessions, Target,
    Verdict,
};
use crate::time::Time;

/// Something done to a machine: what, to which of a few peers and connections, and how long after the last, as a power
/// of two of milliseconds up to 9 minutes.
type Input = (u8, u8, u16);

/// A machine, and how many connections it was told of.
struct Driven {
    machine: Sessions,
    connections: u64,
}

/// Does one input. Those about a connection mean one of the last four.
fn apply(driven: &mut Driven, now: Time, (what, which, _): Input) {
    let Driven {
        machine,
        connections,
    } = driven;
    let peer = PeerId([which % 4; 32]);
    let device = DeviceKey([which % 4; 32]);
    let target = match which & 4 {
        0 => Target::Peer(peer),
        _ => Target::Device(device),
    };
    let conn = ConnId(connections.saturating_sub(u64::from(which % 4)));
    if matches!(what % 24, 4..=6 | 18..=23) {
        *connections += 1;
    }
    let connected = |dial: Option<DialId>| Connected {
        conn: ConnId(*connections),
        dial,
        face: Face::Contact,
        local: DeviceKey([2; 32]),
        remote: device,
        observed: None,
    };
    match what % 24 {
        0 => machine.handle_open(now, target),
        1 => machine.handle_want(now, target, which < 200),
        2 => machine.handle_routes(now, target, vec![candidate(device)]),
        3 => machine.handle_resolved(now, target),
        4 | 5 => machine.handle_connected(now, connected(None)),
        6 => machine.handle_connected(now, connected(Some(DialId(u64::from(which % 8))))),
        7 => machine.handle_dial_failed(now, DialId(u64::from(which % 8))),
        8 => machine.handle_introduction(now, conn, Introduction::default()),
        9 | 17 => machine.handle_bytes(now, conn, &frames(what, which)),
        10 | 11 => machine.handle_verdict(now, conn, verdict(peer, which)),
        // A whole introduction, so that sessions are common.
        18..=23 => {
            machine.handle_connected(now, connected(None));
            machine.handle_bytes(now, ConnId(*connections), &frames(what, which % 64));
            machine.handle_verdict(now, ConnId(*connections), verdict(peer, which));
        }
        12 => machine.handle_streams(now, conn, u32::from(which % 3)),
        13 => machine.handle_closed(now, conn, None),
        14 => machine.handle_close_peer(now, peer, CloseCode::Done),
        15 => machine.handle_speaks(now, Some(peer), Vec::new()),
        16 => machine.handle_path(now, conn, which % 2 == 0),
        _ => machine.handle_timeout(now),
    }
}

/// Two frames, often in turn.
fn frames(what: u8, which: u8) -> Vec<u8> {
    let hello = Frame::Hello(Hello {
        version: 1,
        boot: u64::from(what % 3),
        dial: u64::from(which),
        agent: String::new(),
        speaks: Vec::new(),
        observed: None,
    });
    let note = Note {
        kind: which,
        body: Vec::new(),
    };
    let introduction = Introduction::default();
    let frames = match which >> 4 {
        0..6 => [hello, Frame::Introduce(introduction)],
        6..9 => [hello, Frame::Welcome(introduction)],
        9 => [hello, Frame::Stranger],
        10 => [Frame::Note(note), Frame::Bye(Farewell::Duplicate)],
        11 => [Frame::Speaks(Vec::new()), Frame::Bye(Farewell::Idle)],
        12 => [Frame::Bye(Farewell::Leaving), Frame::Note(note)],
        _ => return vec![0, 0, what, which, what],
    };
    frames.iter().flat_map(Frame::framed).collect()
}

fn verdict(peer: PeerId, which: u8) -> Verdict {
    match which % 8 {
        0 => Verdict::Refuse(CloseCode::Done),
        1 => Verdict::Stranger,
        _ => Verdict::Known {
            peer,
            level: Level::Contact,
            answer: (which > 100).then(Introduction::default),
            speaks: Vec::new(),
        },
    }
}

/// Runs a fresh machine, its timers included.
fn run(seed: [u8; 32], inputs: &[Input]) -> Vec<Output> {
    let mut now = Time(1_000_000);
    let mut driven = Driven {
        machine: Sessions::new(Config::new(Boot::new([1; 32], 1), "test".into()), seed, now),
        connections: 0,
    };
    let mut outputs = Vec::new();
    for input in inputs {
        let pause_ms = 1 << (input.2 % 20);
        let next = now + Duration::from_millis(pause_ms);
        while let Some(due) = driven.machine.poll_timeout().filter(|due| *due <= next) {
            now = now.max(due);
            driven.machine.handle_timeout(now);
            let next_due = driven.machine.poll_timeout();
            assert!(next_due.is_none_or(|due| due > now), "due again at once");
            outputs.extend(drain(&mut driven.machine));
        }
        now = next;
        apply(&mut driven, now, *input);
        outputs.extend(drain(&mut driven.machine));
        check(&driven.machine);
    }
    outputs
}

/// What holds after every input: of a pair of devices and the same names, one session takes new streams.
fn check(machine: &Sessions) {
    for device in 0..4 {
        let target = Target::Device(DeviceKey([device; 32]));
        let mut peers = BTreeSet::new();
        for open in machine.table.of(target).filter(|it| it.is_open()) {
            assert!(peers.insert(open.peer), "two sessions with {device}");
        }
    }
}

proptest! {
    #[test]
    fn the_same_seed_and_inputs_give_the_same_outputs(
        seed: [u8; 32],
        inputs in proptest::collection::vec(any::<Input>(), 0..200),
    ) {
        prop_assert_eq!(run(seed, &inputs), run(seed, &inputs));
    }

    #[test]
    fn whatever_happens_a_session_comes_up_once_goes_down_once_and_is_silent_after(
        inputs in proptest::collection::vec(any::<Input>(), 0..400),
    ) {
        let (mut ups, mut over) = (BTreeSet::new(), BTreeSet::new());
        for output in run([3; 32], &inputs) {
            match output {
                Output::Event(Event::Up(session)) => {
                    prop_assert!(ups.insert(session.conn), "up once");
                }
                Output::Event(Event::Down { conn, .. }) => {
                    prop_assert!(over.insert(conn), "down once");
                }
                Output::Event(Event::Ending { conn }) => {
                    prop_assert!(ups.contains(&conn) && !over.contains(&conn));
                }
                Output::Send { conn, .. } => {
                    prop_assert!(!over.contains(&conn), "nothing is said after the end");
                }
                _ => {}
            }
        }
    }
}

#[test]
fn another_seed_gives_other_pauses() {
    let due = |seed| {
        let mut machine = Sessions::new(
            Config::new(Boot::new([1; 32], 1), "test".into()),
            seed,
            Time(0),
        );
        let target = Target::Peer(PeerId([1; 32]));
        machine.handle_want(Time(0), target, true);
        machine.handle_resolved(Time(0), target);
        machine.poll_timeout()
    };
    assert!(due([1; 32]).is_some());
    assert_eq!(due([1; 32]), due([1; 32]));
    assert_ne!(due([1; 32]), due([2; 32]));
}
