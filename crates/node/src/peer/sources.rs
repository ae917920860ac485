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
pub(super) struct Sources {
    running: Vec<Running>,
    /// The local network, while it is wanted.
    lan: Option<Running>,
    /// Where it is, where it may be wanted.
    interfaces: Option<Interfaces>,
    /// What it is told, or was to be told when it is wanted.
    announced: Option<Order>,
    /// Where what is found goes to; none once they were stopped.
    findings: Option<mpsc::Sender<Finding>>,
}

impl Sources {
    /// Starts all sources; what they find goes to the loop. The local network is looked at from now on, or may be later.
    pub(super) fn start(
        (lan, later): (Option<Interfaces>, Option<Interfaces>),
        visitors: Visits,
        inputs: mpsc::WeakUnboundedSender<Input>,
        tasks: &TaskTracker,
    ) -> Self {
        let (findings, found) = mpsc::channel(FINDINGS_MAX);
        tasks.spawn(pass_on(found, inputs));
        let running = vec![
            start(Invites, findings.clone()),
            start(Registries::new(visitors), findings.clone()),
        ];
        Self {
            running,
            lan: lan.map(|interfaces| start(Lan::new(interfaces), findings.clone())),
            interfaces: lan.or(later),
            announced: None,
            findings: Some(findings),
        }
    }

    /// Tells every source; each passes over what does not concern it.
    pub(super) fn order(&mut self, order: &Order) {
        if matches!(order, Order::Announce(_)) {
            self.announced = Some(order.clone());
        }
        for source in self.running.iter().chain(&self.lan) {
            source.order(order.clone());
        }
    }

    /// Looks at the local network and shows itself there from now on, or not any more; nothing where it never may.
    pub(super) fn set_lan(&mut self, is_on: bool, tasks: &TaskTracker) {
        if !is_on {
            if let Some(lan) = self.lan.take() {
                tasks.spawn(lan.stop());
            }
            return;
        }
        let (None, Some(interfaces)) = (&self.lan, self.interfaces) else {
            return;
        };
        if let Some(findings) = &self.findings {
            let lan = start(Lan::new(interfaces), findings.clone());
            if let Some(announced) = &self.announced {
                lan.order(announced.clone());
            }
            self.lan = Some(lan);
        }
    }

    /// Ends them, side by side.
    pub(super) async fn stop(self) {
        let all = self.running.into_iter().chain(self.lan);
        futures_util::future::join_all(all.map(Running::stop)).await;
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
    async fn the_local_network_is_looked_at_while_it_is_wanted_and_where_it_may_be() {
        let (inputs, _inbox) = mpsc::unbounded_channel();
        let tasks = TaskTracker::new();
        for (later, may_be) in [(None, false), (Some(Interfaces::Loopback), true)] {
            let visits = Visits::new(Vec::new());
            let mut sources = Sources::start((None, later), visits, inputs.downgrade(), &tasks);
            assert!(sources.lan.is_none());
            for _ in 0..2 {
                sources.set_lan(true, &tasks);
                assert_eq!(sources.lan.is_some(), may_be);
            }
            sources.set_lan(false, &tasks);
            assert!(sources.lan.is_none());
            sources.stop().await;
        }
    }

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
