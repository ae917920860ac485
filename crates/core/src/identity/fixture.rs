//! What the tests of this room share: keys, introducers and invites that follow from small numbers.

use crate::address::Route;
use crate::crypto::SecretKey;
use crate::ids::{DeviceKey, TlsPin};
use crate::introducer::{Introducer, Ports, Trust};
use crate::time::{DAY, Time};

use super::invite::{Hints, Invite, InviteSecret};

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
