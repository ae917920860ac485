//! The relay that a node runs for its contacts: the introducer's relay server, on a port of its own, for the clients that
//! the machine names and within a quota for each. It has no registry, and who does not know its name gets no certificate.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use kith_core::ids::{DeviceKey, PeerId};
use kith_core::introducer::{Introducer, Ports};
use kith_core::peer::RelayOffer;
use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use super::input::Input;
use crate::config::RelayForContacts;
use crate::relay::{
    Admission, Allowance, Doorkeeper, Limits, RelayServer, RelayServerConfig, StartError,
    own_addresses,
};

/// Connections in all: a circle of a hundred people with two devices each, and as many again that only probe.
const CONNECTIONS: usize = 512;

/// Connections from one address: a household of contacts behind one NAT.
const CONNECTIONS_PER_ADDRESS: usize = 64;

/// Half-open connections in all: at ten seconds each, six strangers a second leave room for a contact.
const HALF_OPEN: usize = 64;

/// Half-open connections from one address: a household whose router comes back.
const HALF_OPEN_PER_ADDRESS: usize = 16;

/// How a node relays for its contacts.
#[derive(Clone, Debug)]
pub(super) struct RelayPlan {
    /// What the owner wants.
    pub(super) settings: RelayForContacts,
    /// Where the contact face is to listen; empty for everywhere.
    pub(super) bind: Vec<SocketAddr>,
    /// Where the key of its TLS is kept.
    pub(super) data: PathBuf,
    /// Whose node it is.
    pub(super) me: PeerId,
    /// The key that its line names.
    pub(super) key: DeviceKey,
}

/// What is to be run: for whom, and the UDP port of the contact face, whose number is tried where there was no relay before.
type Order = (Option<RelayOffer>, u16);

/// The relay, as the node's loop steers it. It ends with it.
#[derive(Debug)]
pub(super) struct ContactRelay {
    orders: watch::Sender<Order>,
    bind: Vec<SocketAddr>,
}

impl ContactRelay {
    /// A relay that listens once it is told for whom.
    pub(super) fn start(
        plan: RelayPlan,
        inputs: mpsc::WeakUnboundedSender<Input>,
        tasks: &TaskTracker,
    ) -> Self {
        let (orders, ordered) = watch::channel((None, 0));
        let bind = plan.bind.clone();
        let keeper = Keeper {
            plan,
            inputs,
            clients: Clients::default(),
            server: None,
        };
        tasks.spawn(keeper.run(ordered));
        Self { orders, bind }
    }

    /// Has it run in this way from now on, or not at all.
    pub(super) fn offer(&self, offer: Option<RelayOffer>, port: u16) {
        self.orders.send_replace((offer, port));
    }

    /// The addresses of the interfaces that it listens on.
    pub(super) fn interfaces(&self) -> Vec<IpAddr> {
        let everywhere = [SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0)];
        let listen = match self.bind.is_empty() {
            true => &everywhere[..],
            false => &self.bind,
        };
        let found = listen.iter().map(|address| own_addresses(address.ip()));
        let found = found.inspect(|found| {
            if let Err(error) = found {
                debug!(%error, "cannot tell this machine's addresses");
            }
        });
        found.flatten().flatten().collect()
    }
}

/// Who may use it, shared with the doorkeeper.
#[derive(Clone, Debug, Default)]
struct Clients(Arc<RwLock<BTreeMap<DeviceKey, PeerId>>>);

impl Clients {
    /// On whose account a device relays.
    fn account(&self, device: DeviceKey) -> Option<PeerId> {
        let clients = self.0.read().unwrap_or_else(PoisonError::into_inner);
        clients.get(&device).copied()
    }

    /// Lets these in from now on; gives those who were let in and are not any more.
    fn replace(&self, clients: BTreeMap<DeviceKey, PeerId>) -> Vec<DeviceKey> {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *current, clients);
        before
            .into_keys()
            .filter(|device| !current.contains_key(device))
            .collect()
    }
}

/// Runs the server while there is somebody to run it for.
struct Keeper {
    plan: RelayPlan,
    inputs: mpsc::WeakUnboundedSender<Input>,
    clients: Clients,
    server: Option<RelayServer>,
}

impl Keeper {
    /// Follows the orders until there are no more.
    async fn run(mut self, mut ordered: watch::Receiver<Order>) {
        while ordered.changed().await.is_ok() {
            let (offer, port) = ordered.borrow_and_update().clone();
            let relay = match offer {
                Some(offer) => self.serve(offer, port).await,
                None => {
                    self.stop().await;
                    None
                }
            };
            let Some(inputs) = self.inputs.upgrade() else {
                break;
            };
            // A node that is shutting down need not be told.
            let _ = inputs.send(Input::OwnRelay(relay));
        }
        self.stop().await;
    }

    /// Serves these clients; where.
    async fn serve(&mut self, offer: RelayOffer, port: u16) -> Option<Introducer> {
        let parted = self.clients.replace(offer.clients);
        if let Some(server) = &self.server {
            for device in parted {
                server.disconnect(device);
            }
        } else {
            self.server = self.start(offer.port.unwrap_or(port)).await;
        }
        let server = self.server.as_ref()?;
        let discovery = server.discovery_addresses();
        let ports = Ports {
            tcp: server.tcp_addresses().first()?.port(),
            udp: 0,
            discovery: discovery.first().map_or(0, SocketAddr::port),
        };
        let trust = server.trust().clone();
        Some(Introducer::new(
            self.plan.key,
            offer.addresses,
            ports,
            trust,
        ))
    }

    /// Starts the server on the first of the wanted places that is free.
    async fn start(&self, port: u16) -> Option<RelayServer> {
        let wanted = match self.plan.settings.port {
            0 => port,
            port => port,
        };
        let mut failure = None;
        for listen in self.places(wanted) {
            match RelayServer::start(self.config(listen)).await {
                Ok(server) => {
                    info!("relaying for contacts");
                    return Some(server);
                }
                Err(error @ StartError::Tls(_)) => {
                    failure = Some(error);
                    break;
                }
                Err(error) => failure = Some(error),
            }
        }
        if let Some(error) = failure {
            warn!(%error, "cannot relay for contacts");
        }
        None
    }

    /// Where to listen: on the interfaces of the contact face, with the port of choice or with any.
    fn places(&self, port: u16) -> Vec<Vec<SocketAddr>> {
        let on = |ips: &[IpAddr], port| ips.iter().map(|ip| SocketAddr::new(*ip, port)).collect();
        let bound: Vec<IpAddr> = self.plan.bind.iter().map(SocketAddr::ip).collect();
        let everywhere = [Ipv6Addr::UNSPECIFIED.into()];
        // Without IPv6 there is no [::] to bind.
        let without_v6 = [Ipv4Addr::UNSPECIFIED.into()];
        let choices = match bound.is_empty() {
            true => vec![&everywhere[..], &without_v6[..]],
            false => vec![&bound[..]],
        };
        let each = choices
            .into_iter()
            .flat_map(|ips| [on(ips, port), on(ips, 0)]);
        each.collect()
    }

    fn config(&self, listen: Vec<SocketAddr>) -> RelayServerConfig {
        let first = listen.first().copied();
        let first = first.unwrap_or_else(|| SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0));
        let discovery_port = match first.port() {
            0 => 0,
            port => port.checked_add(1).unwrap_or(0),
        };
        RelayServerConfig {
            listen,
            discovery_port: Some(discovery_port),
            limits: limits(&self.plan.settings),
            doorkeeper: doorkeeper(&self.plan, self.clients.clone()),
            hidden: true,
            ..RelayServerConfig::new(first, self.plan.data.clone())
        }
    }

    async fn stop(&mut self) {
        self.clients.replace(BTreeMap::new());
        if let Some(server) = self.server.take() {
            server.shutdown().await;
        }
    }
}

/// The bounds of the server.
fn limits(settings: &RelayForContacts) -> Limits {
    let rate = settings.kibibytes_per_second.saturating_mul(1024);
    Limits {
        connections: CONNECTIONS,
        connections_per_address: CONNECTIONS_PER_ADDRESS,
        half_open: HALF_OPEN,
        half_open_per_address: HALF_OPEN_PER_ADDRESS,
        bytes_per_second: NonZeroU32::new(rate),
        ..Limits::default()
    }
}

/// Lets contacts in, each with its quota over all its devices; and this node itself, to reach them, with none.
fn doorkeeper(plan: &RelayPlan, clients: Clients) -> Doorkeeper {
    let (me, quota) = (plan.me, u64::from(plan.settings.mebibytes_per_day) << 20);
    Doorkeeper::new(move |device, _| match clients.account(device) {
        Some(peer) => Admission::Admit(Allowance {
            bytes_per_day: (peer != me).then_some(quota),
            ..Allowance::of(*peer.as_bytes())
        }),
        None => Admission::Refuse,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> RelayPlan {
        RelayPlan {
            settings: RelayForContacts {
                mebibytes_per_day: 2,
                ..RelayForContacts::default()
            },
            bind: Vec::new(),
            data: PathBuf::new(),
            me: PeerId([9; 32]),
            key: DeviceKey([8; 32]),
        }
    }

    #[test]
    fn contacts_are_let_in_on_their_account_and_strangers_are_not() {
        let clients = Clients::default();
        let (phone, laptop, mine) = (DeviceKey([1; 32]), DeviceKey([2; 32]), DeviceKey([3; 32]));
        let (bob, me) = (PeerId([5; 32]), PeerId([9; 32]));
        clients.replace(BTreeMap::from([(phone, bob), (laptop, bob), (mine, me)]));
        let doorkeeper = doorkeeper(&plan(), clients.clone());
        let ask = |device| doorkeeper.ask(device, Ipv4Addr::LOCALHOST.into());
        let of_bob = Admission::Admit(Allowance {
            bytes_per_day: Some(2 * 1024 * 1024),
            ..Allowance::of([5; 32])
        });
        assert_eq!((ask(phone), ask(laptop)), (of_bob.clone(), of_bob));
        assert_eq!(ask(mine), Admission::Admit(Allowance::of([9; 32])));
        assert_eq!(ask(DeviceKey([4; 32])), Admission::Refuse);

        let parted = clients.replace(BTreeMap::from([(laptop, bob)]));
        assert_eq!(parted, [phone, mine]);
        assert_eq!(ask(phone), Admission::Refuse);
    }
}
