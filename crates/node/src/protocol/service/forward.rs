//! The side that listens locally: what connects here reaches a service of a peer.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kith_core::ids::PeerId;
use kith_core::protocol::ProtocolName;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{Semaphore, mpsc};
use tracing::{debug, warn};

use super::ending::Ending;
use super::name::{Local, ServiceName};
use super::tcp;
use super::udp::{self, FLOW_IDLE_MAX, Sink, Source};
use super::work::Work;
use crate::error::Error;
use crate::peer::{Node, Stood, Stream};

/// Connections of one TCP forward at once: as many streams as a contact may hold open. The next waits to be accepted.
pub const FORWARD_CONNECTIONS_MAX: usize = 1024;

/// Flows of one UDP forward at once, that is, local addresses that sent within the last minute. A resolver that takes a
/// new port for each question has this many at four questions a second; payloads of further ones are dropped.
pub const FORWARD_FLOWS_MAX: usize = 256;

/// Payloads of one client that wait while its stream is being opened, at most 4 MB; later ones are dropped.
const FLOW_PAYLOADS_MAX: usize = 64;

/// Failures kept for who asks for them.
const FAILURES_MAX: usize = 16;

/// The pause after a failure that may come again at once: no file descriptors are left, say, or the peer refused a flow.
const PAUSE: Duration = Duration::from_secs(1);

/// A local port that leads to a service of a peer. Dropped, it is closed and what goes over it ends.
#[derive(Debug)]
pub struct Forward {
    local: Local,
    failures: mpsc::Receiver<Error>,
    _working: Ending,
}

impl Forward {
    /// Where it listens, with the port that was chosen where 0 was asked for.
    pub fn local(&self) -> Local {
        self.local
    }

    /// The address it listens at.
    pub fn local_addr(&self) -> SocketAddr {
        self.local.address()
    }

    /// Waits for the next connection that did not reach the service, and says why. Those nobody asks for are forgotten, but
    /// for the first few.
    pub async fn next_failure(&mut self) -> Option<Error> {
        self.failures.recv().await
    }
}

/// What every connection of a forward needs.
#[derive(Clone)]
struct Route {
    work: Work,
    peer: PeerId,
    protocol: ProtocolName,
    failures: mpsc::Sender<Error>,
}

impl Node {
    /// Makes the service `name` of `peer` reachable at the local address `listen`, for as long as the result is held. The
    /// peer need not be online: each connection (TCP) or flow (UDP) reaches for them.
    ///
    /// # Errors
    /// [`Error::Io`] when the address cannot be bound; [`Error::NotAllowed`] for a contact who is blocked here.
    pub async fn forward(
        &self,
        peer: PeerId,
        name: &ServiceName,
        listen: Local,
    ) -> Result<Forward, Error> {
        self.unblocked(peer).await?;
        let bound = |error| Error::io(format!("cannot listen at {}", listen.address()), error);
        let (ending, (failures, failed)) = (Ending::default(), mpsc::channel(FAILURES_MAX));
        let work = Work::new(self, &ending);
        let route = Route {
            work: work.clone(),
            peer,
            protocol: name.protocol(listen.transport()),
            failures,
        };
        let local = match listen {
            Local::Tcp(address) => {
                let listener = TcpListener::bind(address).await.map_err(bound)?;
                let local = Local::Tcp(listener.local_addr().map_err(bound)?);
                work.spawn(accept(route, listener));
                local
            }
            Local::Udp(address) => {
                let socket = UdpSocket::bind(address).await.map_err(bound)?;
                let local = Local::Udp(socket.local_addr().map_err(bound)?);
                work.spawn(receive(route, Arc::new(socket)));
                local
            }
        };
        Ok(Forward {
            local,
            failures: failed,
            _working: ending,
        })
    }
}

impl Route {
    async fn open(&self) -> Result<Stream, Error> {
        let node = self.work.node().ok_or(Error::Closed)?;
        node.open(self.peer, std::slice::from_ref(&self.protocol))
            .await
    }

    /// Keeps a failure for who asks.
    fn failed(&self, error: Error) {
        debug!(%error, "a forward does not reach its service");
        // Nobody asks: the first few are kept.
        let _ = self.failures.try_send(error);
    }

    /// Keeps the failure of a stream, if it tells of more than one connection: a refusal does, and that they were not reached.
    async fn broke(&self, stood: &Stood, error: io::Error) {
        let Some(node) = self.work.node() else {
            return;
        };
        let told = node.stream_error(self.peer, &self.protocol, stood, error);
        match told.await {
            told @ (Error::Refused { .. } | Error::Unreachable { .. }) => self.failed(told),
            error => debug!(%error, "a forwarded connection broke"),
        }
    }
}

/// Takes the connections of a TCP forward.
async fn accept(route: Route, listener: TcpListener) {
    let places = Arc::new(Semaphore::new(FORWARD_CONNECTIONS_MAX));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((socket, _)) => {
                let (work, route) = (route.work.clone(), route.clone());
                work.spawn(async move {
                    connect(&route, socket).await;
                    drop(place);
                });
            }
            Err(error) => {
                warn!(%error, "a forward cannot accept");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Joins one connection to a stream of its own.
async fn connect(route: &Route, socket: TcpStream) {
    match route.open().await {
        Ok(stream) => {
            let stood = stream.stood();
            if let Err(error) = tcp::carry(socket, stream).await {
                route.broke(&stood, error).await;
            }
        }
        Err(error) => {
            // As if nothing listened here. Fails only for a socket that is reset already.
            let _ = socket.set_zero_linger();
            route.failed(error);
        }
    }
}

/// Takes the payloads of a UDP forward, and hands them to the flow of who sent them.
async fn receive(route: Route, socket: Arc<UdpSocket>) {
    let mut flows: HashMap<SocketAddr, mpsc::Sender<Bytes>> = HashMap::new();
    let mut buffer = BytesMut::new();
    loop {
        let (payload, client) = match udp::receive(&socket, &mut buffer) {
            Ok(received) => received,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                buffer = BytesMut::new();
                if socket.readable().await.is_err() {
                    return;
                }
                continue;
            }
            Err(error) => {
                warn!(%error, "a forward cannot receive");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let payload = match flows
            .get(&client)
            .map(|flow| flow.try_send(payload.clone()))
        {
            // Sent, or dropped for want of room.
            Some(Ok(()) | Err(mpsc::error::TrySendError::Full(_))) => continue,
            Some(Err(mpsc::error::TrySendError::Closed(payload))) => payload,
            None => payload,
        };
        if flows.len() >= FORWARD_FLOWS_MAX {
            flows.retain(|_, flow| !flow.is_closed());
        }
        if flows.len() >= FORWARD_FLOWS_MAX {
            debug!("a forward has no room for one more flow");
            continue;
        }
        let (sender, payloads) = mpsc::channel(FLOW_PAYLOADS_MAX);
        // There is room: the channel is new.
        let _ = sender.try_send(payload);
        flows.insert(client, sender);
        let flow = begin_flow(route.clone(), socket.clone(), client, payloads);
        route.work.spawn(flow);
    }
}

/// Joins one client's payloads to a stream of its own.
async fn begin_flow(
    route: Route,
    socket: Arc<UdpSocket>,
    client: SocketAddr,
    payloads: mpsc::Receiver<Bytes>,
) {
    let mut source = Source::Client(payloads);
    match route.open().await {
        Ok(stream) => {
            let (sink, stood) = (Sink::Client(socket, client), stream.stood());
            if let Err(error) = udp::carry(stream, &mut source, sink, FLOW_IDLE_MAX).await {
                route.broke(&stood, error).await;
            } else {
                return;
            }
        }
        Err(error) => route.failed(error),
    }
    // What arrives meanwhile is dropped, instead of being tried again payload by payload.
    tokio::time::sleep(PAUSE).await;
}
