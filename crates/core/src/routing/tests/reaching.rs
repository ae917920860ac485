//! From a wish to a session, or to the reason why not.

use std::time::Duration;

use super::world::{World, candidate, drain, names, sessions, target};
use crate::codec::FRAME_HEADER_BYTES;
use crate::ids::{DeviceKey, Face, PeerId};
use crate::routing::config::NETWORK_CHANGE_SPREAD;
use crate::routing::wire::{Frame, Introduction};
use crate::routing::{
    ConnId, Connected, DialId, DownReason, Event, Level, Output, Target, UnreachableReason,
};
use crate::time::Time;

#[test]
fn a_wish_for_a_contact_becomes_a_session_on_both_sides() {
    let world = World::connected();
    let (dialler, dialled) = (world.ups(0)[0], world.ups(1)[0]);
    assert_eq!(dialler.peer, Some(names(1).0));
    assert_eq!(dialled.peer, Some(names(0).0));
    assert_eq!(
        (dialler.level, dialled.level),
        (Level::Contact, Level::Contact)
    );
    assert!(dialler.dialled && !dialled.dialled);
    for node in [0, 1] {
        let told = world.nodes[node]
            .events
            .iter()
            .rev()
            .find_map(|event| match event {
                Event::Speaks { names, .. } => Some(names.clone()),
                _ => None,
            });
        let private = vec!["/private/1".parse().expect("a valid name")];
        assert_eq!(told, Some(private), "node {node}");
    }
}

#[test]
fn hello_and_introduction_go_out_at_once_and_together() {
    let mut machine = sessions(1, Time(0));
    machine.handle_open(Time(0), target(1));
    machine.handle_routes(Time(0), target(1), vec![candidate(names(1).1)]);
    machine.handle_connected(Time(0), connected(ConnId(5), Some(DialId(1))));
    machine.handle_introduction(Time(0), ConnId(5), Introduction::default());
    let outputs = drain(&mut machine);
    let [
        ..,
        Output::Send { bytes, .. },
        Output::Event(Event::Reached {
            conn: ConnId(5), ..
        }),
    ] = outputs.as_slice()
    else {
        panic!("{outputs:?}");
    };
    let hello = usize::from(bytes[3]);
    let (first, second) = bytes.split_at(FRAME_HEADER_BYTES + hello);
    let read = |framed: &[u8]| Frame::read(&framed[FRAME_HEADER_BYTES..]);
    assert!(matches!(read(first), Ok(Frame::Hello(_))));
    assert!(matches!(read(second), Ok(Frame::Introduce(_))));
}

#[test]
fn a_strangers_answer_to_a_dial_for_a_named_peer_is_a_failure() {
    let mut world = World::new(2);
    world.nodes[1].contacts.clear();
    world.open(0, 1);
    world.settle();
    assert_eq!(world.failures(0), [UnreachableReason::NotAContact]);
    assert_eq!(world.downs(0), [DownReason::NotThem]);
    assert_eq!(world.ups(0), []);
    assert_eq!(world.nodes[0].sessions.sessions().count(), 0);
    assert_eq!(world.nodes[1].sessions.sessions().count(), 0);
}

#[test]
fn another_peers_binding_is_a_failure() {
    let mut world = World::new(3);
    // The route to node 1's peer leads to node 2, a contact too.
    let wrong = vec![candidate(names(2).1)];
    world.nodes[0].routes.insert(target(1), wrong);
    world.open(0, 1);
    world.settle();
    assert_eq!(world.failures(0), [UnreachableReason::NotThem]);
    assert_eq!(world.ups(0), []);
    assert_eq!(world.session(0, 1), None);
}

#[test]
fn a_binding_of_another_device_is_a_failure() {
    let mut world = World::new(2);
    // Node 1 shows its peer's binding of a device that is not the one in the handshake.
    world.nodes[1].contacts.clear();
    world.open(0, 1);
    world.deliver(0, 0);
    let stolen = Introduction {
        binding: Some([names(1).0.0, [0x77; 32]].concat()),
        ..Introduction::default()
    };
    let hello = hello_of(&mut sessions(1, Time(0)));
    let bytes = [hello, Frame::Welcome(stolen).framed()].concat();
    world.act(0, |it, now| it.handle_bytes(now, ConnId(0), &bytes));
    assert_eq!(world.failures(0), [UnreachableReason::Unproven]);
}

#[test]
fn a_device_may_be_dialled_without_a_name_on_either_side() {
    let mut world = World::new(2);
    world.nodes[0].contacts.clear();
    world.nodes[1].contacts.clear();
    let introducer = Target::Device(names(1).1);
    let routes = vec![candidate(names(1).1)];
    world.nodes[0].routes.insert(introducer, routes);
    world.act(0, |it, now| it.handle_open(now, introducer));
    world.settle();
    let session = world.nodes[0].sessions.session(introducer);
    assert_eq!(
        session.map(|it| (it.peer, it.level)),
        Some((None, Level::Stranger))
    );
    assert_eq!(world.nodes[1].sessions.sessions().count(), 1);
}

#[test]
fn nobody_who_knows_a_route_is_a_failure_with_that_reason() {
    let mut world = World::new(2);
    world.nodes[0].routes.clear();
    world.open(0, 1);
    world.settle();
    assert_eq!(world.failures(0), [UnreachableReason::NoRoute]);
}

#[test]
fn a_look_up_without_end_is_given_up_after_10_s() {
    let mut machine = sessions(1, Time(0));
    machine.handle_open(Time(0), target(1));
    assert_eq!(machine.poll_timeout(), Some(Time(10_000)));
    drain(&mut machine);
    machine.handle_timeout(Time(10_000));
    let gone = Event::Unreachable {
        target: target(1),
        reason: UnreachableReason::NoRoute,
        refused_by: Vec::new(),
    };
    assert_eq!(drain(&mut machine), [Output::Event(gone)]);
    assert_eq!(machine.poll_timeout(), None);
}

#[test]
fn a_refusal_is_told_though_the_look_up_for_other_routes_has_no_end() {
    let mut machine = sessions(1, Time(0));
    machine.handle_open(Time(0), target(1));
    let mut nowhere = candidate(names(2).1);
    nowhere.to = Face::Public;
    machine.handle_routes(Time(0), target(1), vec![candidate(names(1).1), nowhere]);
    machine.handle_connected(Time(10), connected(ConnId(5), Some(DialId(1))));
    machine.handle_introduction(Time(10), ConnId(5), Introduction::default());
    let hello = hello_of(&mut sessions(1, Time(0)));
    let bytes = [hello, Frame::Stranger.framed()].concat();
    machine.handle_bytes(Time(20), ConnId(5), &bytes);
    drain(&mut machine);
    assert_eq!(machine.poll_timeout(), Some(Time(520)));
    machine.handle_timeout(Time(520));
    let refused = Event::Unreachable {
        target: target(1),
        reason: UnreachableReason::NotAContact,
        refused_by: vec![names(1).1],
    };
    let dial = DialId(2);
    let told = [Output::CancelDial { dial }, Output::Event(refused)];
    assert_eq!(drain(&mut machine), told);
    assert_eq!(machine.poll_timeout(), None);
}

#[test]
fn a_dial_without_an_answer_is_cancelled_after_15_s() {
    let mut machine = sessions(1, Time(0));
    machine.handle_open(Time(0), target(1));
    machine.handle_routes(Time(0), target(1), vec![candidate(names(1).1)]);
    machine.handle_resolved(Time(0), target(1));
    drain(&mut machine);
    machine.handle_timeout(Time(14_999));
    assert_eq!(drain(&mut machine), []);
    machine.handle_timeout(Time(15_000));
    let gone = Event::Unreachable {
        target: target(1),
        reason: UnreachableReason::NoAnswer,
        refused_by: Vec::new(),
    };
    let dial = DialId(1);
    assert_eq!(
        drain(&mut machine),
        [Output::CancelDial { dial }, Output::Event(gone)]
    );
}

#[test]
fn news_of_a_device_that_is_being_dialled_refines_the_dial_and_is_dialled_after_it() {
    let mut machine = sessions(1, Time(0));
    let stale = candidate(names(1).1);
    let mut news = stale.clone();
    news.route.addresses = vec![([198, 51, 100, 7], 7).into()];
    let mut both = news.route.clone();
    both.merge(&stale.route);
    machine.handle_open(Time(0), target(1));
    machine.handle_routes(Time(0), target(1), vec![stale]);
    drain(&mut machine);
    machine.handle_routes(Time(100), target(1), vec![news.clone(), news]);
    let (dial, route) = (DialId(1), both.clone());
    assert_eq!(drain(&mut machine), [Output::Refine { dial, route }]);
    machine.handle_dial_failed(Time(200), DialId(1));
    let again = Output::Dial {
        dial: DialId(2),
        face: Face::Contact,
        route: both,
    };
    assert_eq!(drain(&mut machine), [again]);
}

#[test]
fn a_device_learnt_while_another_is_dialled_in_vain_is_dialled_at_once_beside_it() {
    let mut machine = sessions(1, Time(0));
    machine.handle_open(Time(0), target(1));
    machine.handle_routes(Time(0), target(1), vec![candidate(names(2).1)]);
    drain(&mut machine);
    let learnt = candidate(names(1).1);
    let dial = Output::Dial {
        dial: DialId(2),
        face: learnt.from,
        route: learnt.route.clone(),
    };
    // The one before has had its head start.
    machine.handle_routes(Time(3_000), target(1), vec![learnt]);
    assert_eq!(drain(&mut machine), [dial]);
    // And this one has its own.
    machine.handle_routes(Time(3_100), target(1), vec![candidate(names(3).1)]);
    assert_eq!(drain(&mut machine), []);
    assert_eq!(machine.poll_timeout(), Some(Time(3_500)));
    machine.handle_timeout(Time(3_500));
    let [Output::Dial { route, .. }] = &drain(&mut machine)[..] else {
        panic!("a third dial");
    };
    assert_eq!(route.device, names(3).1);
}

#[test]
fn a_connection_from_a_cancelled_dial_is_closed_unused() {
    let mut machine = sessions(1, Time(0));
    machine.handle_open(Time(0), target(1));
    machine.handle_routes(Time(0), target(1), vec![candidate(names(1).1)]);
    machine.handle_close_peer(Time(0), names(1).0, crate::routing::CloseCode::Done);
    let given_up = Event::Unreachable {
        target: target(1),
        reason: UnreachableReason::GivenUp,
        refused_by: Vec::new(),
    };
    assert_eq!(drain(&mut machine).pop(), Some(Output::Event(given_up)));
    machine.handle_connected(Time(0), connected(ConnId(5), Some(DialId(1))));
    assert!(matches!(
        drain(&mut machine).as_slice(),
        [Output::Close {
            conn: ConnId(5),
            ..
        }]
    ));
}

#[test]
fn a_wanted_session_redials() {
    let mut world = World::connected();
    world.want(0, 1, true);
    world.cut(0);
    assert_eq!(world.session(0, 1), None);
    world.pass(Duration::from_millis(1001));
    assert_eq!(world.session(0, 1).map(|it| it.conn), Some(ConnId(1)));
    assert_eq!(world.session(1, 0).map(|it| it.conn), Some(ConnId(1)));
}

#[test]
fn a_session_that_nobody_wants_is_not_redialled() {
    let mut world = World::connected();
    world.want(0, 1, true);
    world.want(0, 1, false);
    world.cut(0);
    world.pass(Duration::from_secs(600));
    assert_eq!(world.links.len(), 1);
}

#[test]
fn a_wanted_peer_that_is_away_is_tried_ever_more_rarely_up_to_once_in_ten_minutes() {
    let mut world = World::new(2);
    world.nodes[1].device = DeviceKey([0xee; 32]);
    world.want(0, 1, true);
    world.pass(Duration::from_secs(60));
    let at_first = world.failures(0).len();
    assert!(
        (4..=5).contains(&at_first),
        "{at_first} attempts in the first minute"
    );
    world.pass(Duration::from_secs(3600));
    let first_hour = world.failures(0).len() - at_first;
    assert!((7..=14).contains(&first_hour), "{first_hour} in an hour");
    world.pass(Duration::from_secs(3600));
    let later = world.failures(0).len() - at_first - first_hour;
    assert!((6..=12).contains(&later), "{later} in the next hour");

    world.nodes[1].device = names(1).1;
    world.pass(Duration::from_secs(600));
    assert!(world.session(0, 1).is_some(), "it is found all the same");
}

/// Two nodes of which the first wants the other, who has been away for hours and now answers again.
fn back_after_hours() -> World {
    let mut world = World::new(2);
    world.nodes[1].device = DeviceKey([0xee; 32]);
    world.want(0, 1, true);
    world.pass(Duration::from_secs(3 * 3600));
    world.nodes[1].device = names(1).1;
    assert!(world.session(0, 1).is_none());
    world
}

#[test]
fn who_is_asked_for_is_dialled_at_once_however_long_it_was_away() {
    let mut world = back_after_hours();
    world.open(0, 1);
    world.settle();
    assert!(world.session(0, 1).is_some());
}

#[test]
fn a_sign_of_life_is_tried_at_once_though_nothing_else_is_new() {
    let mut world = back_after_hours();
    world.act(0, |it, now| it.handle_alive(now, target(1)));
    world.settle();
    assert!(world.session(0, 1).is_some());
}

#[test]
fn another_network_is_tried_within_seconds_and_once_a_minute() {
    let mut world = back_after_hours();
    world.nodes[1].device = DeviceKey([0xee; 32]);
    let before = world.failures(0).len();
    for _ in 0..10 {
        world.act(0, |it, now| it.handle_network_changed(now));
        world.pass(Duration::from_millis(100));
    }
    world.pass(NETWORK_CHANGE_SPREAD);
    let tried = world.failures(0).len() - before;
    assert!((1..=3).contains(&tried), "{tried} attempts");
}

#[test]
fn who_said_goodbye_is_not_dialled_for_half_a_minute() {
    let mut world = World::connected();
    world.want(0, 1, true);
    world.act(1, |it, now| it.handle_leave(now));
    world.settle();
    assert_eq!(world.session(0, 1), None);
    world.pass(Duration::from_secs(30));
    assert_eq!(world.links.len(), 1);
    world.pass(Duration::from_secs(60));
    assert!(world.links.len() > 1, "it is not forgotten");
}

#[test]
fn who_asks_while_others_are_trying_has_routes_looked_for_once_more() {
    let mut machine = sessions(1, Time(0));
    machine.handle_want(Time(0), target(1), true);
    machine.handle_routes(Time(0), target(1), vec![candidate(names(1).1)]);
    machine.handle_resolved(Time(0), target(1));
    drain(&mut machine);
    let target = target(1);
    machine.handle_open(Time(1), target);
    assert_eq!(drain(&mut machine), [Output::Resolve { target }]);
    machine.handle_open(Time(2), target);
    assert_eq!(drain(&mut machine), []);
}

#[test]
fn news_of_a_wanted_peer_that_is_away_is_tried_at_once() {
    let mut world = World::new(2);
    let stale = world.nodes[0].routes.remove(&target(1)).expect("known");
    world.want(0, 1, true);
    world.settle();
    assert_eq!(world.failures(0), [UnreachableReason::NoRoute]);
    world.act(0, |it, now| it.handle_routes(now, target(1), stale));
    world.settle();
    assert!(world.session(0, 1).is_some());
}

#[test]
fn an_incoming_session_ends_the_search_for_that_peer() {
    let mut world = World::new(2);
    world.nodes[0].routes.clear();
    world.act(0, |it, now| it.handle_want(now, target(1), true));
    world.settle();
    world.open(1, 0);
    world.settle();
    let attempts = world.failures(0).len();
    world.pass(Duration::from_secs(200));
    assert_eq!(world.failures(0).len(), attempts);
    assert!(world.session(0, 1).is_some());
}

/// A connection with node 1, from the view of node 0.
fn connected(conn: ConnId, dial: Option<DialId>) -> Connected {
    Connected {
        conn,
        dial,
        face: Face::Contact,
        local: names(0).1,
        remote: names(1).1,
        observed: None,
    }
}

/// The hello that `machine` answers a dialler with.
fn hello_of(machine: &mut crate::routing::Sessions) -> Vec<u8> {
    let hello = crate::routing::wire::Hello {
        version: 1,
        boot: 1,
        dial: 1,
        agent: String::new(),
        speaks: Vec::new(),
        observed: None,
    };
    machine.handle_connected(Time(0), connected(ConnId(9), None));
    machine.handle_bytes(Time(0), ConnId(9), &Frame::Hello(hello).framed());
    match drain(machine).as_slice() {
        [Output::Send { bytes, .. }] => bytes.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn closing_a_peer_ends_sessions_and_attempts_at_once() {
    let mut world = World::connected();
    world.want(0, 1, true);
    let peer = names(1).0;
    world.act(0, |it, now| {
        it.handle_close_peer(now, peer, crate::routing::CloseCode::Done);
    });
    world.settle();
    assert_eq!(world.nodes[0].sessions.sessions().count(), 0);
    assert_eq!(world.nodes[1].sessions.sessions().count(), 0);
    world.pass(Duration::from_secs(600));
    assert_eq!(world.links.len(), 1, "it is not dialled again");
    world.act(0, |it, now| {
        it.handle_close_peer(now, PeerId([9; 32]), crate::routing::CloseCode::Done);
    });
}
