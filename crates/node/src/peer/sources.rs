//! The sources of discovery that a node runs, side by side.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use super::input::Input;
use crate::discovery::source::{FINDINGS_MAX, Source};
use crate::discovery::{
    Finding, Interfaces, Invites, Lan, Order, Registries, Running, Visits, start,
};

/// What runs.
#[derive(Debug, Default)]
pub(super) struct Sources {
    running: Vec<Running>,
    /// The local network, while it is wanted.
    lan: Option<Running>,
    /// The end of what looked at it before.
    lan_before: Option<JoinHandle<()>>,
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
            lan_before: None,
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
                self.lan_before = Some(tasks.spawn(lan.stop()));
            }
            return;
        }
        let (None, Some(interfaces)) = (&self.lan, self.interfaces) else {
            return;
        };
        if let Some(findings) = &self.findings {
            let lan = After {
                before: self.lan_before.take(),
                source: Lan::new(interfaces),
            };
            let lan = start(lan, findings.clone());
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

/// A source that begins when the one before it has ended: that says goodbye under the same name, and whoever hears it last takes both for gone.
struct After<S> {
    before: Option<JoinHandle<()>>,
    source: S,
}

impl<S: Source> Source for After<S> {
    fn name(&self) -> &'static str {
        self.source.name()
    }

    async fn run(self, orders: mpsc::Receiver<Order>, findings: mpsc::Sender<Finding>) {
        if let Some(before) = self.before {
            // However it ended.
            let _ = before.await;
        }
        // It may not be wanted any more.
        if !orders.is_closed() {
            self.source.run(orders, findings).await;
        }
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
    use std::time::Duration;

    use super::*;
    use crate::discovery::Announcement;
    use kith_core::discovery::lan::{Advertisement, Tag};
    use kith_core::ids::DeviceKey;

    /// Longer than anything here takes on a busy machine.
    const PATIENCE: Duration = Duration::from_secs(60);

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
            assert_eq!(sources.lan_before.is_some(), may_be);
            sources.set_lan(true, &tasks);
            assert!(sources.lan_before.is_none(), "the next waits for it");
            sources.stop().await;
        }
    }

    /// A source that is there from its first order on, and takes some time to leave. It tells both.
    struct Noted {
        number: u8,
        told: mpsc::UnboundedSender<(u8, bool)>,
    }

    impl Source for Noted {
        fn name(&self) -> &'static str {
            "noted"
        }

        async fn run(self, mut orders: mpsc::Receiver<Order>, _: mpsc::Sender<Finding>) {
            while orders.recv().await.is_some() {
                self.told.send((self.number, true)).expect("listened to");
            }
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
            self.told.send((self.number, false)).expect("listened to");
        }
    }

    #[tokio::test]
    async fn who_is_switched_off_and_on_at_once_leaves_before_it_comes_and_is_there_once() {
        let (told, mut hears) = mpsc::unbounded_channel();
        let (findings, _found) = mpsc::channel(FINDINGS_MAX);
        let tasks = TaskTracker::new();
        let mut before = None;
        for number in 0..3 {
            let source = Noted {
                number,
                told: told.clone(),
            };
            let running = start(After { before, source }, findings.clone());
            running.order(Order::Announce(None));
            if number == 0 {
                // It is there when it is switched off; the next is not, yet.
                assert_eq!(hears.recv().await, Some((0, true)));
            }
            before = match number {
                2 => {
                    let heard = [hears.recv().await, hears.recv().await];
                    assert_eq!(heard, [Some((0, false)), Some((2, true))]);
                    running.stop().await;
                    assert_eq!(hears.recv().await, Some((2, false)));
                    None
                }
                _ => Some(tasks.spawn(running.stop())),
            };
        }
        assert!(hears.try_recv().is_err(), "nothing else was there");
    }

    /// What a device with so many tags says of itself.
    fn announcement(tags: u8) -> Order {
        let tag = |number: u8| Tag([number; 8]);
        Order::Announce(Some(Announcement {
            advertisement: Advertisement {
                device: DeviceKey([7; 32]),
                tags: (0..tags).map(tag).collect(),
            },
            port: 7007,
            port_v6: None,
            addresses: Vec::new(),
        }))
    }

    #[tokio::test]
    async fn a_neighbour_that_was_switched_off_and_on_at_once_is_seen_again_and_leaves_for_good() {
        let socket = std::net::UdpSocket::bind(("127.0.0.1", 0)).expect("loopback");
        let port = socket.local_addr().expect("bound").port();
        drop(socket);
        let lan = || Lan::with_port(Interfaces::Loopback, port);
        let (sees, mut seen) = mpsc::channel(FINDINGS_MAX);
        let observer = start(lan(), sees);
        let mut until = async |wanted: Result<usize, DeviceKey>| {
            let saw = async {
                loop {
                    let saw = match seen.recv().await.expect("it looks") {
                        Finding::Neighbour(it) => Ok(it.advertisement.tags.len()),
                        Finding::Left(device) => Err(device),
                        _ => continue,
                    };
                    if saw == wanted {
                        return;
                    }
                }
            };
            let saw = tokio::time::timeout(PATIENCE, saw).await;
            saw.unwrap_or_else(|_| panic!("never saw {wanted:?}"));
        };
        let (findings, _found) = mpsc::channel(FINDINGS_MAX);
        let first = start(lan(), findings.clone());
        first.order(announcement(16));
        until(Ok(16)).await;
        let again = After {
            before: Some(tokio::spawn(first.stop())),
            source: lan(),
        };
        let again = start(again, findings);
        again.order(announcement(32));
        until(Ok(32)).await;
        // It still answers for itself.
        again.order(announcement(48));
        until(Ok(48)).await;
        again.stop().await;
        until(Err(DeviceKey([7; 32]))).await;
        observer.stop().await;
        while let Some(later) = seen.recv().await {
            assert!(!matches!(later, Finding::Neighbour(_)), "{later:?}");
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
