//! A sealed reply, as an introducer hands it over: nothing opens that was not sealed with the secret of the invite.
#![no_main]

use kith_core::crypto::{Ed25519, SecretKey};
use kith_core::identity::reply::SealedReply;
use kith_core::identity::{Hints, Invite, InviteSecret, open_reply};
use kith_core::time::Time;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    kith_fuzz::check_wire::<SealedReply>(bytes);
    let maker = SecretKey::from_bytes([7; 32]);
    let secret = InviteSecret::from_bytes([8; 32]);
    let (made, expires) = (Time(1), Time(2));
    let invite = Invite::new(
        maker.peer_id(),
        secret,
        made,
        expires,
        false,
        Hints::default(),
    );
    assert!(open_reply(&Ed25519, &maker, &invite, bytes).is_err());
});
