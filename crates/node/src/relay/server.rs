//! One TCP port with TLS: the relay, its probe, health and metrics, over HTTP/1.1; and beside it the UDP port of
//! address discovery.
//!
//! A connection passes the gate when it is accepted, has [`Limits::handshake_timeout`] for TLS, the same again for each
//! request's head, and [`Limits::http_lifetime`] for all of it unless it becomes a relay client.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use iroh_relay::http::{RELAY_PATH, RELAY_PROBE_PATH};
use kith_core::discovery::NextPin;
use kith_core::ids::DeviceKey;
use kith_core::introducer::{Introducer, Ports, Trust};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use super::address_discovery::{AddressDiscovery, AddressDiscoveryError};
use super::caller::Caller;
use super::config::RelayServerConfig;
use super::forwarding::Relay;
use super::limits::{Gate, Limits, Pass};
use super::metrics::{self, Metrics};
use super::response::{Body, plain, probe};
use super::tls::Tls;
use super::tls_error::TlsError;

/// The largest head of a request, in bytes; a relay client's is under 1 KiB.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// How long to wait before accepting again when the system is out of file descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long connections have to say goodbye at shutdown.
const SHUTDOWN_MAX: Duration = Duration::from_secs(5);

/// Where captive portals are noticed, as the stock relay server answers it.
const PORTAL_PROBE_PATH: &str = "/generate_204";

/// Why a server did not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The TCP port cannot be bound.
    #[error("cannot listen on TCP {address}: {source}")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// There is no address to listen on.
    #[error("no address to listen on")]
    NowhereToListen,
    /// The TLS key or certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The UDP port.
    #[error(transparent)]
    AddressDiscovery(#[from] AddressDiscoveryError),
}

/// A running server. Dropping it stops it in the background; [`shutdown`](Self::shutdown) waits until all is closed.
#[derive(Debug)]
pub struct RelayServer {
    tcp: Vec<SocketAddr>,
    discovery: Vec<AddressDiscovery>,
    trust: Trust,
    next_pin: Option<NextPin>,
    advertised: Vec<IpAddr>,
    gate: Gate,
    relay: Relay,
    metrics: Arc<Metrics>,
    tasks: TaskTracker,
    closing: DropGuard,
}

impl RelayServer {
    /// Binds the ports and serves in the background.
    ///
    /// # Errors
    /// [`StartError`] when a port is taken, or key or certificate cannot be used.
    pub async fn start(config: RelayServerConfig) -> Result<Self, StartError> {
        let (closing, tasks) = (CancellationToken::new(), TaskTracker::new());
        let stop_on_error = closing.clone().drop_guard();
        let metrics = Arc::new(Metrics::default());
        let tls = Tls::load(&config, &closing, &tasks).await?;
        let (trust, next_pin) = (tls.trust.clone(), tls.next);
        let listeners = bind(&config.listen).await?;
        let discovery =
            start_discovery(&config, &listeners, &tls.config, &metrics, &closing, &tasks)?;
        let gate = Gate::new(config.limits.clone());
        let relay = Relay::new(&config.limits, config.doorkeeper, metrics.clone());
        tasks.spawn({
            let (relay, closing) = (relay.clone(), closing.clone());
            async move {
                closing.cancelled().await;
                relay.shutdown().await;
            }
        });
        let port = Port(Arc::new(Shared {
            tls,
            gate: gate.clone(),
            relay: relay.clone(),
            limits: config.limits,
            is_hidden: config.hidden,
            metrics: metrics.clone(),
            closing: closing.clone(),
            tasks: tasks.clone(),
        }));
        let mut tcp = Vec::with_capacity(listeners.len());
        for (address, listener) in listeners {
            info!(port = address.port(), "introducer listens");
            tcp.push(address);
            let (port, closing) = (port.clone(), closing.clone());
            tasks.spawn(async move { closing.run_until_cancelled(port.accept(listener)).await });
        }
        Ok(Self {
            tcp,
            discovery,
            trust,
            next_pin,
            advertised: config.advertised,
            gate,
            relay,
            metrics,
            tasks,
            closing: stop_on_error,
        })
    }

    /// Where the TCP port is bound; never empty.
    pub fn tcp_addresses(&self) -> &[SocketAddr] {
        &self.tcp
    }

    /// Where address discovery is bound; empty where it is off.
    pub fn discovery_addresses(&self) -> Vec<SocketAddr> {
        self.discovery
            .iter()
            .map(AddressDiscovery::address)
            .collect()
    }

    /// The TLS key that it will show instead, where a change is under way.
    pub fn next_pin(&self) -> Option<NextPin> {
        self.next_pin
    }

    /// How clients know its TLS key, as of its start.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Its line, given the key and the UDP port of its `kith/1` endpoint. It names the advertised addresses, or, where
    /// none are configured, those bound; `None` where neither are any that somebody else could dial.
    pub fn introducer(&self, key: DeviceKey, udp_port: u16) -> Option<Introducer> {
        let addresses = dialable(&self.advertised, &self.tcp);
        if addresses.is_empty() && matches!(self.trust, Trust::Pin(_)) {
            return None;
        }
        let discovery = self.discovery.first().map(AddressDiscovery::address);
        let ports = Ports {
            tcp: self.tcp.first().map_or(0, SocketAddr::port),
            udp: udp_port,
            discovery: discovery.map_or(0, |address| address.port()),
        };
        Some(Introducer::new(key, addresses, ports, self.trust.clone()))
    }

    /// What it counts; the registry counts here too.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// How many TCP connections are open.
    pub fn connections(&self) -> usize {
        self.gate.open()
    }

    /// Its relay, to be asked from where a client connects.
    pub(crate) fn relay(&self) -> Relay {
        self.relay.clone()
    }

    /// Disconnects a relay client, whom the doorkeeper no longer admits; whether it was connected.
    pub fn disconnect(&self, client: DeviceKey) -> bool {
        self.relay.disconnect(client)
    }

    /// Stops listening, disconnects everyone, and waits until all is closed, 5 s at most.
    pub async fn shutdown(self) {
        drop(self.closing);
        self.tasks.close();
        let closed = async {
            for discovery in &self.discovery {
                discovery.closed().await;
            }
            self.tasks.wait().await;
        };
        if timeout(SHUTDOWN_MAX, closed).await.is_err() {
            warn!("some connections did not close in time");
        }
    }
}

/// The addresses to tell others.
fn dialable(advertised: &[IpAddr], bound: &[SocketAddr]) -> Vec<IpAddr> {
    if advertised.is_empty() {
        let bound = bound.iter().map(SocketAddr::ip);
        bound.filter(|ip| !ip.is_unspecified()).collect()
    } else {
        advertised.to_vec()
    }
}

/// Binds every address, all on the port that the first one got.
async fn bind(listen: &[SocketAddr]) -> Result<Vec<(SocketAddr, TcpListener)>, StartError> {
    let mut listeners: Vec<(SocketAddr, TcpListener)> = Vec::with_capacity(listen.len());
    for wanted in listen {
        let mut wanted = *wanted;
        if let (0, Some((first, _))) = (wanted.port(), listeners.first()) {
            wanted.set_port(first.port());
        }
        let bound = TcpListener::bind(wanted).await;
        let bound = bound.and_then(|listener| Ok((listener.local_addr()?, listener)));
        listeners.push(bound.map_err(|source| StartError::Bind {
            address: wanted,
            source,
        })?);
    }
    if listeners.is_empty() {
        return Err(StartError::NowhereToListen);
    }
    Ok(listeners)
}

/// Starts address discovery on every address that has a TCP listener, all on one port.
fn start_discovery(
    config: &RelayServerConfig,
    listeners: &[(SocketAddr, TcpListener)],
    tls: &rustls::ServerConfig,
    metrics: &Arc<Metrics>,
    closing: &CancellationToken,
    tasks: &TaskTracker,
) -> Result<Vec<AddressDiscovery>, StartError> {
    let mut started: Vec<AddressDiscovery> = Vec::new();
    let Some(mut port) = config.discovery_port else {
        return Ok(started);
    };
    let gate = Gate::new(config.limits.clone());
    for (address, _) in listeners {
        let discovery = AddressDiscovery::start(
            SocketAddr::new(address.ip(), port),
            tls.clone(),
            gate.clone(),
            config.limits.handshake_timeout,
            metrics.clone(),
            closing.clone(),
            tasks,
        )?;
        port = discovery.address().port();
        started.push(discovery);
    }
    Ok(started)
}

/// The TCP port.
#[derive(Clone)]
struct Port(Arc<Shared>);

struct Shared {
    tls: Tls,
    gate: Gate,
    relay: Relay,
    limits: Limits,
    is_hidden: bool,
    metrics: Arc<Metrics>,
    closing: CancellationToken,
    tasks: TaskTracker,
}

impl Port {
    /// Takes connections for good.
    async fn accept(&self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, address)) => self.take(stream, address.ip().to_canonical()),
                Err(error) => {
                    warn!(%error, "cannot accept connections");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Takes one connection, if the gate has room for it.
    fn take(&self, stream: TcpStream, ip: IpAddr) {
        let metrics = &self.0.metrics;
        let pass = match self.0.gate.enter(ip) {
            Ok(pass) => pass,
            Err(error) => {
                metrics.refused.increment();
                debug!(%error, "connection refused");
                return;
            }
        };
        metrics.accepted.increment();
        let port = self.clone();
        let closing = self.0.closing.clone();
        self.0.tasks.spawn(async move {
            closing
                .run_until_cancelled(port.serve(stream, ip, pass))
                .await;
        });
    }

    /// Shakes hands and answers requests until the connection ends or becomes a relay client.
    async fn serve(&self, stream: TcpStream, ip: IpAddr, pass: Pass) {
        let Shared {
            tls,
            limits,
            metrics,
            ..
        } = &*self.0;
        // Delayed small packets cost an interactive session half a round trip each; failing is harmless.
        stream.set_nodelay(true).ok();
        let stream = match timeout(limits.handshake_timeout, tls.accept(stream)).await {
            Ok(Ok(Some(stream))) => stream,
            Ok(Ok(None)) => return,
            Ok(Err(error)) => {
                metrics.handshakes_failed.increment();
                debug!(%error, "no TLS");
                return;
            }
            Err(_) => {
                metrics.handshakes_timed_out.increment();
                return;
            }
        };
        let (tasks, closing) = (self.0.tasks.clone(), self.0.closing.clone());
        let caller = Arc::new(Caller::new(ip, pass.established(), tasks, closing));
        let answer = service_fn(|request| {
            let response = self.answer(request, &caller);
            async move { Ok::<_, Infallible>(response) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.handshake_timeout)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), answer)
            .with_upgrades();
        if let Ok(Err(error)) = timeout(limits.http_lifetime, connection).await {
            debug!(%error, "HTTP ended");
        }
    }

    fn answer(&self, request: Request<Incoming>, caller: &Arc<Caller>) -> Response<Body> {
        if request.uri().path() == RELAY_PATH && request.method() == Method::GET {
            return self.0.relay.upgrade(request, caller.clone());
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "GET only\n");
        }
        match request.uri().path() {
            RELAY_PROBE_PATH => probe(StatusCode::OK),
            PORTAL_PROBE_PATH => probe(StatusCode::NO_CONTENT),
            "/healthz" | "/metrics" if self.0.is_hidden => {
                plain(StatusCode::NOT_FOUND, "not found\n")
            }
            "/healthz" if self.0.metrics.registry_unwritable.get() > 0 => plain(
                StatusCode::SERVICE_UNAVAILABLE,
                "the registry cannot be written\n",
            ),
            "/healthz" => plain(StatusCode::OK, "ok\n"),
            "/metrics" => {
                let gate = &self.0.gate;
                let text = self.0.metrics.render(gate.open(), gate.half_open());
                let mut response = plain(StatusCode::OK, text);
                let media_type = HeaderValue::from_static(metrics::MEDIA_TYPE);
                response.headers_mut().insert(CONTENT_TYPE, media_type);
                response
            }
            _ => plain(StatusCode::NOT_FOUND, "not found\n"),
        }
    }
}

#[cfg(test)]
mod tests;
