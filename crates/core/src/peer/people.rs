//! Nodes for the tests of this folder: without sockets, at one moment.

use super::note::Card;
use super::{Config, InviteOptions, Output, Peer, Source};
use crate::address::Route;
use crate::crypto::{Ed25519, SecretKey};
use crate::identity::Invite;
use crate::ids::{DeviceKey, Face, PeerId, TlsPin};
use crate::introducer::{Introducer, Ports, Trust};
use crate::time::{DAY, Time};

pub(super) const NOW: Time = Time(1_700_000_000_000);

pub(super) fn secret(number: u8) -> SecretKey {
    SecretKey::from_bytes([number; 32])
}

pub(super) fn device(number: u8) -> DeviceKey {
    secret(number).device_key()
}

pub(super) fn introducer(number: u8) -> Introducer {
    let ports = Ports {
        tcp: 7118,
        udp: 7119,
        discovery: 7120,
    };
    let trust = Trust::Pin(TlsPin([number; 32]));
    Introducer::new(
        device(number),
        vec![[203, 0, 113, number].into()],
        ports,
        trust,
    )
}

/// A node that relays where it can be reached, with its faces bound.
pub(super) fn node(number: u8) -> Peer {
    let mut config = Config::new("test/1".into());
    config.relay = Some(Vec::new());
    let seed = [number; 32];
    let mut node =
        Peer::new(config, Ed25519, secret(number), Vec::new(), seed, NOW).expect("no rows");
    node.handle_device(NOW, Face::Public, secret(number + 100));
    node.handle_device(NOW, Face::Contact, secret(number + 101));
    node
}

/// An invite of this node's.
pub(super) fn invite(node: &mut Peer, now: Time) -> Invite {
    let options = InviteOptions {
        reusable: false,
        life: DAY,
        with_addresses: false,
    };
    let invite = node.create_invite(now, options);
    invite.expect("one of a few")
}

/// The contact with this number, in the book of `node`, with a card that names a device and perhaps a relay.
pub(super) fn befriend(node: &mut Peer, number: u8, relay: Option<Introducer>) -> PeerId {
    let invite = invite(&mut self::node(number), NOW);
    let peer = node
        .accept_invite(NOW, &invite, None)
        .expect("a new contact");
    let route = Route {
        addresses: vec![([10, 0, 0, number], 4433).into()],
        ..Route::new(device(number + 101))
    };
    let card = Card::new(vec![1], route, None, &[]).with_relay(relay);
    node.learn_card(peer, card, Source::Session);
    peer
}

pub(super) fn outputs(node: &mut Peer) -> Vec<Output> {
    std::iter::from_fn(|| node.poll_output()).collect()
}

/// The last relays that this face was told to keep to.
pub(super) fn places(outputs: &[Output], wanted: Face) -> Option<Vec<Introducer>> {
    outputs.iter().rev().find_map(|output| match output {
        Output::Relays { face, introducers } if *face == wanted => Some(introducers.clone()),
        _ => None,
    })
}
