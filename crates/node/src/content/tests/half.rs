//! What is being fetched is provided as far as it is here, by the rules of the copy that it becomes.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use kith_core::content::access::{Asker, Relation};
use kith_core::content::grant::SignedGrant;
use kith_core::content::swarm::Tiling;
use kith_core::crypto::{Ed25519, SecretKey};
use kith_core::ids::{PeerId, ShareId};
use tokio::sync::watch;

use super::copies::carol;
use super::meanwhile::{SOME_BYTES, begun, carols, fetch, giving, keep};
use super::world::{Fault, Gate, NOW, World, bytes, snapshot};
use crate::content::{Credential, Get, GetError, Got, Recipients, Said, Talk};

/// Enough that it takes a while at the rates below.
const BIG_BYTES: usize = 4 << 20;

/// What Bob gives in a second, in bytes: less than Alice, so that he has all of it long before who gets it from him.
const BOBS_RATE: u64 = 3 << 19;

/// Alice, who shares a tree with something large in it; and Bob, who has nothing and knows nobody.
fn alice_and_bob() -> (World, World, ShareId) {
    let bob = SecretKey::from_bytes([2; 32]);
    let mut alice = World::new();
    alice.asker = Asker {
        peer: Some(bob.peer_id()),
        relation: Relation::Contact,
    };
    for number in 0..40u16 {
        let size = 1000 * usize::from(number);
        alice.write(&format!("small/{number}"), &bytes(number.into(), size));
    }
    alice.write("big", &bytes(1, BIG_BYTES));
    let share = alice.share(Recipients::Contacts).head.share;
    let mut bob = World::of(bob);
    bob.asker = Asker::STRANGER;
    bob.rate = Some(BOBS_RATE);
    (alice, bob, share)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_stream_gives_what_arrives_and_then_what_is_there() {
    let (mut alice, mut bob, share) = alice_and_bob();
    let half = BIG_BYTES as u64 / 2;
    // He gets the rest when she has some of what he has, and she when his copy is there.
    let (she_has_some, gate) = Gate::behind(half);
    alice.gate = Some(gate);
    let has_some = Arc::new(move || {
        she_has_some.send_replace(true);
    });
    bob.fault = Fault::At(SOME_BYTES, has_some);
    let (copy_is_there, gate) = Gate::behind(half);
    bob.gate = Some(gate);
    let request = giving(alice.request(share), &bob);
    let his = async {
        let got = fetch(&alice, &request, |_| {}).await.expect("fetched");
        keep(&alice, &bob, &got).await;
        drop(got);
        copy_is_there.send_replace(true);
    };
    let hers = async {
        begun(&request).await;
        // Her one stream is all she has: where it ended, so would this.
        bob.get(carols(bob.request(share), &bob))
            .await
            .expect("fetched")
    };
    let ((), got) = tokio::join!(his, hers);
    assert!(snapshot(&got.target) == snapshot(&alice.source()));
    assert_eq!(
        got.head.manifest,
        alice.head(&request).await.expect("there").head.manifest
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_gives_up_says_so_and_has_not_lied() {
    let (alice, bob, share) = alice_and_bob();
    let request = giving(alice.request(share), &bob);
    let (told, mut has) = watch::channel(0);
    let his = fetch(&alice, &request, |progress| {
        told.send_replace(progress.bytes);
    });
    let his = async {
        tokio::select! {
            got = his => panic!("not so fast: {got:?}"),
            _ = has.wait_for(|has| *has > BIG_BYTES as u64 / 2) => {}
        }
    };
    let hers = async {
        begun(&request).await;
        bob.get(carols(bob.request(share), &bob)).await
    };
    let ((), hers) = tokio::join!(his, hers);
    let error = hers.expect_err("he has only half of it");
    assert!(matches!(error, GetError::Gone), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_damaged_on_the_disk_is_not_given() {
    let (alice, bob, share) = alice_and_bob();
    let request = giving(alice.request(share), &bob);
    let staged = request.staged.clone();
    let (told, mut has) = watch::channel(0);
    let his = fetch(&alice, &request, |progress| {
        told.send_replace(progress.bytes);
    });
    let damaged = async {
        let all = has.wait_for(|has| *has > BIG_BYTES as u64 / 2).await;
        all.expect("it comes");
        let file = staged.folder().expect("told").join("tree/big");
        let file = fs::File::options().write(true).open(file).expect("there");
        file.write_all_at(&vec![0; BIG_BYTES], 0).expect("written");
        bob.get(carols(bob.request(share), &bob)).await
    };
    // When he has all of it he does not become a copy.
    let (_, hers) = tokio::join!(async { drop(his.await) }, damaged);
    let error = hers.expect_err("it is not what it was");
    assert!(matches!(error, GetError::Gone), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_have_the_copy_gets_nothing_before() {
    let (alice, mut bob, share) = alice_and_bob();
    let request = giving(alice.request(share), &bob);
    let blocked = BTreeSet::from([PeerId([77; 32])]);
    bob.shares.others().set_blocked(blocked);
    let his = fetch(&alice, &request, |_| {});
    let his = async { his.await.expect("fetched") };
    let hers = async {
        begun(&request).await;
        for relation in [Relation::Stranger, Relation::Pending, Relation::Contact] {
            bob.asker = Asker {
                peer: Some(PeerId([9; 32])),
                relation,
            };
            let refused = bob.get(bob.request(share)).await;
            assert!(matches!(refused, Err(GetError::NotFound)), "{refused:?}");
        }
        bob.asker = Asker::STRANGER;
        let other = SecretKey::from_bytes([8; 32]);
        let forged = SignedGrant::sign(&Ed25519, &other, share, carol().peer_id(), 1, NOW);
        let credential = Credential::Grant {
            grant: forged,
            holder: carol(),
        };
        let refused = bob
            .get(Get {
                credential,
                ..carols(bob.request(share), &bob)
            })
            .await;
        assert!(matches!(refused, Err(GetError::NotFound)), "{refused:?}");
        bob.shares.others().set_provides(false);
        let refused = bob.get(carols(bob.request(share), &bob)).await;
        assert!(matches!(refused, Err(GetError::NotFound)), "{refused:?}");
        bob.shares.others().set_provides(true);
        let mut talk = Talk::new(bob.stream());
        let credential = carols(bob.request(share), &bob).credential;
        let said = talk.head(share, &credential).await;
        assert!(matches!(said, Ok(Said::Head(_))));
    };
    tokio::join!(his, hers);
}

/// What Bob holds of a share, of how many chunks.
fn held(bob: &World, got: &Got) -> Option<(u32, u32)> {
    let (head, size) = (&got.head, got.head.totals.bytes);
    let held = bob.shares.held(&(head.share, head.manifest), size);
    let (chunks, _) = held.expect("read")?;
    Some((chunks.count(), Tiling::new(size).count()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_is_here_nothing_is_told() {
    let (alice, bob, share) = alice_and_bob();
    let request = Get {
        providing: None,
        ..giving(alice.request(share), &bob)
    };
    let got = fetch(&alice, &request, |_| {}).await.expect("fetched");
    assert_eq!(held(&bob, &got), None, "it is no copy");
    keep(&alice, &bob, &got).await;
    let (here, all) = held(&bob, &got).expect("a copy");
    assert!(here == all && all > 1, "{here} {all}");
    // Nobody has said so, and it is gone.
    fs::remove_dir_all(&got.target).expect("removed");
    assert_eq!(held(&bob, &got), None);
    assert!(bob.shares.drop_copy(&share).expect("written"));
    assert_eq!(held(&bob, &got), None);
    let (own, _) = held(&alice, &got).expect("her own");
    assert_eq!(own, all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_that_is_given_up_beside_a_copy_withdraws_nothing_of_the_copy() {
    let (mut alice, mut bob, share) = alice_and_bob();
    let first = Get {
        providing: None,
        ..giving(alice.request(share), &bob)
    };
    let got = fetch(&alice, &first, |_| {}).await.expect("fetched");
    keep(&alice, &bob, &got).await;
    // He gets it once more, to another place, of which never all comes; and gives it up when she has some of what he has.
    let (_never_opened, gate) = Gate::behind(BIG_BYTES as u64 / 2);
    alice.gate = Some(gate);
    let (she_has_some, mut has_some) = watch::channel(false);
    let told = Arc::new(move || {
        she_has_some.send_replace(true);
    });
    bob.fault = Fault::At(SOME_BYTES, told);
    let (given_up, gate) = Gate::behind(BIG_BYTES as u64 / 2);
    bob.gate = Some(gate);
    let again = Get {
        out: bob.folder.path().join("again"),
        ..giving(alice.request(share), &bob)
    };
    let his = async {
        tokio::select! {
            got = fetch(&alice, &again, |_| {}) => panic!("it never has all: {got:?}"),
            has = has_some.wait_for(|has| *has) => drop(has.expect("the sender is held")),
        }
        given_up.send_replace(true);
    };
    let hers = async {
        begun(&again).await;
        bob.get(carols(bob.request(share), &bob))
            .await
            .expect("all of the copy")
    };
    let ((), hers) = tokio::join!(his, hers);
    assert!(snapshot(&hers.target) == snapshot(&alice.source()));
}
