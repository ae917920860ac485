//! One iroh endpoint per face: bound, dialled from, accepted on, and told at run time which relays to use.
//!
//! iroh tells a dialler the direct addresses of an endpoint while the handshake still runs, before anybody has proven
//! anything. The public face therefore has no IP sockets at all: it is reachable through relays, has no address to tell,
//! and `tests/it/engine` watches that it tells none. Only whoever runs a public server and says so gives it sockets.

use std::collections::BTreeMap;
use std::future::ready;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use iroh::endpoint::{BindOpts, PortmapperConfig, presets};
use iroh::{
    Endpoint, EndpointAddr, NetReportConfig, RelayConfig, RelayMap, RelayMode, RelayUrl,
    TransportAddr, Watcher as _,
};
use iroh_relay::RelayQuicConfig;
use kith_core::address::Route;
use kith_core::ids::{DeviceKey, Face};
use kith_core::introducer::Introducer;
use kith_core::routing::config::DIAL_WITHIN;
use kith_core::routing::wire::ALPN;
use thiserror::Error;
use tokio::sync::{Mutex, watch};
use tokio_util::task::AbortOnDropHandle;
use tracing::debug;

use super::accept::Acceptor;
use super::connection::Connection;
use super::relay_name::{relay_resolver, relay_tls_config, relay_url_text};
use super::transport::transport_config;

mod config;

pub use config::{BindError, FaceConfig};

/// The port of the addresses that come and go to make iroh look for direct paths anew. They are told to the other sides
/// for that moment, so nothing is there and nobody is bothered: the discard port (RFC 863) of whoever tries it.
const DECOY_PORT: u16 = 9;

/// How long the decoy may take to be noticed before it is taken away regardless; iroh takes milliseconds.
const DECOY_WAIT_MAX: Duration = Duration::from_secs(1);

/// Why a dial failed. What the other side answered after the handshake is no business of this enum.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DialError {
    /// The route has no address that this face can use.
    #[error("nowhere to dial: no usable address or relay is known")]
    NoRoute,
    /// The route's key is no Ed25519 point.
    #[error("not a device key")]
    NotAKey,
    /// Nobody answered within [`DIAL_WITHIN`].
    #[error("no answer")]
    NoAnswer,
    /// The handshake failed, or this endpoint is closed.
    #[error("the handshake failed: {0}")]
    Handshake(String),
}

/// How an endpoint stands with its home relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayState {
    /// The relay's URL, as in a [`Route`].
    pub url: String,
    /// Whether it carries our traffic now.
    pub is_connected: bool,
    /// Why not, when the last try failed.
    pub failure: Option<String>,
}

/// A bound endpoint. Clones share it.
#[derive(Clone, Debug)]
pub struct FaceEndpoint(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    face: Face,
    relay_only: bool,
    endpoint: Endpoint,
    acceptor: Acceptor,
    /// The relays in use, by URL. Held while they are exchanged, so that two calls do not mix.
    relays: Mutex<BTreeMap<String, Introducer>>,
    routes: watch::Receiver<Route>,
    /// How many decoys there have been.
    decoys: AtomicU8,
    _route_task: AbortOnDropHandle<()>,
}

impl FaceEndpoint {
    /// Binds a face and starts to accept.
    ///
    /// # Errors
    /// [`BindError`] when an address is given twice or cannot be listened on.
    pub async fn bind(config: FaceConfig) -> Result<Self, BindError> {
        let relay_only = config.is_relay_only();
        let relays: BTreeMap<String, Introducer> = by_url(&config.relays);
        let relay_map = RelayMap::empty();
        for introducer in relays.values() {
            if let Some((url, relay)) = relay_of(introducer) {
                relay_map.insert(url, relay);
            }
        }
        let mut builder = Endpoint::builder(presets::Empty)
            .crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .secret_key(config.secret)
            .alpns(vec![ALPN.to_vec()])
            .transport_config(transport_config())
            .relay_mode(RelayMode::Custom(relay_map))
            .ca_tls_config(relay_tls_config(&config.relay_roots))
            .dns_resolver(relay_resolver())
            .net_report_config(net_report_config());
        if relay_only || !config.port_mapping {
            builder = builder.portmapper_config(PortmapperConfig::Disabled);
        }
        if relay_only {
            builder = builder.clear_ip_transports();
        } else if !config.bind.is_empty() {
            builder = builder.clear_ip_transports();
            for address in config.bind.iter().copied() {
                builder = builder
                    .bind_addr_with_opts(address, BindOpts::default())
                    .map_err(|_| BindError::SecondAddress(address))?;
            }
        }
        let endpoint = builder.bind().await.map_err(|error| BindError::Refused {
            bind: config.bind,
            reason: format!("{error:#}"),
        })?;
        let (routes, route_task) = follow_route(&endpoint, relay_only);
        Ok(Self(Arc::new(Shared {
            face: config.face,
            relay_only,
            acceptor: Acceptor::start(endpoint.clone()),
            endpoint,
            relays: Mutex::new(relays),
            routes,
            decoys: AtomicU8::new(0),
            _route_task: route_task,
        })))
    }

    /// Which face it is.
    pub fn face(&self) -> Face {
        self.0.face
    }

    /// The key it presents.
    pub fn device(&self) -> DeviceKey {
        DeviceKey(*self.0.endpoint.id().as_bytes())
    }

    /// The addresses its sockets are bound to; none for a relay-only face.
    pub fn bound_addresses(&self) -> Vec<SocketAddr> {
        self.0.endpoint.bound_sockets()
    }

    /// Where it can be reached now: the addresses it has found, and the relay it keeps a connection to.
    pub fn route(&self) -> Route {
        route_of(self.0.endpoint.addr(), self.0.relay_only)
    }

    /// Follows [`Self::route`].
    pub fn watch_route(&self) -> watch::Receiver<Route> {
        self.0.routes.clone()
    }

    /// Waits until a relay can be used. Waits for ever where none is given or none answers: bound it.
    pub async fn online(&self) {
        self.0.endpoint.online().await;
    }

    /// How it stands with its home relay; empty while none is chosen.
    pub fn relay_states(&self) -> Vec<RelayState> {
        let states = self.0.endpoint.home_relay_status().get();
        let describe = |state: iroh::endpoint::RelayStatus| RelayState {
            url: relay_url_text(state.url()),
            is_connected: state.is_connected(),
            failure: state.last_error().map(|error| format!("{error:#}")),
        };
        states.into_iter().map(describe).collect()
    }

    /// The URLs of home relays, each when it carries our traffic no more. Ends with the endpoint.
    pub fn lost_relays(&self) -> impl Stream<Item = String> + use<> {
        let mut carrying: Option<String> = None;
        let states = self.0.endpoint.home_relay_status().stream();
        let lost = states.filter_map(move |states| {
            let (up, down): (Vec<_>, Vec<_>) = states.iter().partition(|it| it.is_connected());
            let before =
                std::mem::replace(&mut carrying, up.first().map(|it| relay_url_text(it.url())));
            // One that another took the place of is not lost.
            let is_lost =
                |before: &String| down.iter().any(|it| relay_url_text(it.url()) == *before);
            ready(before.filter(is_lost))
        });
        lost.take_until(self.0.endpoint.closed())
    }

    /// Uses the relays of these introducers and no others. Connections over a relay that is left out go on until their
    /// path is lost.
    pub async fn set_relays(&self, introducers: &[Introducer]) {
        let wanted = by_url(introducers);
        let mut current = self.0.relays.lock().await;
        for (url, introducer) in &wanted {
            if current.get(url) == Some(introducer) {
                continue;
            }
            if let Some((url, relay)) = relay_of(introducer) {
                self.0.endpoint.insert_relay(url, relay).await;
            }
        }
        for (url, introducer) in current.iter() {
            if wanted.contains_key(url) {
                continue;
            }
            if let Some((url, _)) = relay_of(introducer) {
                self.0.endpoint.remove_relay(&url).await;
            }
        }
        *current = wanted;
    }

    /// Dials a device. Close an old connection to it *first*: while one lives, its path is tried before the route.
    ///
    /// # Errors
    /// [`DialError`]; the device that answers is the route's or the handshake fails.
    pub async fn connect(&self, route: &Route) -> Result<Connection, DialError> {
        let id =
            iroh::PublicKey::from_bytes(route.device.as_bytes()).map_err(|_| DialError::NotAKey)?;
        let relays = route
            .relays
            .iter()
            .filter_map(|url| Some(TransportAddr::Relay(url.parse().ok()?)));
        let addresses = route.addresses.iter().map(|ip| TransportAddr::Ip(*ip));
        let addresses = addresses.filter(|_| !self.0.relay_only);
        let target = EndpointAddr::from_parts(id, addresses.chain(relays));
        if target.is_empty() {
            return Err(DialError::NoRoute);
        }
        let dial = self.0.endpoint.connect(target, ALPN);
        let connection = tokio::time::timeout(DIAL_WITHIN, dial)
            .await
            .map_err(|_| DialError::NoAnswer)?
            .map_err(|error| DialError::Handshake(format!("{error:#}")))?;
        Connection::new(connection, &self.0.endpoint)
            .ok_or_else(|| DialError::Handshake("no exporter".into()))
    }

    /// The next connection from outside, its handshake done; `None` once the endpoint is closed. To be called by one
    /// task only: further callers wait in turn.
    pub async fn accept(&self) -> Option<Connection> {
        self.0.acceptor.next().await
    }

    /// The direct addresses that iroh holds of a device, however it came by them. For tests of disclosure and for
    /// `kith doctor`.
    pub async fn known_addresses(&self, device: DeviceKey) -> Vec<SocketAddr> {
        let Ok(id) = iroh::PublicKey::from_bytes(device.as_bytes()) else {
            return Vec::new();
        };
        let Some(info) = self.0.endpoint.remote_info(id).await else {
            return Vec::new();
        };
        info.into_addrs()
            .filter_map(|address| match address.into_addr() {
                TransportAddr::Ip(address) => Some(address),
                _ => None,
            })
            .collect()
    }

    /// Looks for direct paths of all connections at once, where iroh by itself would look again within a minute. For a
    /// connection that has fallen back to a relay while no interface of this device changed.
    pub async fn seek_direct_paths(&self) {
        if self.0.relay_only {
            return;
        }
        let engine = &self.0.endpoint;
        let mut addresses = engine.watch_addr().stream();
        // iroh looks again within 5 s only for an address that it did not know the last time.
        let decoy = decoy(self.0.decoys.fetch_add(1, Ordering::Relaxed));
        engine.add_external_addr(decoy).await;
        let noticed = async {
            let decoy = TransportAddr::Ip(decoy);
            while let Some(address) = addresses.next().await {
                if address.addrs.contains(&decoy) {
                    break;
                }
            }
        };
        // Not noticed in time is no fault: it has been tried.
        let _ = tokio::time::timeout(DECOY_WAIT_MAX, noticed).await;
        engine.remove_external_addr(&decoy).await;
    }

    /// Tells the engine that an interface came, went or changed, where the system does not say so itself.
    pub async fn network_changed(&self) {
        self.0.endpoint.network_change().await;
    }

    /// iroh's own endpoint, for what this wrapper has no word for.
    pub fn engine(&self) -> &Endpoint {
        &self.0.endpoint
    }

    /// Closes all connections, tells the other sides, and waits until they are told.
    pub async fn close(&self) {
        self.0.endpoint.close().await;
    }
}

/// Latency probes over HTTPS find the home relay where UDP is blocked. The captive-portal check is left out: it speaks
/// plain HTTP to port 80 of the relay, where an introducer does not listen.
fn net_report_config() -> NetReportConfig {
    let mut config = NetReportConfig::default();
    config.captive_portal_check = false;
    config
}

/// The introducers by the URL of their relay; of two with one URL the later counts.
fn by_url(introducers: &[Introducer]) -> BTreeMap<String, Introducer> {
    introducers
        .iter()
        .map(|introducer| (introducer.relay_url(), introducer.clone()))
        .collect()
}

/// An introducer's relay as iroh wants it. `None` for a line whose URL does not parse, which its reader has refused.
fn relay_of(introducer: &Introducer) -> Option<(RelayUrl, Arc<RelayConfig>)> {
    let url: RelayUrl = introducer.relay_url().parse().ok()?;
    let discovery =
        (introducer.discovery_port != 0).then(|| RelayQuicConfig::new(introducer.discovery_port));
    Some((url.clone(), Arc::new(RelayConfig::new(url, discovery))))
}

/// The decoy of this number.
fn decoy(number: u8) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(127, 0, number, 1), DECOY_PORT))
}

fn is_decoy(address: SocketAddr) -> bool {
    address.ip().is_loopback() && address.port() == DECOY_PORT
}

/// iroh's address as a route, within its bounds.
fn route_of(address: EndpointAddr, relay_only: bool) -> Route {
    let mut route = Route::new(DeviceKey(*address.id.as_bytes()));
    for place in address.addrs {
        match place {
            TransportAddr::Ip(address) if is_decoy(address) => {}
            TransportAddr::Ip(address) if !relay_only => route.addresses.push(address),
            TransportAddr::Relay(url) => route.relays.push(relay_url_text(&url)),
            _ => {}
        }
    }
    route.bounded()
}

/// Copies iroh's address into a channel that outlives borrowed watchers.
fn follow_route(
    endpoint: &Endpoint,
    relay_only: bool,
) -> (watch::Receiver<Route>, AbortOnDropHandle<()>) {
    let mut watcher = endpoint.watch_addr();
    let (sender, receiver) = watch::channel(route_of(watcher.get(), relay_only));
    let closed = endpoint.closed();
    let task = tokio::spawn(async move {
        let follow = async {
            let mut addresses = watcher.stream();
            while let Some(address) = addresses.next().await {
                let route = route_of(address, relay_only);
                debug!(addresses = route.addresses.len(), relays = ?route.relays, "route");
                sender.send_if_modified(|old| {
                    let changed = *old != route;
                    if changed {
                        *old = route;
                    }
                    changed
                });
            }
        };
        closed.run_until(follow).await;
    });
    (receiver, AbortOnDropHandle::new(task))
}

#[cfg(test)]
mod tests {
    use super::*;
    use iroh::SecretKey;
    use kith_core::ids::TlsPin;
    use kith_core::introducer::{Ports, Trust};

    #[test]
    fn relay_urls_survive_the_engine_unchanged() {
        let pinned = Trust::Pin(TlsPin([3; 32]));
        let named = Trust::Domain("Relay.Example.org".to_owned());
        for (trust, tcp) in [(&pinned, 7118), (&pinned, 443), (&named, 443), (&named, 80)] {
            let ports = Ports {
                tcp,
                udp: 7119,
                discovery: 7120,
            };
            let addresses = vec!["::1".parse().expect("literal")];
            let introducer = Introducer::new(DeviceKey([1; 32]), addresses, ports, trust.clone());
            let (url, relay) = relay_of(&introducer).expect("a URL");
            assert_eq!(relay.quic.as_ref().map(|quic| quic.port), Some(7120));
            let id = SecretKey::from_bytes(&[1; 32]).public();
            let address = EndpointAddr::from_parts(id, [TransportAddr::Relay(url)]);
            assert_eq!(route_of(address, true).relays, [introducer.relay_url()]);
        }
    }

    #[test]
    fn decoys_are_in_no_route() {
        let id = SecretKey::from_bytes(&[1; 32]).public();
        let decoys = [0, 1, u8::MAX].map(|number| TransportAddr::Ip(decoy(number)));
        let address = EndpointAddr::from_parts(id, decoys);
        assert!(route_of(address, false).is_empty());
    }

    #[test]
    fn a_relay_only_route_holds_no_address() {
        let id = SecretKey::from_bytes(&[1; 32]).public();
        let place = TransportAddr::Ip(([192, 0, 2, 1], 1).into());
        let address = EndpointAddr::from_parts(id, [place]);
        assert!(route_of(address.clone(), true).is_empty());
        assert_eq!(route_of(address, false).addresses.len(), 1);
    }
}
