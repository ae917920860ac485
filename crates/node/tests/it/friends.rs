//! People who know each other, on this machine: what most tests begin with.

use kith::core::ids::PeerId;
use kith::peer::SessionInfo;
use kith::testing::local_node;
use kith::{Node, NodeBuilder};

use crate::waiting::{a_moment, soon};

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
    let alice = spawn(local_node().name("Alice")).await;
    let bob = spawn(local_node().name("Bob")).await;
    befriend(&alice, &bob).await;
    (alice, bob)
}

/// Makes two nodes contacts of each other, with a session that stands on both sides.
pub(crate) async fn befriend(maker: &Node, other: &Node) {
    let met = kith::testing::befriend(maker, other).await;
    met.expect("they meet");
    stands(maker, other.peer_id()).await;
    stands(other, maker.peer_id()).await;
}

/// Waits until a session of `node` with `peer` stands. The opening side may use it a moment earlier.
pub(crate) async fn stands(node: &Node, peer: PeerId) {
    let stands = async {
        let ours = |session: &SessionInfo| session.peer == Some(peer);
        while !node.sessions().iter().any(ours) {
            a_moment().await;
        }
    };
    soon("a session", stands).await;
}

/// Waits until no stream is open.
pub(crate) async fn all_ended(node: &Node) {
    let ended = async {
        while node.sessions().iter().any(|session| session.streams > 0) {
            a_moment().await;
        }
    };
    soon("the end of all streams", ended).await;
}
