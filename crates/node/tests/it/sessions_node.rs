//! Sessions between whole nodes: what is spoken, how fast, how many, and how they begin and end.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use kith::core::address::Route;
use kith::core::protocol::ProtocolName;
use kith::core::routing::Access;
use kith::testing::{local_node, wait_for_contact};
use kith::{Error, Node, Refused, Stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::friends::{befriend, spawn, stands, two};
use crate::street::{Street, Traffic};
use crate::waiting::soon;

mod agreeing;
mod clocks;
mod ending;
mod hostile;
mod idling;
mod many;
mod meeting_twice;
mod round_trips;
mod trusting;
mod unread;

pub(crate) fn protocol(text: &str) -> ProtocolName {
    text.parse().expect("a valid name")
}

/// Sends back what comes on each stream.
pub(crate) fn echo(node: &Node, name: &str) {
    let mut streams = node.accept(protocol(name), Access::Contacts).expect("free");
    tokio::spawn(async move {
        while let Some(stream) = streams.next().await {
            tokio::spawn(async move {
                let (mut reader, mut writer) = stream.into_split();
                let _ = tokio::io::copy(&mut reader, &mut writer).await;
                let _ = writer.shutdown().await;
            });
        }
    });
}

/// One byte there and back.
async fn ask(stream: &mut Stream) -> std::io::Result<()> {
    stream.write_all(b"x").await?;
    stream.read_exact(&mut [0]).await.map(drop)
}

/// Alice, and Bob who reaches her only by a way on which each packet takes `delay`: she has IPv6 and he IPv4.
pub(crate) async fn far_apart(delay: Duration) -> (Node, Node, Street) {
    let six = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
    let alice = spawn(local_node().bind([six]).name("Alice")).await;
    let bob = spawn(local_node().name("Bob")).await;
    let life = Duration::from_secs(3600);
    let mut invite = alice
        .address_book()
        .invite_one(life)
        .await
        .expect("an invite");
    let route = invite.contact.take().expect("addresses");
    let (entrance, target) = (Ipv4Addr::LOCALHOST.into(), route.addresses[0]);
    let way = Street::open_long(entrance, target, Traffic::Open, delay).await;
    invite.contact = Some(Route {
        addresses: vec![way.entrance],
        ..route
    });
    bob.address_book()
        .add(invite, None)
        .await
        .expect("a good invite");
    soon("a meeting", wait_for_contact(&alice, bob.peer_id()))
        .await
        .expect("running");
    soon("a pong", bob.pinger(alice.peer_id()).ping())
        .await
        .expect("a pong");
    stands(&alice, bob.peer_id()).await;
    stands(&bob, alice.peer_id()).await;
    (alice, bob, way)
}
