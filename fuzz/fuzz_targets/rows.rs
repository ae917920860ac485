//! The rows a node kept, as its database hands them back: whatever is in them, the node starts or says why not. Behind it
//! stand the decoders of no other use: `peer::life::Life`, `peer::lines::Known`, `peer::seen::Seen`,
//! `identity::store::GivenEpoch`, `identity::store::Latest`.
#![no_main]

use kith_core::crypto::{Ed25519, SecretKey};
use kith_core::peer::{Config, Peer};
use kith_core::row::Row;
use kith_core::time::Time;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|rows: Vec<(u8, Vec<u8>, Option<Vec<u8>>)>| {
    let kinds = Peer::<Ed25519>::kinds();
    let rows = rows.into_iter().map(|(kind, key, value)| Row {
        kind: kinds[usize::from(kind) % kinds.len()],
        key,
        value,
    });
    let identity = SecretKey::from_bytes([7; 32]);
    let _ = Peer::new(
        Config::new("fuzz".to_owned()),
        Ed25519,
        identity,
        rows.collect(),
        [1; 32],
        Time(1),
    );
});
