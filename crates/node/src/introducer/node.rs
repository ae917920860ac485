//! A whole introducer: the relay and its HTTP port, address discovery, and a node whose public face serves the registry.
//!
//! The node is an ordinary one with a public face alone: clients are strangers to it and it to them, it has no
//! contacts and announces nothing. Its key is the line's key. It keeps a place at its own relay, so that clients whose
//! network lets no UDP pass reach the registry as well.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kith_core::discovery::{Client, REGISTRY_PROTOCOL, RegistryConfig};
use kith_core::ids::{DeviceKey, Face};
use kith_core::introducer::{Introducer, Ports, ToldAddressesError, check_told};
use kith_core::protocol::ProtocolName;
use kith_core::routing::Access;
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{debug, info};

use super::notices::{AnnounceError, Announcer, place_at_own_relay};
use super::registry::RegistryService;
use crate::error::Error;
use crate::identity::Keys;
use crate::peer::{Acceptor, Node, SpawnError, Stream};
use crate::relay::{
    Limits, Relay, RelayServer, RelayServerConfig, StartError, TlsMode, own_addresses,
};
use crate::store::StoreError;

/// Clients' sessions kept: 2,000 registered peers on one core, twice over. At 99 KiB each that is 400 MiB when all are
/// there at once; an idle one makes room after five minutes.
const CLIENTS_MAX: usize = 4_096;

/// An introducer to be.
#[derive(Clone, Debug)]
pub struct IntroducerBuilder {
    listen: SocketAddr,
    ports: Option<Ports>,
    advertised: Vec<IpAddr>,
    data: Option<PathBuf>,
    tls: TlsMode,
    limits: Limits,
    registry: RegistryConfig,
    change_key_after: Option<Duration>,
    elsewhere: Vec<Introducer>,
}

/// Why an introducer does not start. Nothing is left running.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IntroducerError {
    /// Its `kith/1` endpoint or its data directory.
    #[error(transparent)]
    Node(#[from] SpawnError),
    /// Its relay.
    #[error(transparent)]
    Relay(#[from] StartError),
    /// Its records.
    #[error(transparent)]
    Registry(#[from] StoreError),
    /// Its own notice.
    #[error(transparent)]
    Notice(#[from] AnnounceError),
    /// The node stopped at once.
    #[error(transparent)]
    Stopped(#[from] Error),
    /// The system does not tell its interfaces.
    #[error("cannot tell this machine's addresses: {0}; name those to advertise")]
    Interfaces(#[source] io::Error),
    /// There is no address that others could use.
    #[error("this machine has no address that others can reach; name those to advertise")]
    NoAddress,
    /// One that was named is nobody's, or there are too many.
    #[error(transparent)]
    Told(#[from] ToldAddressesError),
    /// There is no port after the last one.
    #[error("port {0} leaves none for address discovery, which takes the next; choose another")]
    LastPort(u16),
}

/// A running introducer.
#[derive(Debug)]
pub struct IntroducerNode {
    node: Node,
    server: RelayServer,
    registry: Arc<RegistryService>,
    introducer: Introducer,
    line: watch::Receiver<Introducer>,
}

impl IntroducerBuilder {
    /// Where to listen: TCP for relay, health and metrics, UDP of the same number for `kith/1`, and UDP of the next for
    /// address discovery. With port 0 the system picks three. `[::]` and `0.0.0.0` are all addresses, the former of
    /// both families.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Exactly these ports, in place of those that follow from [`IntroducerBuilder::listen`].
    #[must_use]
    pub fn ports(mut self, ports: Ports) -> Self {
        self.ports = Some(ports);
        self
    }

    /// The addresses that strangers reach it at, four at most; those of the machine's own interfaces when left out. Behind a router with forwarded ports they have to be named.
    #[must_use]
    pub fn advertise(mut self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.advertised = addresses.into_iter().collect();
        self
    }

    /// Keeps its keys and records in this directory, so that its line stays. Without one it is a new one each time.
    #[must_use]
    pub fn data_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.data = Some(directory.into());
        self
    }

    /// How clients know its TLS key; by a pin when left out.
    #[must_use]
    pub fn tls(mut self, mode: TlsMode) -> Self {
        self.tls = mode;
        self
    }

    /// The bounds of the relay and of its port.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The bounds of the registry.
    #[must_use]
    pub fn registry(mut self, config: RegistryConfig) -> Self {
        self.registry = config;
        self
    }

    /// Begins a change of the pinned TLS key, which takes place after `span`, unless one is under way or it is not known by
    /// a pin. Until then it is announced: nodes that hear of it change with it, those that do not have to reach the
    /// introducer by UDP, or one of those it [tells](IntroducerBuilder::tell), to learn of it.
    #[must_use]
    pub fn change_key_after(mut self, span: Duration) -> Self {
        self.change_key_after = Some(span);
        self
    }

    /// Leaves the signed notice of its line at these introducers too.
    #[must_use]
    pub fn tell(mut self, introducers: impl IntoIterator<Item = Introducer>) -> Self {
        self.elsewhere = introducers.into_iter().collect();
        self
    }

    /// Starts it. On return all ports are bound and its line is known.
    ///
    /// # Errors
    /// [`IntroducerError`]; nothing is left running.
    pub async fn spawn(self) -> Result<IntroducerNode, IntroducerError> {
        let ports = self.ports_to_bind()?;
        let advertised = self.addresses_to_tell()?;
        let node = self.spawn_node(ports.udp).await?;
        let started = self.serve(&node, ports, advertised).await;
        if started.is_err() {
            node.shutdown().await;
        }
        started
    }

    fn ports_to_bind(&self) -> Result<Ports, IntroducerError> {
        if let Some(ports) = self.ports {
            return Ok(ports);
        }
        let port = self.listen.port();
        let discovery = match port {
            0 => 0,
            port => port.checked_add(1).ok_or(IntroducerError::LastPort(port))?,
        };
        Ok(Ports {
            tcp: port,
            udp: port,
            discovery,
        })
    }

    fn addresses_to_tell(&self) -> Result<Vec<IpAddr>, IntroducerError> {
        if !self.advertised.is_empty() {
            check_told(&self.advertised)?;
            return Ok(self.advertised.clone());
        }
        let own = own_addresses(self.listen.ip()).map_err(IntroducerError::Interfaces)?;
        if own.is_empty() && self.tls == TlsMode::Pinned {
            return Err(IntroducerError::NoAddress);
        }
        Ok(own)
    }

    /// The node whose public face is the introducer's.
    async fn spawn_node(&self, port: u16) -> Result<Node, SpawnError> {
        // A UDP socket of the engine takes one family, where a TCP listener on [::] takes both.
        let everywhere = [
            SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port),
            SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port),
        ];
        let listen = match self.listen.ip() {
            IpAddr::V6(ip) if ip.is_unspecified() => everywhere.to_vec(),
            ip => vec![SocketAddr::new(ip, port)],
        };
        let builder = Node::builder()
            .public_server(listen)
            .public_face_only()
            .lan(None)
            .port_mapping(false)
            .keep_sessions(false)
            .strangers_max(CLIENTS_MAX);
        let builder = match &self.tls {
            // As a rule, who has an authority of their own gets its certificate by it too.
            TlsMode::Acme {
                root: Some(root), ..
            } => builder.relay_roots(root),
            // So that it has a place at its own relay where the authority is not one of the web's: who issued the
            // certificate stands in the chain behind it.
            TlsMode::Files { certificate, .. } => builder.relay_roots(certificate),
            _ => builder,
        };
        match &self.data {
            Some(directory) => builder.data_dir(directory).spawn().await,
            None => builder.spawn().await,
        }
    }

    /// Everything else, beside the node.
    async fn serve(
        self,
        node: &Node,
        ports: Ports,
        advertised: Vec<IpAddr>,
    ) -> Result<IntroducerNode, IntroducerError> {
        let (key, udp_port) = public_face(node).await?;
        let data = node.home().directory().to_owned();
        let server = RelayServer::start(RelayServerConfig {
            listen: vec![SocketAddr::new(self.listen.ip(), ports.tcp)],
            discovery_port: Some(ports.discovery),
            advertised,
            tls: self.tls,
            change_key_after: self.change_key_after,
            limits: self.limits,
            ..RelayServerConfig::new(self.listen, data.clone())
        })
        .await?;
        let introducer = server
            .introducer(key, udp_port)
            .ok_or(IntroducerError::NoAddress)?;
        let metrics = server.metrics().clone();
        let registry = Arc::new(RegistryService::open(&data, self.registry, metrics).await?);
        let name: ProtocolName = REGISTRY_PROTOCOL.parse().expect("a valid name");
        let streams = node.accept(name, Access::Anyone)?;
        node.spawn(serve_registry(streams, registry.clone(), server.relay()));
        let own_relay = place_at_own_relay(&introducer, self.listen.ip());
        node.set_introducers(vec![own_relay]).await?;
        let (sender, line) = watch::channel(introducer.clone());
        let announcer = Announcer {
            secret: Keys::load(&node.home().identity_key())
                .map_err(SpawnError::from)?
                .public_device,
            registry: registry.clone(),
            line: sender,
            next: server.next_pin(),
            elsewhere: self.elsewhere,
            visitors: node.visitors(),
            listen: self.listen.ip(),
            node: node.downgrade(),
        };
        let left = announcer.leave_here().await?;
        node.spawn(announcer.run(left));
        info!(udp_port, "introducer is up");
        Ok(IntroducerNode {
            node: node.clone(),
            server,
            registry,
            introducer,
            line,
        })
    }
}

impl IntroducerNode {
    /// Begins to describe an introducer, on any free ports of all addresses.
    pub fn builder() -> IntroducerBuilder {
        IntroducerBuilder {
            listen: SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0),
            ports: None,
            advertised: Vec::new(),
            data: None,
            tls: TlsMode::Pinned,
            limits: Limits::default(),
            registry: RegistryConfig::default(),
            change_key_after: None,
            elsewhere: Vec::new(),
        }
    }

    /// Its line as of its start, to be given to whoever may use it.
    pub fn introducer(&self) -> &Introducer {
        &self.introducer
    }

    /// Follows its line, which changes with its TLS key.
    pub fn line(&self) -> watch::Receiver<Introducer> {
        self.line.clone()
    }

    /// Its relay and HTTP port, and what it counts.
    pub fn server(&self) -> &RelayServer {
        &self.server
    }

    /// The node behind its public face.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Ends all sessions, writes what was taken, and waits until everything is closed.
    pub async fn shutdown(self) {
        self.node.shutdown().await;
        self.registry.close().await;
        self.server.shutdown().await;
    }
}

/// The key and the UDP port of the node's public face.
async fn public_face(node: &Node) -> Result<(DeviceKey, u16), Error> {
    let endpoint = node.endpoint(Face::Public).await?;
    let endpoint = endpoint.expect("every node has a public face");
    // With two families and port 0 there are two ports, and the line has room for one: IPv4's comes first.
    let bound = endpoint.bound_addresses();
    let port = bound.iter().min().map(SocketAddr::port);
    Ok((
        endpoint.device(),
        port.expect("a public server has a socket"),
    ))
}

/// Answers the registry's streams until the node ends.
async fn serve_registry(mut streams: Acceptor, registry: Arc<RegistryService>, relay: Relay) {
    let mut serving = JoinSet::new();
    loop {
        tokio::select! {
            stream = streams.next() => match stream {
                Some(stream) => { serving.spawn(answer(stream, registry.clone(), relay.clone())); }
                None => return,
            },
            Some(_) = serving.join_next() => {}
        }
    }
}

async fn answer(stream: Stream, registry: Arc<RegistryService>, relay: Relay) {
    let connection = stream.connection();
    let key = connection.remote();
    let direct = connection.observed().map(|address| address.ip());
    // Visits come over the relay, which knows from where.
    let address = direct.or_else(|| relay.address_of(key));
    let client = Client { key, address };
    let (reader, writer) = stream.into_split();
    if let Err(error) = registry.serve(reader, writer, client).await {
        debug!(%error, "a registry's stream ended");
    }
}
