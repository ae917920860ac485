//! Sessions that are idle, or whose node shuts down.

use std::time::Duration;

use super::world::{World, drain, names, target};
use crate::routing::wire::{Frame, Note};
use crate::routing::{CloseCode, ConnId, DownReason, Event, Level, Output, Target};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn an_idle_session_is_closed_after_5_minutes() {
    let mut world = World::connected();
    world.pass(Duration::from_secs(299));
    assert!(world.session(0, 1).is_some());
    world.pass(Duration::from_secs(2));
    for node in [0, 1] {
        assert_eq!(world.nodes[node].sessions.sessions().count(), 0);
    }
    let idle = CloseCode::Idle;
    let downs = [world.downs(0), world.downs(1)].concat();
    assert!(
        downs.contains(&DownReason::Closed(idle)),
        "one side closed it: {downs:?}"
    );
    let timeouts = [0, 1].map(|node: usize| world.nodes[node].sessions.poll_timeout());
    assert_eq!(timeouts, [None, None], "nothing is left to wait for");
}

#[test]
fn a_session_with_a_stream_is_never_idle() {
    let mut world = World::connected();
    world.streams(0, ConnId(0), 1);
    world.streams(1, ConnId(0), 1);
    world.pass(60 * MINUTE);
    assert!(world.session(0, 1).is_some());
    world.streams(0, ConnId(0), 0);
    world.streams(1, ConnId(0), 0);
    world.pass(4 * MINUTE);
    assert!(world.session(0, 1).is_some());
    world.pass(2 * MINUTE);
    assert_eq!(world.session(0, 1), None);
}

#[test]
fn a_session_wanted_on_either_side_stays() {
    for wanting in [0, 1] {
        let mut world = World::connected();
        world.want(wanting, 1 - wanting, true);
        world.pass(60 * MINUTE);
        for node in [0, 1] {
            let conn = world.session(node, 1 - node).map(|it| it.conn);
            assert_eq!(conn, Some(ConnId(0)), "wanted by {wanting}, seen by {node}");
        }
        world.want(wanting, 1 - wanting, false);
        world.pass(11 * MINUTE);
        assert_eq!(world.session(0, 1), None);
    }
}

#[test]
fn a_stream_that_crosses_the_idle_farewell_keeps_the_session() {
    let mut world = World::connected();
    world.now = world.now + 5 * MINUTE;
    // Node 0 proposes to part just as node 1 opens a stream.
    world.streams(1, ConnId(0), 1);
    world.act(0, crate::routing::Sessions::handle_timeout);
    assert_eq!(world.session(0, 1), None, "no new streams for a moment");
    world.settle();
    world.streams(0, ConnId(0), 1);
    assert_eq!(world.session(0, 1).map(|it| it.conn), Some(ConnId(0)));
    world.pass(60 * MINUTE);
    assert_eq!(world.downs(1), []);
}

#[test]
fn who_needs_an_idle_session_again_dials_anew_and_closes_the_old_first() {
    let mut world = World::connected();
    world.now = world.now + 5 * MINUTE;
    world.act(0, crate::routing::Sessions::handle_timeout);
    world.open(0, 1);
    assert!(
        world.links[0].closed_at_once[0],
        "the old one is gone before"
    );
    world.settle();
    for node in [0, 1] {
        let conn = world.session(node, 1 - node).map(|it| it.conn);
        assert_eq!(conn, Some(ConnId(1)));
        assert_eq!(world.nodes[node].sessions.sessions().count(), 1);
    }
}

#[test]
fn who_is_silent_while_somebody_asks_is_dialled_anew_unless_a_stream_is_in_use() {
    let mut world = World::connected();
    world.streams(0, ConnId(0), 2);
    world.act(0, |it, now| it.handle_silence(now, ConnId(0), 1));
    assert!(
        world.session(0, 1).is_some(),
        "it may be on its way to another room"
    );
    world.streams(0, ConnId(0), 1);
    world.act(0, |it, now| it.handle_silence(now, ConnId(0), 0));
    assert_eq!(world.downs(0), [DownReason::Lost]);
    assert!(
        world.links[0].closed_at_once[0],
        "the old one is gone before"
    );
    world.open(0, 1);
    world.settle();
    assert_eq!(world.session(0, 1).map(|it| it.conn), Some(ConnId(1)));
    // What is told of it later tells nothing.
    world.act(0, |it, now| it.handle_silence(now, ConnId(0), 0));
    assert_eq!(world.downs(0).len(), 1);
}

#[test]
fn a_node_that_leaves_lets_streams_end_and_begins_nothing_new() {
    let mut world = World::connected();
    world.streams(0, ConnId(0), 1);
    world.streams(1, ConnId(0), 1);
    world.want(1, 0, true);
    world.act(0, crate::routing::Sessions::handle_leave);
    world.settle();
    assert_eq!(world.nodes[0].sessions.sessions().count(), 1);
    assert_eq!(world.session(0, 1), None, "it opens no streams");
    world.open(0, 1);
    assert_eq!(world.links.len(), 1, "it does not dial");
    world.streams(1, ConnId(0), 0);
    world.streams(0, ConnId(0), 0);
    world.settle();
    assert_eq!(world.nodes[0].sessions.sessions().count(), 0);
    world.pass(MINUTE);
    assert!(world.ups(0).len() == 1, "it takes no new sessions");
}

#[test]
fn a_change_of_what_is_spoken_reaches_those_it_concerns_only() {
    let mut world = World::new(3);
    world.open(0, 1);
    world.open(0, 2);
    world.settle();
    let new = vec!["/new/1".parse().expect("a valid name")];
    let names = new.clone();
    world.act(0, |it, now| {
        it.handle_speaks(now, Some(super::world::names(1).0), names);
    });
    world.settle();
    let heard = |node: usize| {
        let events = world.nodes[node].events.iter();
        events
            .filter(|event| matches!(event, Event::Speaks { names, .. } if *names == new))
            .count()
    };
    assert_eq!((heard(1), heard(2)), (1, 0));
}

#[test]
fn what_is_told_while_an_idle_session_may_end_is_heard_where_it_stays() {
    let note = Note {
        kind: 3,
        body: vec![1, 2, 3],
    };
    let mut world = World::connected();
    // Node 1 keeps the session.
    world.want(1, 0, true);
    world.now = world.now + 5 * MINUTE;
    world.act(0, crate::routing::Sessions::handle_timeout);
    assert_eq!(world.session(0, 1), None, "no new streams for a moment");
    let sent = note.clone();
    world.act(0, |it, now| assert!(it.handle_note(now, ConnId(0), sent)));
    let new = vec!["/new/1".parse().expect("a valid name")];
    let spoken = new.clone();
    world.act(0, |it, now| {
        it.handle_speaks(now, Some(names(1).0), spoken);
    });
    world.pass(MINUTE);
    assert_eq!(world.downs(1), []);
    let (conn, peer) = (ConnId(0), names(0).0);
    let events = &world.nodes[1].events;
    assert!(events.contains(&Event::Noted { conn, peer, note }));
    assert!(events.contains(&Event::Speaks {
        conn,
        peer: Some(peer),
        names: new
    }));
}

#[test]
fn a_note_reaches_the_peer_and_a_strangers_note_ends_its_session() {
    let note = Note {
        kind: 3,
        body: vec![1, 2, 3],
    };
    let mut world = World::connected();
    let sent = note.clone();
    world.act(0, |it, now| assert!(it.handle_note(now, ConnId(0), sent)));
    world.settle();
    let noted = Event::Noted {
        conn: ConnId(0),
        peer: names(0).0,
        note: note.clone(),
    };
    assert!(world.nodes[1].events.contains(&noted));

    let mut world = World::new(2);
    world.nodes[1].contacts.clear();
    let device = Target::Device(names(1).1);
    let routes = world.nodes[0].routes.remove(&target(1)).expect("known");
    world.nodes[0].routes.insert(device, routes);
    world.act(0, |it, now| it.handle_open(now, device));
    world.settle();
    let sent = note.clone();
    world.act(0, |it, now| assert!(!it.handle_note(now, ConnId(0), sent)));
    let bytes = Frame::Note(note).framed();
    world.act(1, |it, now| it.handle_bytes(now, ConnId(0), &bytes));
    assert_eq!(world.downs(1), [DownReason::Closed(CloseCode::Misbehaved)]);
}

#[test]
fn who_is_confirmed_keeps_the_session_and_gets_more_of_it() {
    let world = World::connected();
    let (mut machine, now, peer) = (world.nodes[0].sessions.clone(), world.now, names(1).0);
    let spoken: crate::protocol::ProtocolName = "/chat/1".parse().expect("a name");
    for level in [Level::Guest, Level::Contact] {
        machine.handle_level(now, peer, level, vec![spoken.clone()]);
        let session = machine.session(target(1)).expect("it stands");
        assert_eq!((session.conn, session.level), (ConnId(0), level));
        let expected = [
            Output::StreamLimit {
                conn: ConnId(0),
                streams_max: level.streams_max(),
            },
            Output::Send {
                conn: ConnId(0),
                bytes: Frame::Speaks(vec![spoken.clone()]).framed(),
            },
            Output::Event(Event::Trusted(session)),
        ];
        assert_eq!(drain(&mut machine), expected);
        machine.handle_level(now, peer, level, vec![spoken.clone()]);
        assert_eq!(drain(&mut machine), [], "nothing changed");
    }
}

#[test]
fn who_is_no_more_than_a_stranger_loses_the_session() {
    let mut world = World::connected();
    world.act(0, |it, now| {
        it.handle_level(now, names(1).0, Level::Stranger, Vec::new());
    });
    assert_eq!(world.session(0, 1), None);
    assert_eq!(world.downs(0), [DownReason::Closed(CloseCode::Done)]);
}
