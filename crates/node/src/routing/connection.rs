//! One `kith/1` connection: whose it is, over which path it runs, how it ends.
//!
//! A connection is closed explicitly, or when the last clone and the last of its streams are dropped.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use iroh::endpoint::{
    Connection as EngineConnection, Path, PathEventStream, Side, VarInt, WeakConnectionHandle,
};
use iroh::{Endpoint, SecretKey, TransportAddr};
use kith_core::ids::DeviceKey;
use kith_core::routing::datagram::Flow;

use super::datagram::{DatagramFlow, Datagrams};
use super::direct;
use super::end::{ConnectionEnded, Ended, ended};
use super::express::lane::Lane;
use super::relay_name::relay_url_text;
use super::stream::{ReceiveHalf, SendHalf};

/// The label under which keying material is taken from TLS (RFC 8446 §7.5). Proofs are bound to what comes of it, so a
/// proof made for one connection is worth nothing on another.
const EXPORTER_LABEL: &[u8] = b"kith/1";

/// The longest reason sent with a close, in bytes; it has to fit a packet, and people read it.
pub const CLOSE_REASON_BYTES_MAX: usize = 128;

/// A connection whose handshake is done. Clones share it.
#[derive(Clone, Debug)]
pub struct Connection {
    engine: EngineConnection,
    exporter: [u8; 32],
    datagrams: Arc<Datagrams>,
    local: Arc<Local>,
}

/// The side of a connection that is here.
#[derive(Debug)]
pub(super) struct Local {
    /// The key it presents.
    pub(super) secret: SecretKey,
    /// The addresses its sockets are bound to.
    bound: Vec<IpAddr>,
}

impl Local {
    fn of(endpoint: &Endpoint) -> Self {
        let bound = endpoint.bound_sockets();
        Self {
            secret: endpoint.secret_key().clone(),
            bound: bound.iter().map(SocketAddr::ip).collect(),
        }
    }

    /// The address that a socket is bound to which carries what goes to `remote`; most often every one of its family.
    pub(super) fn address_for(&self, remote: IpAddr) -> Option<IpAddr> {
        let mut bound = self.bound.iter();
        bound
            .find(|bound| bound.is_ipv4() == remote.is_ipv4())
            .copied()
    }
}

/// What carries a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathKind {
    /// UDP between the two devices.
    Direct,
    /// A relay between them.
    Relay,
}

/// The path data takes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathSummary {
    /// What carries it.
    pub kind: PathKind,
    /// The round trip as QUIC estimates it.
    pub rtt: Duration,
}

/// A path that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathInfo {
    /// What it is.
    pub summary: PathSummary,
    /// The URL of the relay that carries it, as in a [`Route`](kith_core::address::Route); `None` where none does.
    pub relay: Option<String>,
    /// Whether data takes it now.
    pub is_selected: bool,
    /// Bytes sent and received over it, as UDP.
    pub bytes: (u64, u64),
}

impl Connection {
    /// Wraps a connection of the engine; `None` when TLS exports no keys, which no finished handshake does.
    pub(super) fn new(engine: EngineConnection, endpoint: &Endpoint) -> Option<Self> {
        let mut exporter = [0; 32];
        engine
            .export_keying_material(&mut exporter, EXPORTER_LABEL, &[])
            .ok()?;
        let datagrams = Arc::new(Datagrams::start(engine.clone()));
        Some(Self {
            engine,
            exporter,
            datagrams,
            local: Arc::new(Local::of(endpoint)),
        })
    }

    /// A number that tells this connection from every other of this process that lives at the same time.
    pub fn number(&self) -> usize {
        self.engine.stable_id()
    }

    /// The key the other side has proven to hold.
    pub fn remote(&self) -> DeviceKey {
        DeviceKey(*self.engine.remote_id().as_bytes())
    }

    /// Whether this side dialled.
    pub fn is_dialler(&self) -> bool {
        self.engine.side() == Side::Client
    }

    /// 32 bytes that only the two ends of this very connection know.
    pub fn exporter(&self) -> &[u8; 32] {
        &self.exporter
    }

    /// The path data takes now; `None` for a moment while none is selected, and when the connection is over.
    pub fn path(&self) -> Option<PathSummary> {
        summarize(&self.engine)
    }

    /// The paths that are open now, the one that data takes first.
    pub fn paths(&self) -> Vec<PathInfo> {
        let mut paths: Vec<PathInfo> = (self.engine.paths().iter())
            .map(|path| {
                let stats = path.stats();
                PathInfo {
                    summary: summary(&path),
                    relay: match path.remote_addr() {
                        TransportAddr::Relay(url) => Some(relay_url_text(url)),
                        _ => None,
                    },
                    is_selected: path.is_selected(),
                    bytes: (stats.udp_tx.bytes, stats.udp_rx.bytes),
                }
            })
            .collect();
        paths.sort_by_key(|path| !path.is_selected);
        paths
    }

    /// The address this side sees the other at; `None` while there is no direct path.
    pub fn observed(&self) -> Option<SocketAddr> {
        let paths = self.engine.paths();
        let direct = paths.iter().filter(|path| path.is_ip());
        match direct.max_by_key(|path| path.is_selected())?.remote_addr() {
            TransportAddr::Ip(address) => Some(*address),
            _ => None,
        }
    }

    /// Where the other side is, when data takes a direct path now.
    pub fn selected_direct(&self) -> Option<SocketAddr> {
        direct::selected(&self.engine)
    }

    /// Waits until data takes a direct path, and says where the other side is; `None` when the connection is over.
    pub async fn wait_direct(&self) -> Option<SocketAddr> {
        direct::taken(&self.engine).await
    }

    /// Has `lane` carry a stream of this connection from here on, of which nothing may be on its way. A stream that a lane
    /// carries stays on it.
    pub fn carry(&self, send: &mut SendHalf, receive: &mut ReceiveHalf, lane: Lane) {
        send.take_lane(receive, lane, &self.engine);
    }

    /// This side of it.
    pub(super) fn local(&self) -> &Local {
        &self.local
    }

    /// The remote addresses of all paths that are open, for `kith doctor` and `kith trace`.
    pub fn path_addresses(&self) -> Vec<TransportAddr> {
        let paths = self.engine.paths();
        paths
            .iter()
            .map(|path| path.remote_addr().clone())
            .collect()
    }

    /// Follows [`Self::path`]. Does not keep the connection alive.
    pub fn path_changes(&self) -> PathChanges {
        PathChanges {
            events: self.engine.path_events(),
            connection: self.engine.weak_handle(),
            last: None,
        }
    }

    /// How many streams the other side may hold open at once; see [`super::transport`] for the two numbers in use. It
    /// can be raised and lowered at any time; a lower one takes streams that are open from nobody.
    pub fn set_stream_limit(&self, streams: u32) {
        self.engine
            .set_max_concurrent_bi_streams(VarInt::from_u32(streams));
    }

    /// Tells the other side of every place that is free under the limit of `streams`. The engine holds back up to an eighth of
    /// them, for fewer messages, and whoever waits for a stream would wait for those.
    pub fn announce_streams(&self, streams: u32) {
        self.set_stream_limit(1);
        self.set_stream_limit(streams);
    }

    /// Opens a stream. Waits while as many are open as the other side allows. The other side learns of it with the
    /// first byte sent.
    ///
    /// # Errors
    /// [`ConnectionEnded`] when the connection is over.
    pub async fn open_stream(&self) -> Result<(SendHalf, ReceiveHalf), ConnectionEnded> {
        let (send, receive) = self.engine.open_bi().await.map_err(ended)?;
        Ok((SendHalf::new(send), ReceiveHalf::new(receive)))
    }

    /// The next stream the other side has opened.
    ///
    /// # Errors
    /// [`ConnectionEnded`] when the connection is over.
    pub async fn accept_stream(&self) -> Result<(SendHalf, ReceiveHalf), ConnectionEnded> {
        let (send, receive) = self.engine.accept_bi().await.map_err(ended)?;
        Ok((SendHalf::new(send), ReceiveHalf::new(receive)))
    }

    /// The datagrams that go with the stream of this number ([`SendHalf::flow`]). Asked twice, the later takes over.
    pub fn datagrams(&self, flow: Flow) -> DatagramFlow {
        DatagramFlow::join(&self.datagrams, self.engine.clone(), flow)
    }

    /// Sends what says nothing and is acknowledged: an empty datagram, by the path that data takes.
    pub fn give_sign_of_life(&self) {
        // A connection that takes no more is about to tell its end.
        let _ = self.engine.send_datagram(Bytes::new());
    }

    /// How many packets have come so far, by all paths.
    pub fn packets_received(&self) -> u64 {
        self.engine.stats().udp_rx.datagrams
    }

    /// Whether the other side hears of a [close](Self::close) as surely as of anything else. The engine tells it once, by the oldest of its paths, and
    /// that need not be the one that data takes: it may lead by a relay that is gone.
    pub fn tells_close(&self) -> bool {
        let paths = self.engine.paths();
        let oldest = paths.iter().min_by_key(|path| path.id());
        oldest.is_none_or(|path| path.is_selected())
    }

    /// Closes the connection at once: what is not yet delivered is lost. `reason` is for people and cut to
    /// [`CLOSE_REASON_BYTES_MAX`].
    pub fn close(&self, code: u32, reason: &str) {
        let end = reason.floor_char_boundary(CLOSE_REASON_BYTES_MAX);
        self.engine
            .close(VarInt::from_u32(code), &reason.as_bytes()[..end]);
    }

    /// Waits for the end.
    pub async fn closed(&self) -> Ended {
        ended(self.engine.closed().await).0
    }

    /// How it ended; `None` while it lives.
    pub fn end(&self) -> Option<Ended> {
        self.engine.close_reason().map(|error| ended(error).0)
    }

    /// iroh's own connection, for what this wrapper has no word for.
    pub fn engine(&self) -> &EngineConnection {
        &self.engine
    }
}

/// The changes of a connection's path.
#[derive(Debug)]
pub struct PathChanges {
    events: PathEventStream,
    connection: WeakConnectionHandle,
    last: Option<PathKind>,
}

impl PathChanges {
    /// Waits until the kind of path differs from the last one told; the first call tells the present one. `None` when the
    /// connection is over.
    pub async fn next(&mut self) -> Option<PathSummary> {
        loop {
            if let Some(path) = summarize(&self.connection.upgrade()?)
                && self.last != Some(path.kind)
            {
                self.last = Some(path.kind);
                return Some(path);
            }
            self.events.next().await?;
        }
    }
}

/// The selected path, or one of several while none is.
fn summarize(engine: &EngineConnection) -> Option<PathSummary> {
    let paths = engine.paths();
    let selected = paths.iter().find(|path| path.is_selected());
    selected
        .or_else(|| paths.iter().next())
        .map(|path| summary(&path))
}

fn summary(path: &Path<'_>) -> PathSummary {
    PathSummary {
        kind: if path.is_relay() {
            PathKind::Relay
        } else {
            PathKind::Direct
        },
        rtt: path.rtt(),
    }
}
