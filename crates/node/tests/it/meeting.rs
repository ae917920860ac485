//! Two people meet and reach each other, over real sockets of this machine.

use std::net::SocketAddr;
use std::time::Duration;

use crate::waiting::{a_moment, soon};
use kith::core::ids::PeerId;
use kith::core::peer::InviteOptions;
use kith::peer::Event;
use kith::{Node, NodeBuilder};
use tokio::sync::broadcast;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn loopback() -> NodeBuilder {
    let address: SocketAddr = ([127, 0, 0, 1], 0).into();
    Node::builder()
        .bind([address])
        .lan(None)
        .port_mapping(false)
}

async fn spawn(name: &str) -> Node {
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .try_init();
    loopback()
        .name(name)
        .spawn()
        .await
        .expect("loopback can be bound")
}

/// Waits until `node` has `peer` in its book.
async fn knows(node: &Node, peer: PeerId) {
    let mut events = node.events();
    let known = async {
        loop {
            let contacts = node.address_book().contacts().await.expect("running");
            if contacts.iter().any(|contact| contact.peer == peer) {
                return;
            }
            events.recv().await.expect("running");
        }
    };
    tokio::time::timeout(PATIENCE, known)
        .await
        .expect("the invite arrives");
}

async fn invite(node: &Node, reusable: bool) -> kith::core::identity::Invite {
    let life = Duration::from_secs(3600);
    let options = InviteOptions {
        reusable,
        life,
        with_addresses: true,
    };
    // An endpoint knows its addresses a moment after it is bound.
    let made = async {
        loop {
            let invite = node
                .address_book()
                .invite(options)
                .await
                .expect("makes invites");
            if invite.contact.is_some() {
                return invite;
            }
            node.address_book()
                .withdraw(invite.id())
                .await
                .expect("running");
            a_moment().await;
        }
    };
    tokio::time::timeout(PATIENCE, made)
        .await
        .expect("addresses are found")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_makes_two_people_contacts_who_reach_each_other() {
    let (alice, bob) = (spawn("Alice").await, spawn("Bob").await);
    let invite = invite(&alice, false).await;
    let added = bob
        .address_book()
        .add(invite, None)
        .await
        .expect("a good invite");
    assert_eq!(added.peer, alice.peer_id());
    assert_eq!(added.petname.as_str(), "Alice");
    knows(&alice, bob.peer_id()).await;
    let there = bob
        .pinger(alice.peer_id())
        .ping()
        .await
        .expect("Alice answers");
    assert!(there.round_trip < PATIENCE);
    let back = alice
        .pinger(bob.peer_id())
        .ping()
        .await
        .expect("Bob answers");
    assert!(back.path.is_some());
    bob.shutdown().await;
    alice.shutdown().await;
}

/// Waits until a session with `peer` stands.
async fn stands(events: &mut broadcast::Receiver<Event>, peer: PeerId) {
    let stands = async {
        while !matches!(
            events.recv().await.expect("running"),
            Event::Up(session) if session.peer == Some(peer)
        ) {}
    };
    soon("a session", stands).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_of_a_live_comparison_see_the_same_four_words() {
    let (alice, bob) = (spawn("Alice").await, spawn("Bob").await);
    let invite = invite(&alice, false).await;
    let (mut heard_by_alice, mut heard_by_bob) = (alice.events(), bob.events());
    bob.address_book()
        .add(invite, None)
        .await
        .expect("a good invite");
    bob.pinger(alice.peer_id())
        .ping()
        .await
        .expect("Alice answers");
    // A ping goes there and back before either side knows who the other is.
    stands(&mut heard_by_alice, bob.peer_id()).await;
    stands(&mut heard_by_bob, alice.peer_id()).await;
    let (book_a, book_b) = (alice.address_book(), bob.address_book());
    for _ in 0..2 {
        let (from_a, from_b) = tokio::join!(
            book_a.compare_words(bob.peer_id()),
            book_b.compare_words(alice.peer_id())
        );
        let words = from_a.expect("nobody is between");
        assert_eq!(words.split_whitespace().count(), 4);
        assert_eq!(words, from_b.expect("nobody is between"));
    }
    let (lost, ()) = soon("the end", async {
        tokio::join!(book_a.compare_words(bob.peer_id()), bob.shutdown())
    })
    .await;
    assert!(lost.is_err(), "he went before he began");
    let alone = book_a.compare_words(bob.peer_id()).await;
    assert!(alone.is_err(), "no session, no words");
    alice.shutdown().await;
}

/// Fresh sessions in a row. Where streams could overtake the control stream, one of the first five did.
const FRESH_SESSIONS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn no_stream_of_a_fresh_session_overtakes_its_control_stream() {
    let (alice, bob) = (
        loopback().keep_sessions(false).spawn().await.expect("up"),
        loopback().keep_sessions(false).spawn().await.expect("up"),
    );
    let invite = invite(&alice, false).await;
    bob.address_book()
        .add(invite, None)
        .await
        .expect("a good invite");
    let ping: kith::core::protocol::ProtocolName =
        kith::protocol::ping::PING.parse().expect("a valid name");
    for _ in 0..FRESH_SESSIONS {
        bob.pinger(alice.peer_id())
            .ping()
            .await
            .expect("Alice answers over a fresh session");
        let mut events = bob.events();
        let stream = bob
            .open(alice.peer_id(), std::slice::from_ref(&ping))
            .await
            .expect("the session stands");
        stream.connection().close(0, "the next one");
        drop(stream);
        let alone = async {
            while !bob.sessions().is_empty() {
                events.recv().await.expect("running");
            }
        };
        tokio::time::timeout(PATIENCE, alone)
            .await
            .expect("the session ends");
    }
    bob.shutdown().await;
    alice.shutdown().await;
}
