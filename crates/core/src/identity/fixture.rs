//! What the tests of this room share: keys, introducers, invites and books that follow from small numbers.

use crate::address::Route;
use crate::crypto::{Ed25519, SecretKey};
use crate::ids::{DeviceKey, InviteId, PeerId, TlsPin};
use crate::introducer::{Introducer, Ports, Trust};
use crate::row::Row;
use crate::time::{DAY, Time};

use super::admission::{Admission, InviteTerms, RedeemError, Shown};
use super::config::BookConfig;
use super::invite::{Hints, Invite, InviteSecret};
use super::outputs::{Event, Output};
use super::reach::ReachSecret;
use super::state::Book;

/// When the tests take place.
pub(super) const NOW: Time = Time(1_800_000_000_000);

pub(super) fn key(number: u8) -> SecretKey {
    SecretKey::from_bytes([number; 32])
}

pub(super) fn introducer(number: u8) -> Introducer {
    let ports = Ports {
        tcp: 7118,
        udp: 7119,
        discovery: 7120,
    };
    let address = [203, 0, 113, number].into();
    let trust = Trust::Pin(TlsPin([number; 32]));
    Introducer::new(DeviceKey([number; 32]), vec![address], ports, trust)
}

/// An invite by the peer with key `maker`.
pub(super) fn invite(maker: u8, secret: u8) -> Invite {
    let hints = Hints {
        name: "Ada".into(),
        public: None,
        contact: Some(Route {
            addresses: vec![([192, 0, 2, 1], 4433).into()],
            ..Route::new(DeviceKey([maker; 32]))
        }),
        introducers: vec![introducer(1)],
    };
    let secret = InviteSecret::from_bytes([secret; 32]);
    Invite::new(
        key(maker).peer_id(),
        secret,
        NOW,
        NOW + 7 * DAY,
        false,
        hints,
    )
}

pub(super) fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// What every test session exports.
pub(super) const SESSION: [u8; 32] = [5; 32];

/// The book of the peer with key `number`.
pub(super) fn book(number: u8) -> Book<Ed25519> {
    bounded_book(number, BookConfig::default())
}

pub(super) fn bounded_book(number: u8, config: BookConfig) -> Book<Ed25519> {
    Book::new(config, Ed25519, [number; 32], key(number))
}

pub(super) fn terms(reusable: bool) -> InviteTerms {
    InviteTerms {
        reusable,
        life: 7 * DAY,
        hints: Hints {
            name: "Ada".into(),
            introducers: vec![introducer(1)],
            ..Hints::default()
        },
    }
}

/// A single-use or reusable invite out of `book`, made at `now`.
pub(super) fn made(book: &mut Book<Ed25519>, now: Time, reusable: bool) -> Invite {
    book.create_invite(now, terms(reusable)).expect("room")
}

/// The peer with key `number` shows `invite` to its maker in a session, accepted when it was made.
pub(super) fn show(
    maker: &mut Book<Ed25519>,
    now: Time,
    invite: &Invite,
    number: u8,
) -> Result<Admission, RedeemError> {
    let peer = key(number).peer_id();
    let proof = invite.proof(&SESSION, &peer);
    let shown = Shown {
        invite: &invite.id(),
        proof: &proof,
        at: None,
        exporter: &SESSION,
        name: "Bo",
    };
    maker.redeem(now, peer, &shown)
}

/// A session between two: whatever invite of `maker` waits is shown and answered.
pub(super) fn talk(accepter: &mut Book<Ed25519>, maker: &mut Book<Ed25519>, now: Time) {
    while let Some((invite, is_taken)) = say(accepter, maker, now) {
        hear(accepter, maker.me, &invite, is_taken);
    }
}

/// An invite that waits is shown; which, and whether it is taken.
pub(super) fn say(
    accepter: &mut Book<Ed25519>,
    maker: &mut Book<Ed25519>,
    now: Time,
) -> Option<(InviteId, bool)> {
    let accepted = accepter.accepted(&maker.me)?.clone();
    let shown = Shown {
        invite: &accepted.invite.id(),
        proof: &accepted.invite.proof(&SESSION, &accepter.me),
        at: Some(accepted.at),
        exporter: &SESSION,
        name: "",
    };
    let admission = maker.redeem(now, accepter.me, &shown);
    Some((accepted.invite.id(), admission.is_ok()))
}

/// The answer arrives.
pub(super) fn hear(accepter: &mut Book<Ed25519>, maker: PeerId, invite: &InviteId, is_taken: bool) {
    match is_taken {
        true => accepter.mark_taken(&maker, invite),
        false => accepter.give_up_invite(&maker, invite),
    }
}

/// What the book asked for since the last call: its rows, and its events.
pub(super) fn drain(book: &mut Book<Ed25519>) -> (Vec<Row>, Vec<Event>) {
    let (mut rows, mut events) = (Vec::new(), Vec::new());
    while let Some(output) = book.poll_output() {
        match output {
            Output::Store(row) => rows.push(row),
            Output::Event(event) => events.push(event),
        }
    }
    (rows, events)
}

/// The book as it comes back from its rows.
pub(super) fn restored(book: &Book<Ed25519>) -> Book<Ed25519> {
    let secret = book.secret.clone();
    Book::restore(book.config, Ed25519, [99; 32], secret, book.rows()).expect("our own rows")
}

/// What `book` shares with the peer with key `number`.
pub(super) fn reach(book: &Book<Ed25519>, number: u8) -> Option<ReachSecret> {
    let contact = book.contact(&key(number).peer_id())?;
    contact.reach.as_ref().map(|reach| reach.secret.clone())
}

/// Two books, of keys 1 and 2, that have each other.
pub(super) fn friends() -> (Book<Ed25519>, Book<Ed25519>) {
    let (mut ada, mut bo) = (book(1), book(2));
    let invite = made(&mut ada, NOW, false);
    bo.accept_invite(NOW, &invite, None)
        .expect("a fresh invite");
    show(&mut ada, NOW, &invite, 2).expect("a fresh invite");
    bo.mark_mutual(&key(1).peer_id());
    drain(&mut ada);
    drain(&mut bo);
    (ada, bo)
}
