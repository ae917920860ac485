//! A kith node on this machine, and how two in different processes meet: by an invite, as people do.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use kith::core::identity::Invite;
use kith::core::ids::{Face, PeerId};
use kith::core::protocol::ProtocolName;
use kith::core::routing::Access;
use kith::{Node, NodeBuilder};

use crate::exchange;

/// How long anything that takes milliseconds may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The life of the invites used here.
const INVITE_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// The protocol of [`exchange`].
const PROTOCOL: &str = "/kith/bench/1";

/// A node to be that stays on this machine.
pub(crate) fn local_node(address: SocketAddr) -> NodeBuilder {
    Node::builder()
        .bind([address])
        .lan(None)
        .port_mapping(false)
}

/// The protocol of [`exchange`], to be opened.
pub(crate) fn protocol() -> ProtocolName {
    PROTOCOL.parse().expect("a valid name")
}

/// Answers every contact's streams.
pub(crate) fn answer(node: &Node) -> anyhow::Result<()> {
    let mut streams = node.accept(protocol(), Access::Contacts)?;
    tokio::spawn(async move {
        while let Some(stream) = streams.next().await {
            let (reader, writer) = stream.into_split();
            tokio::spawn(exchange::answer(reader, writer));
        }
    });
    Ok(())
}

/// An invite for one, with the node's address in it, which takes a moment after its start to be known.
pub(crate) async fn invite(node: &Node) -> anyhow::Result<Invite> {
    let mut invite = node.address_book().invite_one(INVITE_LIFE).await?;
    if invite.contact.is_none() {
        let endpoint = node.endpoint(Face::Contact).await?;
        let mut routes = endpoint.context("a contact face")?.watch_route();
        let known = routes.wait_for(|route| !route.is_empty());
        let route = tokio::time::timeout(PATIENCE, known).await??;
        invite.contact = Some(route.clone());
    }
    Ok(invite)
}

/// Becomes a contact of who made `invite`, and reaches them.
pub(crate) async fn meet(node: &Node, invite: &str) -> anyhow::Result<PeerId> {
    let invite: Invite = invite.parse()?;
    accept(node, invite).await
}

/// As [`meet`].
pub(crate) async fn accept(node: &Node, invite: Invite) -> anyhow::Result<PeerId> {
    let peer = node.address_book().add(invite, None).await?.peer;
    node.pinger(peer).ping().await?;
    Ok(peer)
}
