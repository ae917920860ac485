//! Two nodes that look for each other at the same time, and one that comes back.

use super::*;
use crate::waiting::a_moment;
use kith::core::identity::Invite;

async fn invite(node: &Node) -> Invite {
    let life = Duration::from_secs(3600);
    node.address_book()
        .invite_one(life)
        .await
        .expect("an invite")
}

async fn add(node: &Node, invite: Invite) {
    node.address_book()
        .add(invite, None)
        .await
        .expect("a good invite");
}

async fn ping(node: &Node, to: &Node) {
    soon("a pong", node.pinger(to.peer_id()).ping())
        .await
        .expect("a pong");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_dial_at_once_and_one_connection_stays() {
    for _ in 0..20 {
        let (alice, bob) = (spawn(local_node()).await, spawn(local_node()).await);
        let (from_alice, from_bob) = (invite(&alice).await, invite(&bob).await);
        tokio::join!(add(&alice, from_bob), add(&bob, from_alice));
        tokio::join!(ping(&alice, &bob), ping(&bob, &alice));
        let one_each = async {
            while alice.sessions().len() != 1 || bob.sessions().len() != 1 {
                a_moment().await;
            }
        };
        soon("one connection on each side", one_each).await;
        tokio::join!(ping(&alice, &bob), ping(&bob, &alice));
        // A dial that was still under way may have added a second one for a moment.
        let settled = async {
            loop {
                let (a, b) = (alice.sessions(), bob.sessions());
                if let ([a], [b]) = (&a[..], &b[..]) {
                    return (a.peer, b.peer);
                }
                a_moment().await;
            }
        };
        let (a, b) = soon("one connection on each side again", settled).await;
        assert_eq!((a, b), (Some(bob.peer_id()), Some(alice.peer_id())));
        tokio::join!(alice.shutdown(), bob.shutdown());
    }
}

/// The contact face has another key after each start. Who comes back knows where the other was, and calls.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_comes_back_is_met_again() {
    let place = tempfile::tempdir().expect("a place");
    let alice_again = || spawn(local_node().data_dir(place.path()).name("Alice"));
    let alice = alice_again().await;
    let bob = spawn(local_node().name("Bob")).await;
    let (from_alice, from_bob) = (invite(&alice).await, invite(&bob).await);
    tokio::join!(add(&alice, from_bob), add(&bob, from_alice));
    stands(&bob, alice.peer_id()).await;
    let mut devices = vec![alice.devices().await.expect("running")];
    alice.shutdown().await;
    drop(alice);
    for _ in 0..2 {
        let alice = alice_again().await;
        devices.push(alice.devices().await.expect("running"));
        stands(&alice, bob.peer_id()).await;
        ping(&bob, &alice).await;
        assert_eq!(bob.sessions().len(), 1, "none is left of the time before");
        alice.shutdown().await;
    }
    let contact = |keys: &Vec<(kith::core::ids::Face, _)>| {
        let contact = keys
            .iter()
            .find(|(face, _)| *face == kith::core::ids::Face::Contact);
        contact.expect("a contact face").1
    };
    let keys: std::collections::BTreeSet<_> = devices.iter().map(contact).collect();
    assert_eq!(keys.len(), 3, "another key each time");
}
