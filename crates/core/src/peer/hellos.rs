//! What a dialler says first, cut short, forged, and said again by another: each opens nothing, and uses up nothing.

use super::note::Card;
use super::people::{NOW, device, invite, node, outputs, secret};
use super::{Event, Output, Peer, Source};
use crate::address::Route;
use crate::codec::FRAME_HEADER_BYTES;
use crate::crypto::Signature;
use crate::identity::{ContactState, Invite};
use crate::ids::{DeviceKey, Face};
use crate::routing::config::{HELLO_WITHIN, REFUSED_WITHIN};
use crate::routing::wire::{Frame, Introduction};
use crate::routing::{CloseCode, ConnId, Connected, Target, UnreachableReason};
use crate::time::{DAY, Time};

/// The exporter of the connection on which a hello is genuine.
const EXPORTER: [u8; 32] = [7; 32];

/// The keys of the two contact faces, as `people::node` has them.
const ADA_DEVICE: u8 = 102;
const BO_DEVICE: u8 = 103;

/// Ada, who has made an invite, and what Bo says first on the connection on which he uses it.
fn genuine() -> (Peer, Peer, Vec<u8>) {
    let (mut ada, mut bo) = (node(1), node(2));
    let invite = invite(&mut ada, NOW);
    let did = add(&mut bo, &invite, device(ADA_DEVICE));
    let said = said(&did, 1);
    outputs(&mut ada);
    (ada, bo, said)
}

/// What Bo does when he has added an invite and reached `remote`, where it is said to lead.
fn add(bo: &mut Peer, invite: &Invite, remote: DeviceKey) -> Vec<Output> {
    let peer = bo.accept_invite(NOW, invite, None).expect("a good one");
    let route = Route {
        addresses: vec![([10, 0, 0, 1], 4433).into()],
        ..Route::new(remote)
    };
    bo.handle_route_found(NOW, peer, Face::Contact, route);
    let dial = outputs(bo).into_iter().find_map(|it| match it {
        Output::Dial { dial, .. } => Some(dial),
        _ => None,
    });
    let connected = Connected {
        conn: ConnId(1),
        dial: Some(dial.expect("he knows where to dial")),
        face: Face::Contact,
        local: device(BO_DEVICE),
        remote,
        observed: None,
    };
    bo.handle_connected(NOW, connected, EXPORTER);
    outputs(bo)
}

/// The frames that begin with these bytes.
fn frames(mut bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let Some((header, rest)) = bytes.split_first_chunk::<FRAME_HEADER_BYTES>() {
        let (body, rest) = rest.split_at(u32::from_be_bytes(*header) as usize);
        frames.push(Frame::read(body).expect("whole"));
        bytes = rest;
    }
    frames
}

/// Whether the other side was answered as a stranger is, and with nothing else.
fn is_strangers(outputs: &[Output], on: u64) -> bool {
    matches!(
        frames(&said(outputs, on)).as_slice(),
        [Frame::Hello(_), Frame::Stranger]
    )
}

/// What is said on a connection.
fn said(outputs: &[Output], on: u64) -> Vec<u8> {
    let sent = outputs.iter().filter_map(|it| match it {
        Output::Send { conn, bytes } if *conn == ConnId(on) => Some(bytes.as_slice()),
        _ => None,
    });
    sent.collect::<Vec<_>>().concat()
}

/// What Ada does when `from` connects, with whom she shares this exporter, and says this.
fn heard(
    ada: &mut Peer,
    conn: u64,
    from: DeviceKey,
    exporter: [u8; 32],
    bytes: &[u8],
) -> Vec<Output> {
    heard_at(ada, NOW, (conn, from, exporter), bytes)
}

fn heard_at(
    ada: &mut Peer,
    now: Time,
    (conn, from, exporter): (u64, DeviceKey, [u8; 32]),
    bytes: &[u8],
) -> Vec<Output> {
    let connected = Connected {
        conn: ConnId(conn),
        dial: None,
        face: Face::Contact,
        local: device(ADA_DEVICE),
        remote: from,
        observed: None,
    };
    ada.handle_connected(now, connected, exporter);
    ada.handle_bytes(now, ConnId(conn), bytes);
    outputs(ada)
}

/// Whether somebody is known on a session that stands now.
fn is_known(outputs: &[Output]) -> bool {
    let mut up = outputs.iter().filter_map(|it| match it {
        Output::Event(Event::Up(session)) => Some(session.peer.is_some()),
        _ => None,
    });
    up.any(|is_known| is_known)
}

/// Nothing that came before has used up the invite: Bo himself comes in by it.
fn still_opens(ada: &mut Peer, bo: &Peer, bytes: &[u8]) {
    assert!(is_known(&heard(
        ada,
        1_000_000,
        device(BO_DEVICE),
        EXPORTER,
        bytes
    )));
    let contact = ada.book().contact(&bo.me());
    assert_eq!(contact.map(|it| it.state), Some(ContactState::Confirmed));
}

/// The parts of what was said first: the hello as it is sent, and the introduction.
fn parts(bytes: &[u8]) -> (Vec<u8>, Introduction) {
    match <[Frame; 2]>::try_from(frames(bytes)) {
        Ok([hello, Frame::Introduce(introduction)]) => (hello.framed(), introduction),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_hello_that_is_cut_short_anywhere_opens_nothing() {
    let (mut ada, bo, bytes) = genuine();
    for end in 0..bytes.len() {
        let conn = u64::try_from(end).expect("short") + 1;
        let done = heard(&mut ada, conn, device(BO_DEVICE), EXPORTER, &bytes[..end]);
        let shown = frames(&said(&done, conn));
        let is_hello = |frame: &Frame| matches!(frame, Frame::Hello(_));
        assert!(shown.iter().all(is_hello), "{shown:?} after {end} bytes");
        assert!(!is_known(&done));
        ada.handle_timeout(NOW + HELLO_WITHIN);
        let late = outputs(&mut ada).into_iter().any(|it| match it {
            Output::Close { conn: of, code, .. } => of == ConnId(conn) && code == CloseCode::Late,
            _ => false,
        });
        assert!(late, "it is not waited for after {end} bytes");
        assert!(ada.book().contact(&bo.me()).is_none());
    }
    still_opens(&mut ada, &bo, &bytes);
}

#[test]
fn a_hello_that_is_forged_in_any_byte_is_a_strangers() {
    let (mut ada, bo, bytes) = genuine();
    let (hello, shown) = parts(&bytes);
    let binding = shown.binding.clone().expect("Bo says who he is");
    let proof = shown.proof.clone().expect("and shows the invite");
    let mut forged = Vec::new();
    // The device's own signature, at the end, tells others what this device says by itself.
    for at in 0..peers_part(&binding) {
        let mut binding = binding.clone();
        binding[at] ^= 1;
        forged.push(Introduction {
            binding: Some(binding),
            ..shown.clone()
        });
    }
    // When it was accepted, at the end, is what Bo says of himself.
    let time = size_of::<u64>();
    for at in 0..proof.len() - time {
        let mut proof = proof.clone();
        proof[at] ^= 1;
        forged.push(Introduction {
            proof: Some(proof),
            ..shown.clone()
        });
    }
    for (conn, introduction) in (1..).zip(forged) {
        let bytes = [hello.clone(), Frame::Introduce(introduction).framed()].concat();
        let done = heard(&mut ada, conn, device(BO_DEVICE), EXPORTER, &bytes);
        assert!(!is_known(&done), "the {conn}th is believed");
        assert!(is_strangers(&done, conn));
        assert!(ada.book().contact(&bo.me()).is_none());
    }
    still_opens(&mut ada, &bo, &bytes);
}

#[test]
fn a_hello_that_is_replayed_is_a_strangers() {
    let (mut ada, bo, bytes) = genuine();
    let enemy = secret(66).device_key();
    // By another device; and, as only Bo's own could, on another connection.
    for (conn, from, exporter) in [
        (1, enemy, EXPORTER),
        (2, enemy, [8; 32]),
        (3, device(BO_DEVICE), [8; 32]),
    ] {
        let done = heard(&mut ada, conn, from, exporter, &bytes);
        assert!(!is_known(&done), "the {conn}th is believed");
        assert!(is_strangers(&done, conn));
        assert!(ada.book().contact(&bo.me()).is_none());
    }
    still_opens(&mut ada, &bo, &bytes);
    // Nor is it of use to anybody else when he is a contact.
    let done = heard(&mut ada, 4, enemy, EXPORTER, &bytes);
    assert!(!is_known(&done));
    assert!(is_strangers(&done, 4));
}

/// What of a binding is signed by the peer, and the peer's signature: all but the device's, at the end.
fn peers_part(binding: &[u8]) -> usize {
    binding.len() - size_of::<Signature>()
}

#[test]
fn what_stands_on_a_card_is_believed_while_it_is_valid_and_of_its_device_alone() {
    let (mut ada, mut bo, bytes) = genuine();
    still_opens(&mut ada, &bo, &bytes);
    let (hello, shown) = parts(&bytes);
    let binding = shown.binding.expect("Bo says who he is");
    let route = Route::new(device(BO_DEVICE));
    let card = Card::new(binding.clone(), route, None, &[]);
    ada.learn_card(bo.me(), card, Source::Session);
    outputs(&mut ada);
    let says = |binding: &[u8]| {
        let introduction = Introduction {
            binding: Some(binding.to_vec()),
            ..Introduction::default()
        };
        [hello.clone(), Frame::Introduce(introduction).framed()].concat()
    };
    let mut conn = 0;
    let mut is_believed = |now, from, binding: &[u8]| {
        conn += 1;
        let done = heard_at(&mut ada, now, (conn, from, EXPORTER), &says(binding));
        let is_known = is_known(&done);
        assert_ne!(is_known, is_strangers(&done, conn));
        is_known
    };
    let here = device(BO_DEVICE);
    assert!(is_believed(NOW, here, &binding));
    assert!(!is_believed(NOW, device(66), &binding), "another device's");
    for at in 0..peers_part(&binding) {
        let mut forged = binding.clone();
        forged[at] ^= 1;
        assert!(!is_believed(NOW, here, &forged), "byte {at}");
    }
    assert!(!is_believed(NOW + 90 * DAY, here, &binding), "expired");
    let later = NOW + HELLO_WITHIN;
    bo.handle_device(later, Face::Contact, secret(77));
    let newer = bo.faces.binding(device(77)).expect("bound").to_vec();
    assert!(is_believed(later, device(77), &newer));
    assert!(!is_believed(later, here, &binding), "revoked by its epoch");
}

#[test]
fn nothing_is_said_to_a_device_of_an_invite_before_it_has_proven_whose_it_is() {
    // Anybody may write Ada's PeerId into an invite and a device of their own.
    let (ada, mut bo) = (node(1), node(2));
    let mut forged = invite(&mut node(3), NOW);
    forged.peer = ada.me();
    let after = add(&mut bo, &forged, device(104));
    assert!(!said(&after, 1).is_empty(), "he introduces himself");
    let is_ready = |it: &Output| {
        matches!(
            it,
            Output::Prefer { .. } | Output::Event(Event::Reached { .. } | Event::Up(_))
        )
    };
    assert!(!after.iter().any(is_ready), "{after:?}");
}

#[test]
fn what_a_device_of_an_invite_says_without_proof_is_not_the_word_of_somebody_known() {
    let (mut ada, mut bo, bytes) = genuine();
    let (hello, _) = parts(&bytes);
    let from = device(BO_DEVICE);
    let welcome = said(&heard(&mut ada, 1, from, EXPORTER, &bytes), 1);
    bo.handle_bytes(NOW, ConnId(1), &welcome);
    assert!(is_known(&outputs(&mut bo)), "they have met");
    bo.handle_closed(NOW, ConnId(1), None);
    outputs(&mut bo);

    let mut forged = invite(&mut node(3), NOW);
    forged.peer = ada.me();
    let conn = ConnId(2);
    bo.accept_invite(NOW, &forged, None).expect("a good one");
    let remote = device(104);
    let route = Route {
        addresses: vec![([10, 0, 0, 2], 4433).into()],
        ..Route::new(remote)
    };
    bo.handle_open(NOW, Target::Peer(ada.me()));
    bo.handle_route_found(NOW, ada.me(), Face::Contact, route);
    let dial = outputs(&mut bo).into_iter().find_map(|it| match it {
        Output::Dial { dial, route, .. } if route.device == remote => Some(dial),
        _ => None,
    });
    let connected = Connected {
        conn,
        dial: Some(dial.expect("it is where she may be")),
        face: Face::Contact,
        local: device(BO_DEVICE),
        remote,
        observed: None,
    };
    bo.handle_connected(NOW, connected, EXPORTER);
    let stranger = [hello.clone(), Frame::Stranger.framed()].concat();
    bo.handle_bytes(NOW, conn, &stranger);
    bo.handle_timeout(NOW + REFUSED_WITHIN);
    let reasons = outputs(&mut bo).into_iter().find_map(|it| match it {
        Output::Event(Event::Unreachable { reason, .. }) => Some(reason),
        _ => None,
    });
    assert_eq!(reasons, Some(UnreachableReason::NotThem));
    assert_eq!(bo.regard(ada.me()), None, "she has said nothing");
}
