//! A small network on the loopback of this machine: introducers and nodes in one process, for tests of applications.
//!
//! Nothing leaves the machine: everything is bound to `127.0.0.1` on ports of the system's choice, nobody is announced on
//! the local network, and no router is asked for a port. The nodes are real ones, with identities and databases in
//! temporary directories, and meet as people do: by invites. [`Clue`] is for tests of what they disclose.
//!
//! ```
//! use kith::core::routing::Access;
//! use kith::testing::Testnet;
//! use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let testnet = Testnet::start(1, 2).await?;
//! testnet.befriend(0, 1).await?;
//! let (alice, bob) = (testnet.node(0), testnet.node(1));
//!
//! let protocol: kith::core::protocol::ProtocolName = "/example/greeting/1".parse()?;
//! let mut greetings = bob.accept(protocol.clone(), Access::Contacts)?;
//! let mut there = alice.open(bob.peer_id(), &[protocol]).await?;
//! there.write_all(b"hello").await?;
//! there.shutdown().await?;
//!
//! let mut greeting = String::new();
//! greetings.next().await.expect("Bob runs").read_to_string(&mut greeting).await?;
//! assert_eq!(greeting, "hello");
//! testnet.shutdown().await;
//! # Ok(())
//! # }
//! ```

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use kith_core::ids::{Face, PeerId};
use kith_core::introducer::Introducer;
use thiserror::Error;
use tokio::sync::broadcast::error::RecvError;

use crate::builder::NodeBuilder;
use crate::error::Error;
use crate::introducer::{IntroducerError, IntroducerNode};
use crate::peer::{Node, SpawnError};

mod clue;

pub use clue::{Clue, Disclosure};

/// How long two nodes may take to become contacts: on one machine they need some ten milliseconds, and tests run
/// beside many others.
pub const BEFRIEND_WITHIN: Duration = Duration::from_secs(30);

/// How long the invite is good by which two nodes become contacts: as long as anybody looks at a stopped debugger.
const INVITE_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// Introducers and nodes of one process.
#[derive(Debug)]
pub struct Testnet {
    introducers: Vec<IntroducerNode>,
    nodes: Vec<Node>,
}

/// Why a test network cannot be had, or two of its nodes did not meet.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TestnetError {
    /// An introducer does not start.
    #[error(transparent)]
    Introducer(#[from] IntroducerError),
    /// A node does not start.
    #[error(transparent)]
    Node(#[from] SpawnError),
    /// Something between two nodes failed.
    #[error(transparent)]
    Meeting(#[from] Error),
    /// Two nodes did not meet within [`BEFRIEND_WITHIN`].
    #[error("the two nodes did not become contacts within {BEFRIEND_WITHIN:?}")]
    TooSlow,
}

impl Testnet {
    /// Starts so many introducers, and so many nodes that use all of them. The nodes do not know each other yet.
    ///
    /// # Errors
    /// [`TestnetError`] when something cannot be bound or written; nothing is left running.
    pub async fn start(introducers: usize, nodes: usize) -> Result<Self, TestnetError> {
        let mut testnet = Self {
            introducers: Vec::with_capacity(introducers),
            nodes: Vec::with_capacity(nodes),
        };
        let filled = testnet.fill(introducers, nodes).await;
        match filled {
            Ok(()) => Ok(testnet),
            Err(error) => {
                testnet.shutdown().await;
                Err(error)
            }
        }
    }

    async fn fill(&mut self, introducers: usize, nodes: usize) -> Result<(), TestnetError> {
        for _ in 0..introducers {
            let listen = SocketAddr::new(LOOPBACK, 0);
            let builder = IntroducerNode::builder().listen(listen);
            self.introducers.push(builder.spawn().await?);
        }
        for number in 0..nodes {
            self.add(self.node_builder().name(format!("node {number}")))
                .await?;
        }
        Ok(())
    }

    /// A node to be that stays on this machine and uses the network's introducers: to be changed and
    /// [added](Testnet::add), or to be run apart.
    pub fn node_builder(&self) -> NodeBuilder {
        local_node().introducers(self.lines())
    }

    /// Starts one more node; its number.
    ///
    /// # Errors
    /// [`TestnetError::Node`].
    pub async fn add(&mut self, builder: NodeBuilder) -> Result<usize, TestnetError> {
        self.nodes.push(builder.spawn().await?);
        Ok(self.nodes.len() - 1)
    }

    /// A node, by its number from 0.
    ///
    /// # Panics
    /// When there are not so many.
    pub fn node(&self, number: usize) -> &Node {
        &self.nodes[number]
    }

    /// An introducer, by its number from 0.
    ///
    /// # Panics
    /// When there are not so many.
    pub fn introducer(&self, number: usize) -> &IntroducerNode {
        &self.introducers[number]
    }

    /// The lines of all introducers that run.
    pub fn lines(&self) -> Vec<Introducer> {
        let lines = self.introducers.iter().map(IntroducerNode::introducer);
        lines.cloned().collect()
    }

    /// Stops an introducer, as if its machine had died; those after it are one number lower from now on.
    ///
    /// # Panics
    /// When there are not so many.
    pub async fn stop_introducer(&mut self, number: usize) {
        self.introducers.remove(number).shutdown().await;
    }

    /// Makes two nodes contacts, by an invite that the first gives the second. On return each has the other in its book
    /// and has reached it.
    ///
    /// # Errors
    /// [`TestnetError::Meeting`] when the first does not trust the second any more (blocked, say), and
    /// [`TestnetError::TooSlow`].
    ///
    /// # Panics
    /// When there are not so many nodes.
    pub async fn befriend(&self, first: usize, second: usize) -> Result<(), TestnetError> {
        befriend(self.node(first), self.node(second)).await
    }

    /// Stops everything, and waits until it is stopped.
    pub async fn shutdown(self) {
        futures_util::future::join_all(self.nodes.iter().map(Node::shutdown)).await;
        let stopping = self.introducers.into_iter().map(IntroducerNode::shutdown);
        futures_util::future::join_all(stopping).await;
    }
}

/// Where everything is bound.
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A node to be that stays on this machine and uses no introducer.
pub fn local_node() -> NodeBuilder {
    Node::builder()
        .bind([SocketAddr::new(LOOPBACK, 0)])
        .lan(None)
        .port_mapping(false)
}

/// Makes two nodes of this machine contacts, as [`Testnet::befriend`] does.
///
/// # Errors
/// As there.
pub async fn befriend(first: &Node, second: &Node) -> Result<(), TestnetError> {
    let meeting = async {
        let mut invite = first.address_book().invite_one(INVITE_LIFE).await?;
        if invite.contact.is_none() {
            // It was made before the node knew where it is, which takes a moment after the start.
            let endpoint = first.endpoint(Face::Contact).await?;
            let endpoint = endpoint.ok_or(Error::Closed)?;
            let mut routes = endpoint.watch_route();
            let known = routes.wait_for(|route| !route.is_empty()).await;
            invite.contact = Some(known.map_err(|_| Error::Closed)?.clone());
        }
        second.address_book().add(invite, None).await?;
        wait_for_contact(first, second.peer_id()).await?;
        // Only the second knows the way, until it has been there.
        second.pinger(first.peer_id()).ping().await?;
        first.pinger(second.peer_id()).ping().await?;
        Ok(())
    };
    tokio::time::timeout(BEFRIEND_WITHIN, meeting)
        .await
        .unwrap_or(Err(TestnetError::TooSlow))
}

/// Waits until `node` has `peer` in its book; bound it.
///
/// # Errors
/// [`Error::Closed`] when the node stops before.
pub async fn wait_for_contact(node: &Node, peer: PeerId) -> Result<(), Error> {
    let mut events = node.events();
    loop {
        let contacts = node.address_book().contacts().await?;
        if contacts.iter().any(|contact| contact.peer == peer) {
            return Ok(());
        }
        if let Err(RecvError::Closed) = events.recv().await {
            return Err(Error::Closed);
        }
    }
}
