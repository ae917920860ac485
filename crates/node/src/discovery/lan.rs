//! The local network as a source: DNS-SD (RFC 6763) over multicast DNS (RFC 6762), which works with nobody's help.
//!
//! The contact face is advertised as an ordinary service, `_kith._udp`, which any browser of such services shows. Its
//! instance and host name follow from the contact DeviceKey and change with it: the old name says goodbye before the new one
//! appears. The machine's own host name is not told. What the tags in it mean, [`kith_core::discovery::lan`] says.
//!
//! The `mdns-sd` daemon remembers whatever it hears without a bound of its own. So its memory is looked at now and then, and
//! a daemon that was flooded is replaced.

use std::net::IpAddr;
use std::time::Duration;

use kith_core::discovery::lan::SERVICE_TYPE;
use mdns_sd::{
    IfKind, MDNS_PORT, Metrics, Receiver, ScopedIp, ServiceDaemon, ServiceEvent, ServiceInfo,
    TxtProperty,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout_at};
use tracing::{debug, info, warn};

use super::neighbours::{Claim, Neighbours, write_txt};
use super::source::{Announcement, Finding, Order, Source};

/// The domain of multicast DNS (RFC 6762 §3).
const DOMAIN: &str = "local.";

/// The most DNS records the daemon may remember: eight for each of 256 neighbours, twice. More is a flood.
const CACHED_RECORDS_MAX: i64 = 4096;

/// How often the daemon's memory is looked at. At 10,000 records a second, a flood takes some 30 MB until then.
const CACHE_LOOK_EVERY: Duration = Duration::from_secs(10);

/// How long to wait before the daemon is started again after it failed, so that a broken network costs nothing.
const FAILED_PAUSE: Duration = Duration::from_secs(30);

/// How long to wait before it is started again after a flood: half as long as a flood takes to be noticed, so that one
/// that goes on leaves the node present for most of the time.
const FLOODED_PAUSE: Duration = Duration::from_secs(5);

/// How long the daemon may take to send a goodbye; it takes a millisecond when it is not stuck.
const GOODBYE_MAX: Duration = Duration::from_millis(300);

/// How long the daemon lives on after a goodbye: it says a second one after 120 ms, because multicast over the air is
/// often lost.
const GOODBYE_AGAIN: Duration = Duration::from_millis(150);

/// Where to be seen and to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Interfaces {
    /// Every interface that leads to others.
    #[default]
    Network,
    /// This machine alone, over IPv4; for tests.
    Loopback,
}

/// The local network.
#[derive(Debug)]
pub struct Lan {
    interfaces: Interfaces,
    port: u16,
    announced: Option<Announcement>,
    neighbours: Neighbours,
}

/// Why a daemon's time is over.
enum Ended {
    /// Nobody gives orders or wants findings any more.
    Unneeded,
    /// It remembers too much.
    Flooded,
    /// It said so, or fell silent.
    Failed(mdns_sd::Error),
}

impl From<mdns_sd::Error> for Ended {
    fn from(error: mdns_sd::Error) -> Self {
        Self::Failed(error)
    }
}

impl Lan {
    /// The local network behind `interfaces`.
    pub fn new(interfaces: Interfaces) -> Self {
        Self::with_port(interfaces, MDNS_PORT)
    }

    /// The same on another port than multicast DNS has, where nobody but its equals hears it; for tests.
    pub fn with_port(interfaces: Interfaces, port: u16) -> Self {
        Self {
            interfaces,
            port,
            announced: None,
            neighbours: Neighbours::new(interfaces == Interfaces::Loopback),
        }
    }

    /// Runs one daemon for as long as it is any good.
    async fn run_daemon(
        &mut self,
        orders: &mut mpsc::Receiver<Order>,
        findings: &mpsc::Sender<Finding>,
    ) -> Ended {
        let daemon = match self.start_daemon() {
            Ok(daemon) => daemon,
            Err(error) => return Ended::Failed(error),
        };
        let ended = match self.serve(&daemon, orders, findings).await {
            Ok(()) => Ended::Unneeded,
            Err(ended) => ended,
        };
        if self.say_goodbye(&daemon).await {
            sleep(GOODBYE_AGAIN).await;
        }
        if let Err(error) = daemon.shutdown() {
            debug!(%error, "the daemon has ended already");
        }
        ended
    }

    fn start_daemon(&self) -> Result<ServiceDaemon, mdns_sd::Error> {
        let daemon = ServiceDaemon::new_with_port(self.port)?;
        match self.interfaces {
            Interfaces::Network => {
                daemon.disable_interface(vec![IfKind::LoopbackV4, IfKind::LoopbackV6])?;
            }
            Interfaces::Loopback => {
                daemon.disable_interface(IfKind::All)?;
                daemon.enable_interface(IfKind::LoopbackV4)?;
            }
        }
        Ok(daemon)
    }

    /// Carries out orders and reports findings until something ends.
    async fn serve(
        &mut self,
        daemon: &ServiceDaemon,
        orders: &mut mpsc::Receiver<Order>,
        findings: &mpsc::Sender<Finding>,
    ) -> Result<(), Ended> {
        if let Some(announcement) = &self.announced {
            register(daemon, announcement)?;
        }
        let events = daemon.browse(&service_type())?;
        let mut look = interval(CACHE_LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Announce(announcement)) => {
                        self.announce(daemon, announcement).await?;
                    }
                    Some(_) => {}
                    None => return Ok(()),
                },
                event = events.recv_async() => {
                    // The daemon drops a listener that fell a thousand events behind: that was a flood, too.
                    let event = event.map_err(|_| Ended::Flooded)?;
                    for finding in self.handle_event(event) {
                        if findings.send(finding).await.is_err() {
                            return Ok(());
                        }
                    }
                }
                _ = look.tick() => {
                    if cached_records(&daemon.get_metrics()?).await > CACHED_RECORDS_MAX {
                        return Err(Ended::Flooded);
                    }
                }
                () = findings.closed() => return Ok(()),
            }
        }
    }

    /// Tells the network what changed of `announcement`: nothing, a part of it, or the name and so everything.
    async fn announce(
        &mut self,
        daemon: &ServiceDaemon,
        announcement: Option<Announcement>,
    ) -> Result<(), mdns_sd::Error> {
        if self.announced == announcement {
            return Ok(());
        }
        let device = |announced: &Option<Announcement>| {
            announced.as_ref().map(|told| told.advertisement.device)
        };
        if device(&self.announced) != device(&announcement) {
            self.say_goodbye(daemon).await;
        }
        self.announced = announcement;
        match &self.announced {
            Some(announcement) => register(daemon, announcement),
            None => Ok(()),
        }
    }

    /// Takes back what was told, and waits until that was sent; whether it was.
    async fn say_goodbye(&self, daemon: &ServiceDaemon) -> bool {
        let Some(announcement) = &self.announced else {
            return false;
        };
        let instance = announcement.advertisement.instance_name();
        let name = format!("{instance}.{}", service_type());
        let until = Instant::now() + GOODBYE_MAX;
        match daemon.unregister(&name) {
            Ok(done) => timeout_at(until, done.recv_async()).await.is_ok(),
            Err(error) => {
                debug!(%error, "no goodbye to the local network");
                false
            }
        }
    }

    fn handle_event(&mut self, event: ServiceEvent) -> Vec<Finding> {
        match event {
            ServiceEvent::ServiceResolved(service) => {
                let instance = instance(service.get_fullname());
                let Some(instance) = instance.filter(|instance| !self.is_own(instance)) else {
                    return Vec::new();
                };
                let properties = service.get_properties();
                let claim = Claim {
                    instance,
                    port: service.get_port(),
                    txt: properties
                        .iter()
                        .filter_map(|property| Some((property.key(), property.val()?)))
                        .collect(),
                    addresses: service.get_addresses().iter().map(scoped).collect(),
                };
                self.neighbours.hear(&claim)
            }
            ServiceEvent::ServiceRemoved(_, name) => {
                let left = instance(&name).and_then(|instance| self.neighbours.lose(instance));
                left.into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Waits for `pause`, and notes meanwhile what is to be announced; `None` when orders end.
    async fn wait_to_restart(
        &mut self,
        pause: Duration,
        orders: &mut mpsc::Receiver<Order>,
    ) -> Option<()> {
        let restart = sleep(pause);
        tokio::pin!(restart);
        loop {
            tokio::select! {
                () = &mut restart => return Some(()),
                order = orders.recv() => {
                    if let Order::Announce(announcement) = order? {
                        self.announced = announcement;
                    }
                }
            }
        }
    }

    /// Whether an instance is this device: a host hears itself.
    fn is_own(&self, instance: &str) -> bool {
        self.announced
            .as_ref()
            .is_some_and(|announced| announced.advertisement.instance_name() == instance)
    }
}

impl Source for Lan {
    fn name(&self) -> &'static str {
        "lan"
    }

    async fn run(mut self, mut orders: mpsc::Receiver<Order>, findings: mpsc::Sender<Finding>) {
        let mut has_warned = false;
        loop {
            let mut pause = FAILED_PAUSE;
            match self.run_daemon(&mut orders, &findings).await {
                Ended::Unneeded => {
                    // Nobody says any more when they leave, and whoever counts as near is not looked for elsewhere. Where the node ends nobody listens.
                    for finding in self.neighbours.clear() {
                        let _ = findings.send(finding).await;
                    }
                    return;
                }
                Ended::Flooded => {
                    info!("the local network is flooded with services: looking anew");
                    pause = FLOODED_PAUSE;
                }
                Ended::Failed(error) if has_warned => {
                    debug!(%error, "the local network still cannot be searched");
                }
                Ended::Failed(error) => {
                    warn!(%error, "the local network cannot be searched; trying again now and then");
                    has_warned = true;
                }
            }
            for finding in self.neighbours.clear() {
                if findings.send(finding).await.is_err() {
                    return;
                }
            }
            if self.wait_to_restart(pause, &mut orders).await.is_none() {
                return;
            }
        }
    }
}

/// Tells the network of a device, or what changed about it.
fn register(daemon: &ServiceDaemon, announcement: &Announcement) -> Result<(), mdns_sd::Error> {
    let Announcement {
        advertisement,
        port,
        port_v6,
        addresses,
    } = announcement;
    let instance = advertisement.instance_name();
    let txt = write_txt(advertisement, *port_v6).into_iter();
    let properties: Vec<TxtProperty> = txt.map(TxtProperty::from).collect();
    let mut service = ServiceInfo::new(
        &service_type(),
        &instance,
        &format!("{instance}.{DOMAIN}"),
        &addresses[..],
        *port,
        properties,
    )?;
    if addresses.is_empty() {
        service = service.enable_addr_auto();
    }
    // A name made of 96 bits of a hash is nobody else's; asking first (RFC 6762 §8.1) would cost 0.75 s, and give whoever
    // claims it the power to rename us.
    service.set_requires_probe(false);
    daemon.register(service)
}

fn service_type() -> String {
    format!("{SERVICE_TYPE}.{DOMAIN}")
}

/// The instance in a full name; `None` for another service's.
fn instance(full_name: &str) -> Option<&str> {
    full_name.strip_suffix(&service_type())?.strip_suffix('.')
}

/// An address, with the index of the interface it was heard on.
fn scoped(address: &ScopedIp) -> (IpAddr, u32) {
    match address {
        ScopedIp::V6(address) => ((*address.addr()).into(), address.scope_id().index),
        other => (other.to_ip_addr(), 0),
    }
}

/// How many DNS records the daemon remembers.
async fn cached_records(metrics: &Receiver<Metrics>) -> i64 {
    let Ok(counters) = metrics.recv_async().await else {
        return 0;
    };
    let cached = counters
        .iter()
        .filter(|(name, _)| name.starts_with("cached-"));
    cached.map(|(_, count)| *count).sum()
}

#[cfg(test)]
mod tests;
