//! The sources of discovery that a node runs, side by side.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
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

/// Passes on one finding after the other: the next when the loop has taken the last, so that no more than [`FINDINGS_MAX`] wait.
async fn pass_on(mut found: mpsc::Receiver<Finding>, inputs: mpsc::WeakUnboundedSender<Input>) {
    let turns = Arc::new(Semaphore::new(1));
    loop {
        let turn = turns.clone().acquire_owned().await.expect("never closed");
        let (Some(finding), Some(inputs)) = (found.recv().await, inputs.upgrade()) else {
            return;
        };
        if inputs.send(Input::Finding { finding, turn }).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::ids::DeviceKey;

    #[tokio::test]
    async fn one_finding_waits_for_the_loop_and_the_others_before_it() {
        let (findings, found) = mpsc::channel(FINDINGS_MAX);
        let (inputs, mut inbox) = mpsc::unbounded_channel();
        tokio::spawn(pass_on(found, inputs.downgrade()));
        let finding = || Finding::Left(DeviceKey([1; 32]));
        // One is on its way, and the channel takes no more than its bound.
        for _ in 0..=FINDINGS_MAX {
            findings.send(finding()).await.expect("somebody listens");
        }
        for _ in 0..=FINDINGS_MAX {
            let taken = inbox.recv().await;
            assert!(matches!(taken, Some(Input::Finding { .. })));
            tokio::task::yield_now().await;
            assert!(inbox.is_empty(), "the next waits for its turn");
        }
    }
}
