//! The sources of discovery that a node runs, side by side.

use std::io;

use kith_core::discovery::REGISTRY_PROTOCOL;
use kith_core::introducer::Introducer;
use kith_core::protocol::ProtocolName;
use kith_core::routing::Target;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::input::Input;
use super::node::WeakNode;
use crate::discovery::source::FINDINGS_MAX;
use crate::discovery::{
    Connect, Finding, Interfaces, Invites, Lan, Order, Registries, RegistryClient, Running, start,
};

/// What runs.
#[derive(Debug, Default)]
pub(super) struct Sources(Vec<Running>);

/// Opens streams to introducers' registries, over the node's own sessions.
#[derive(Clone, Debug)]
struct Sessions(WeakNode);

impl Sources {
    /// Starts all sources; what they find goes to the loop.
    pub(super) fn start(
        node: WeakNode,
        lan: Option<Interfaces>,
        inputs: mpsc::WeakUnboundedSender<Input>,
        tasks: &TaskTracker,
    ) -> Self {
        let (findings, found) = mpsc::channel(FINDINGS_MAX);
        tasks.spawn(pass_on(found, inputs));
        let mut running = vec![
            start(Invites, findings.clone()),
            start(Registries::new(Sessions(node)), findings.clone()),
        ];
        if let Some(interfaces) = lan {
            running.push(start(Lan::new(interfaces), findings));
        }
        Self(running)
    }

    /// Tells every source; each passes over what does not concern it.
    pub(super) fn order(&self, order: &Order) {
        for source in &self.0 {
            source.order(order.clone());
        }
    }

    /// Ends them, side by side.
    pub(super) async fn stop(self) {
        futures_util::future::join_all(self.0.into_iter().map(Running::stop)).await;
    }
}

async fn pass_on(mut found: mpsc::Receiver<Finding>, inputs: mpsc::WeakUnboundedSender<Input>) {
    while let Some(finding) = found.recv().await {
        let Some(inputs) = inputs.upgrade() else {
            return;
        };
        if inputs.send(Input::Finding(finding)).is_err() {
            return;
        }
    }
}

impl Connect for Sessions {
    async fn connect(&self, introducer: &Introducer) -> io::Result<RegistryClient> {
        let name: ProtocolName = REGISTRY_PROTOCOL.parse().map_err(io::Error::other)?;
        let node = self.0.upgrade().ok_or(io::ErrorKind::NotConnected)?;
        let opened = node.open_to(Target::Device(introducer.key), &[name]).await;
        let (reader, writer) = opened.map_err(io::Error::other)?.into_split();
        Ok(RegistryClient::new(reader, writer))
    }
}
