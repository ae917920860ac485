//! Shares from before heads said whose they are.

use data_encoding::HEXLOWER;
use kith_core::codec;
use kith_core::data::head::Head;
use kith_core::ids::PeerId;

use super::world::World;
use crate::content::Recipients;
use crate::content::store::{self, OWNED_SCHEMA};
use crate::content::unowned::{Signed, Unowned};

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
fn before(head: &Head) -> Vec<u8> {
    let unowned = Unowned {
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
    };
    let golden = HEXLOWER.decode(GOLDEN.as_bytes()).expect("hexadecimal");
    let golden: Signed = codec::decode(&golden).expect("as it was");
    codec::encode(&Signed {
        body: codec::encode(&unowned).into(),
        // Nobody looks at it.
        by_share: golden.by_share,
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
    replace_heads(&world, &before(&shared.head));
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
        let world = World::new();
        world.write("f", b"x");
        world.share(Recipients::Contacts);
        replace_heads(&world, head);
        let world = world.restarted(&[OWNED_SCHEMA]);
        assert!(world.shares.mine().expect("read").is_empty());
        world.share(Recipients::Contacts);
        assert_eq!(world.shares.mine().expect("read").len(), 1);
    }
}
