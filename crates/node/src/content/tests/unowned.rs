//! Shares from before heads said whose they are.

use data_encoding::HEXLOWER;
use kith_core::codec;
use kith_core::crypto::{Ed25519, SecretKey, Signature};
use kith_core::data::head::{Head, SignedHead};
use kith_core::ids::PeerId;
use proptest::prelude::*;

use super::world::World;
use crate::content::Recipients;
use crate::content::store::{self, OWNED_SCHEMA};
use crate::content::unowned::{Signed, Unowned, signed_anew};

/// A head of version 1, as it was written: the share of the key of ones, `holiday`, of an owner who was only nines.
const GOLDEN: &str = "8258828b0158208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c5820090909090909090909090909090909090909090909090909090909090909090903015820070707070707070707070707070707070707070707070707070707070707070767686f6c6964617982008000820a021b000000e8d4a51000584033607b70f44cc2941fde96bcc27688d3ddb7479a338393893badcce1c8c8d790b43959c4d759bf6843a7321216913f01d6c8f71257df609b0a0aae75e6ca1c0b";

#[test]
fn a_head_of_version_1_is_read_and_has_known_bytes() {
    let bytes = HEXLOWER.decode(GOLDEN.as_bytes()).expect("hexadecimal");
    let signed: Signed = codec::decode(&bytes).expect("as it was");
    let head: Unowned = codec::decode(&signed.body).expect("as it was");
    assert_eq!((head.version, head.owner), (1, PeerId([9; 32])));
    assert_eq!((head.name.as_str(), head.sequence), ("holiday", 3));
    assert_eq!((head.totals.bytes, head.totals.files), (10, 2));
    assert_eq!(codec::encode(&head), *signed.body);
    assert_eq!(codec::encode(&signed), bytes);
}

/// What the head of a share was before it said whose it is.
fn before(head: &Head) -> Unowned {
    Unowned {
        version: 1,
        share: head.share,
        owner: head.owner,
        sequence: head.sequence,
        epoch: head.epoch,
        manifest: head.manifest,
        name: head.name.clone(),
        audience: head.audience,
        layout: head.layout,
        totals: head.totals,
        at: head.at,
    }
}

/// How it was kept. Nobody looks at the signature.
fn kept(unowned: &Unowned) -> Vec<u8> {
    codec::encode(&Signed {
        body: codec::encode(unowned).into(),
        by_share: Signature([0; 64]),
    })
}

fn replace_heads(world: &World, head: &[u8]) {
    let replaced = store::run(world.shares.database(), |connection| {
        connection.execute("UPDATE share SET head = ?1", [head])
    });
    assert_eq!(replaced.expect("written"), 1, "it is shared");
}

#[tokio::test]
async fn an_own_share_of_then_is_offered_as_it_was_under_its_link_and_by_our_word() {
    let world = World::new();
    world.write("f", b"x");
    let shared = world.share(Recipients::Link);
    replace_heads(&world, &kept(&before(&shared.head)));
    let world = world.restarted(&[OWNED_SCHEMA]);
    let mine = world.shares.mine().expect("read");
    assert_eq!(mine.len(), 1);
    let mut expected = shared.head.clone();
    expected.sequence += 1;
    assert_eq!(mine[0].head, expected);
    assert_eq!(
        mine[0].link.as_ref().map(|link| link.0),
        shared.link.map(|link| link.0)
    );
    assert_eq!(
        mine[0].roots,
        [world.source().canonicalize().expect("there")]
    );
    let unchanged = world.shares.rescan(&shared.head.share, expected.at);
    assert!(unchanged.expect("read").is_none(), "its files are known");
}

#[test]
fn one_that_is_not_ours_or_damaged_is_shared_no_longer_and_in_nobodys_way() {
    let golden = HEXLOWER.decode(GOLDEN.as_bytes()).expect("hexadecimal");
    for head in [&golden[..], b"damaged"] {
        ensure_shared_no_longer(|_| head.to_vec());
    }
    // Nothing follows the last number there is.
    ensure_shared_no_longer(|head| {
        kept(&Unowned {
            sequence: u64::MAX,
            ..before(head)
        })
    });
}

/// A share whose head is `becomes` when a node starts is none any more, and the same folder is shared anew.
fn ensure_shared_no_longer(becomes: impl Fn(&Head) -> Vec<u8>) {
    let world = World::new();
    world.write("f", b"x");
    let shared = world.share(Recipients::Contacts);
    replace_heads(&world, &becomes(&shared.head));
    let world = world.restarted(&[OWNED_SCHEMA]);
    assert!(world.shares.mine().expect("read").is_empty());
    world.share(Recipients::Contacts);
    assert_eq!(world.shares.mine().expect("read").len(), 1);
}

proptest! {
    #[test]
    fn no_bytes_make_reading_one_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let (secret, owner) = (SecretKey::from_bytes([1; 32]), SecretKey::from_bytes([2; 32]));
        prop_assert_eq!(signed_anew(&bytes, &secret, &owner), None);
    }

    #[test]
    fn a_damaged_one_is_refused_or_signed_anew_as_what_it_says(
        at in 0..1_000_usize, byte: u8, cut in 0..1_000_usize,
    ) {
        let sound = HEXLOWER.decode(GOLDEN.as_bytes()).expect("hexadecimal");
        let (secret, owner) = (SecretKey::from_bytes([1; 32]), SecretKey::from_bytes([2; 32]));
        let signed: Signed = codec::decode(&sound).expect("as it was");
        let mut head: Unowned = codec::decode(&signed.body).expect("as it was");
        (head.share, head.owner) = (secret.share_id(), owner.peer_id());
        let mut damaged = kept(&head);
        let (at, cut) = (at % damaged.len(), cut % damaged.len());
        prop_assert_eq!(signed_anew(&damaged[..cut], &secret, &owner), None);
        damaged[at] = byte;
        if let Some(anew) = signed_anew(&damaged, &secret, &owner) {
            let signed: SignedHead = codec::decode(&anew).expect("a signed head");
            let read: Signed = codec::decode(&damaged).expect("it was read");
            let old: Unowned = codec::decode(&read.body).expect("it was read");
            let head = signed.verify(&Ed25519, old.at).expect("a sound one");
            prop_assert_eq!((head.sequence, head.name), (old.sequence + 1, old.name));
        }
    }
}
