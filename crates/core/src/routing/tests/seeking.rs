//! Whose looks for direct paths they are, and until when. The times are `seeking.rs`'s.

use std::time::Duration;

use super::world::{World, drain};
use crate::ids::Face;
use crate::routing::{CloseCode, Output};

/// Whether node `number` of `world` is asked to look within a minute, having been told of a relayed path.
fn looks(world: &mut World, number: usize) -> bool {
    let (now, other) = (world.now, 1 - number);
    let session = world.session(number, other).expect("they are connected");
    let machine = &mut world.nodes[number].sessions;
    machine.handle_path(now, session.conn, false);
    machine.handle_timeout(now + Duration::from_secs(60));
    let face = Face::Contact;
    drain(machine).contains(&Output::SeekPaths { face })
}

#[test]
fn only_who_dialled_looks_for_a_direct_path() {
    let mut world = World::connected();
    let dialled = world.session(0, 1).expect("they are connected").dialled;
    assert_eq!(looks(&mut world, 0), dialled);
    assert_eq!(looks(&mut world, 1), !dialled);
}

#[test]
fn nobody_looks_for_paths_of_a_connection_that_is_closed() {
    let mut world = World::connected();
    let session = world.session(0, 1).expect("they are connected");
    let (now, peer) = (world.now, session.peer.expect("contacts"));
    let machine = &mut world.nodes[0].sessions;
    machine.handle_path(now, session.conn, false);
    machine.handle_close_peer(now, peer, CloseCode::Done);
    machine.handle_path(now, session.conn, false);
    machine.handle_timeout(now + Duration::from_secs(60));
    let face = Face::Contact;
    assert!(!drain(machine).contains(&Output::SeekPaths { face }));
}
