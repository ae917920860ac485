//! The sources of discovery that a node runs, side by side.

use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::input::Input;
use crate::discovery::source::FINDINGS_MAX;
use crate::discovery::{
    Finding, Interfaces, Invites, Lan, Order, Registries, Running, Visits, start,
};

/// What runs.
#[derive(Debug, Default)]
pub(super) struct Sources(Vec<Running>);

impl Sources {
    /// Starts all sources; what they find goes to the loop.
    pub(super) fn start(
        lan: Option<Interfaces>,
        visitors: Visits,
        inputs: mpsc::WeakUnboundedSender<Input>,
        tasks: &TaskTracker,
    ) -> Self {
        let (findings, found) = mpsc::channel(FINDINGS_MAX);
        tasks.spawn(pass_on(found, inputs));
        let mut running = vec![
            start(Invites, findings.clone()),
            start(Registries::new(visitors), findings.clone()),
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
