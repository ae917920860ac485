//! Two processes that know each other: this one with a kith node, and one that answers on a kith node and on bare
//! endpoints.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use kith::Node;
use kith::core::ids::PeerId;

use crate::child::Process;
use crate::person;
use crate::role::Answerer;
use crate::usage::Usage;

/// Where everything here is bound.
pub(crate) const HERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The two.
#[derive(Debug)]
pub(crate) struct Pair {
    /// Where the other process answers.
    pub(crate) answerer: Answerer,
    /// The node of this one.
    pub(crate) node: Node,
    /// Who the other one's node is.
    pub(crate) peer: PeerId,
    child: Process,
}

impl Pair {
    /// Starts both, and lets them meet.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let mut child = Process::start(&["answerer"])?;
        let answerer: Answerer = child.hear().await?;
        let node = person::local_node(HERE)
            .keep_sessions(false)
            .spawn()
            .await?;
        let peer = person::meet(&node, &answerer.invite).await?;
        Ok(Self {
            answerer,
            node,
            peer,
            child,
        })
    }

    /// The processor time of both so far.
    pub(crate) fn processor(&self) -> anyhow::Result<Duration> {
        let (here, there) = (std::process::id(), self.child.pid()?);
        Ok(Usage::of(here)?.processor + Usage::of(there)?.processor)
    }
}
