//! People who know each other, on this machine: what most tests begin with.

use std::net::SocketAddr;
use std::time::Duration;

use kith::core::identity::Invite;
use kith::core::ids::PeerId;
use kith::core::peer::InviteOptions;
use kith::{Node, NodeBuilder};

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A node that listens on this machine alone.
pub(crate) fn loopback() -> NodeBuilder {
    let address: SocketAddr = ([127, 0, 0, 1], 0).into();
    Node::builder()
        .bind([address])
        .lan(None)
        .port_mapping(false)
}

/// Starts a node, with the logs that `RUST_LOG` asks for.
pub(crate) async fn spawn(builder: NodeBuilder) -> Node {
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_test_writer()
        .try_init();
    builder.spawn().await.expect("loopback can be bound")
}

/// Two nodes that have each other as contacts, and a session.
pub(crate) async fn two() -> (Node, Node) {
    let alice = spawn(loopback().name("Alice")).await;
    let bob = spawn(loopback().name("Bob")).await;
    befriend(&alice, &bob).await;
    (alice, bob)
}

/// Makes two nodes contacts of each other.
pub(crate) async fn befriend(maker: &Node, other: &Node) {
    let invite = invite(maker, false).await;
    let added = other.address_book().add(invite, None).await;
    added.expect("a good invite");
    knows(maker, other.peer_id()).await;
    let mut pinger = other.pinger(maker.peer_id());
    within("a pong", pinger.ping()).await.expect("a pong");
    for (node, friend) in [(maker, other.peer_id()), (other, maker.peer_id())] {
        stands(node, friend).await;
    }
}

/// Waits until a session of `node` with `peer` stands. The opening side may use it a moment earlier.
pub(crate) async fn stands(node: &Node, peer: PeerId) {
    let stands = async {
        let ours = |session: &kith::peer::SessionInfo| session.peer == Some(peer);
        while !node.sessions().iter().any(ours) {
            tokio::task::yield_now().await;
        }
    };
    within("a session", stands).await;
}

/// An invite that carries its maker's addresses.
pub(crate) async fn invite(node: &Node, reusable: bool) -> Invite {
    let options = InviteOptions {
        reusable,
        life: Duration::from_secs(3600),
        with_addresses: true,
    };
    let book = node.address_book();
    let made = async {
        loop {
            let invite = book.invite(options).await.expect("makes invites");
            if invite.contact.is_some() {
                return invite;
            }
            // An endpoint knows its addresses a moment after it is bound.
            book.withdraw(invite.id()).await.expect("running");
            tokio::task::yield_now().await;
        }
    };
    within("addresses", made).await
}

/// Waits until `node` has `peer` in its book.
pub(crate) async fn knows(node: &Node, peer: PeerId) {
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
    within("the contact", known).await;
}

/// Waits until no stream is open.
pub(crate) async fn all_ended(node: &Node) {
    let ended = async {
        while node.sessions().iter().any(|session| session.streams > 0) {
            tokio::task::yield_now().await;
        }
    };
    within("the end of all streams", ended).await;
}

/// Waits for something, but not for ever.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: not within {PATIENCE:?}"),
    }
}
