//! What all sources of discovery have in common: orders go in, findings come out, and none waits for another.
//!
//! A source runs as a task of its own until its orders end; then it withdraws what it told the world. Orders need no answer:
//! whoever gives them repeats what matters.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use kith_core::discovery::lan::Advertisement;
use kith_core::ids::DeviceKey;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::debug;

/// The most orders that wait for a source. Orders are given at a person's pace; a source that falls this far behind is
/// stuck, and more of them would not help.
const ORDERS_MAX: usize = 64;

/// The most findings that wait to be looked at. Then sources wait, and the network behind them.
pub const FINDINGS_MAX: usize = 256;

/// How long a source may take to withdraw what it told the world, before the process ends without it.
const WITHDRAWAL_MAX: Duration = Duration::from_secs(1);

/// One place that may know where a device is.
pub trait Source: Send + 'static {
    /// How logs call it.
    fn name(&self) -> &'static str;

    /// Runs until `orders` end. Orders that do not concern this source are passed over.
    fn run(
        self,
        orders: mpsc::Receiver<Order>,
        findings: mpsc::Sender<Finding>,
    ) -> impl Future<Output = ()> + Send;
}

/// What a source is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// Tell the local network that this device is here, and nothing else; `None`: that it left.
    Announce(Option<Announcement>),
}

/// What the local network is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Which device, and the tags its contacts recognise.
    pub advertisement: Advertisement,
    /// Its UDP port.
    pub port: u16,
    /// Its UDP port over IPv6, where that is another.
    pub port_v6: Option<u16>,
    /// Where it is; empty for every address of the interfaces, following their changes.
    pub addresses: Vec<IpAddr>,
}

/// What a source found. Nothing of it is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// A device on the local network, new or changed.
    Neighbour(Neighbour),
    /// A device said goodbye to the local network, or has not been heard for long.
    Left(DeviceKey),
}

/// A device on the local network, as it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Which device, and the tags its contacts recognise.
    pub advertisement: Advertisement,
    /// Where it is, most promising first: at least one, at most
    /// [`ADDRESSES_MAX`](kith_core::address::ADDRESSES_MAX).
    pub addresses: Vec<SocketAddr>,
}

/// A source that runs.
#[derive(Debug)]
pub struct Running {
    name: &'static str,
    orders: mpsc::Sender<Order>,
    task: JoinHandle<()>,
}

/// Runs `source` as a task; what it finds goes to `findings`, together with what others find.
pub fn start(source: impl Source, findings: mpsc::Sender<Finding>) -> Running {
    let (orders, receiver) = mpsc::channel(ORDERS_MAX);
    let name = source.name();
    let task = tokio::spawn(source.run(receiver, findings));
    Running { name, orders, task }
}

impl Running {
    /// Gives an order, without waiting. A source that is stuck or has ended misses it.
    pub fn order(&self, order: Order) {
        if self.orders.try_send(order).is_err() {
            debug!(source = self.name, "a source takes no orders");
        }
    }

    /// Ends the source, once it withdrew what it told the world or a second has passed.
    pub async fn stop(self) {
        drop(self.orders);
        let mut task = self.task;
        if tokio::time::timeout(WITHDRAWAL_MAX, &mut task)
            .await
            .is_err()
        {
            debug!(source = self.name, "a source ends without a goodbye");
            task.abort();
        }
    }
}
