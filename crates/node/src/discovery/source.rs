//! What all sources of discovery have in common: orders go in, findings come out, and none waits for another.
//!
//! A source runs as a task of its own until its orders end; then it withdraws what it told the world. Orders need no answer:
//! whoever gives them repeats what matters.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use kith_core::address::Route;
use kith_core::discovery::Record;
use kith_core::discovery::lan::Advertisement;
use kith_core::ids::{DeviceKey, Face, Locator, PeerId};
use kith_core::peer::Visit;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::debug;

/// The most orders that wait for a source: four bursts of [`Presence`](kith_core::discovery::Presence). A source that
/// falls this far behind is stuck, and more of them would not help.
const ORDERS_MAX: usize = 1024;

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
    /// Its maker is looked for, and an invite says where they can be reached.
    Learn {
        /// Its maker.
        peer: PeerId,
        /// The device's address on each face it tells of.
        routes: Vec<(Face, Route)>,
    },
    /// Ask an introducer.
    Visit(Box<Visit>),
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
    /// Where somebody said to be, in an invite.
    Route {
        /// Who.
        peer: PeerId,
        /// Which of the two endpoints answers there.
        face: Face,
        /// Where; within the bounds of [`Route::is_bounded`].
        route: Route,
    },
    /// One introducer's answer to a look-up; none of the records is verified.
    Records {
        /// What was asked for.
        locator: Locator,
        /// What stands there; nothing also where the introducer could not be asked.
        records: Vec<Record>,
    },
    /// A registry holds a record with a later sequence than the one it was given.
    Stale {
        /// Whom the record is for.
        peer: PeerId,
        /// Where it stands.
        locator: Locator,
        /// The sequence of the record there.
        newest: u64,
    },
    /// An introducer keeps a reply to an invite that was left under this locator.
    Kept(Locator),
    /// An introducer's registry answers, for the first time or after it was away; it may have missed records.
    IntroducerUp(DeviceKey),
    /// An introducer's registry cannot be reached.
    IntroducerDown(DeviceKey),
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
