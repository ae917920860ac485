//! The relay protocol inside our own HTTP server: the WebSocket upgrade (RFC 6455), the client's proof of its key, the
//! doorkeeper's word, and then iroh-relay's own service, which forwards datagrams between clients by their keys.
//!
//! iroh-relay's stock server shows its access control no address and counts nothing per client; so here the
//! socket is ours, and only the protocol spoken on it is iroh's (`iroh_relay::server::clients`).

use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use data_encoding::BASE64;
use futures_util::{Sink, Stream};
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::http::request::Parts;
use hyper::upgrade::Upgraded;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use iroh_base::EndpointId;
use iroh_relay::http::{CLIENT_AUTH_HEADER, ProtocolVersion};
use iroh_relay::protos::handshake;
use iroh_relay::protos::streams::StreamError;
use iroh_relay::server::client::Config;
use iroh_relay::server::clients::Clients;
use iroh_relay::server::streams::RelayedStream;
use iroh_relay::server::{
    Access, AccessControl, ClientRequest, ConnectionId, DynAccessControl, Metrics as RelayMetrics,
};
use iroh_relay::{ExportKeyingMaterial, KeyCache};
use kith_core::ids::DeviceKey;
use sha1::{Digest as _, Sha1};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tokio_websockets::{Limits as WebSocketLimits, Message, ServerBuilder, WebSocketStream};
use tracing::debug;

use super::accounts::{AccountError, Accounts, Meter};
use super::admission::{Admission, Doorkeeper};
use super::caller::Caller;
use super::limits::Limits;
use super::metered::Metered;
use super::metrics::Metrics;
use super::response::{Body, plain};

/// What RFC 6455 §1.3 appends to the client's key.
const WEBSOCKET_GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The one version of the WebSocket protocol (RFC 6455 §4.1).
const WEBSOCKET_VERSION: &str = "13";

/// The largest WebSocket message, in bytes: the relay protocol's largest frame.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// How many parsed client keys are kept for each connection that a server may have: both ends of what it carries. The room
/// is taken at the start.
const KEY_CACHE_KEYS_PER_CONNECTION: usize = 2;

/// The packets that wait for one slow client before more are dropped, as on a full router. A packet is 1.4 KB, or up to
/// 64 KB where the sender's system joins several: 8 MiB at worst, for as long as [`WRITE_TIMEOUT`].
const CLIENT_QUEUE_PACKETS: usize = 128;

/// How long a write to a client may take before it counts as gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// The relay: who is connected, and on what terms.
#[derive(Clone, Debug)]
pub(crate) struct Relay(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clients: Clients,
    /// From where each client connects, and how many connections it has.
    whereabouts: Mutex<HashMap<DeviceKey, (IpAddr, usize)>>,
    accounts: Accounts,
    doorkeeper: Doorkeeper,
    keys: KeyCache,
    handshake_timeout: Duration,
    metrics: Arc<Metrics>,
    relayed: Arc<RelayMetrics>,
}

impl Inner {
    fn whereabouts(&self) -> MutexGuard<'_, HashMap<DeviceKey, (IpAddr, usize)>> {
        // Nothing is done under the lock that could leave it half done.
        self.whereabouts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a client did not get onto the relay.
#[derive(Debug, Error)]
#[non_exhaustive]
enum RelayError {
    #[error("the HTTP connection was not handed over: {0}")]
    Upgrade(#[from] hyper::Error),
    #[error("the connection is not one of this server's")]
    Foreign,
    #[error("sent data before the upgrade was answered")]
    Early,
    #[error("the handshake took too long")]
    TimedOut,
    #[error("the handshake failed: {0}")]
    Handshake(#[from] handshake::Error),
}

impl Relay {
    /// A relay that nobody has joined yet.
    pub(super) fn new(limits: &Limits, doorkeeper: Doorkeeper, metrics: Arc<Metrics>) -> Self {
        Self(Arc::new(Inner {
            clients: Clients::default(),
            whereabouts: Mutex::default(),
            accounts: Accounts::new(limits.clone()),
            doorkeeper,
            keys: KeyCache::new(KEY_CACHE_KEYS_PER_CONNECTION * limits.connections),
            handshake_timeout: limits.handshake_timeout,
            relayed: metrics.relay.clone(),
            metrics,
        }))
    }

    /// Answers `GET /relay`: 101 and a task that turns the connection into a relay client, or why not.
    pub(super) fn upgrade(
        &self,
        mut request: Request<Incoming>,
        caller: Arc<Caller>,
    ) -> Response<Body> {
        let (accept, version) = match negotiate(request.headers()) {
            Ok(negotiated) => negotiated,
            Err(refusal) => return plain(StatusCode::BAD_REQUEST, refusal),
        };
        let upgrade = hyper::upgrade::on(&mut request);
        let (parts, _) = request.into_parts();
        let relay = self.clone();
        let task = caller.tasks.clone();
        let closing = caller.closing.clone();
        task.spawn(async move {
            let admitted =
                closing.run_until_cancelled(relay.admit(upgrade, parts, version, caller));
            if let Some(Err(error)) = admitted.await {
                relay.0.metrics.relay_refused.increment();
                debug!(%error, "no relay client");
            }
        });
        let mut response = plain(StatusCode::SWITCHING_PROTOCOLS, "");
        let headers = response.headers_mut();
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        headers.insert(SEC_WEBSOCKET_PROTOCOL, version.to_header_value());
        response
    }

    /// The address that a client connects from, while it does.
    pub(crate) fn address_of(&self, client: DeviceKey) -> Option<IpAddr> {
        self.0.whereabouts().get(&client).map(|(ip, _)| *ip)
    }

    /// Disconnects `client`; whether it was there.
    pub(super) fn disconnect(&self, client: DeviceKey) -> bool {
        let client = EndpointId::from_bytes(client.as_bytes());
        client.is_ok_and(|client| self.0.clients.disconnect(client, None))
    }

    /// Disconnects every client.
    pub(super) async fn shutdown(&self) {
        self.0.clients.shutdown().await;
    }

    /// Runs the handshake on the upgraded connection, and registers the client if it proves its key and is let in.
    async fn admit(
        &self,
        upgrade: hyper::upgrade::OnUpgrade,
        parts: Parts,
        version: ProtocolVersion,
        caller: Arc<Caller>,
    ) -> Result<(), RelayError> {
        let (closing, ip) = (caller.closing.clone(), caller.ip);
        let mut socket = Socket::new(upgrade.await?, caller.clone())?;
        let access = Arc::new(Door {
            relay: self.clone(),
            caller,
            meter: Mutex::default(),
        });
        let handshake = async {
            let proof = parts.headers.get(CLIENT_AUTH_HEADER).cloned();
            let proven = handshake::serverside(&mut socket, proof).await?;
            let request = ClientRequest::new(proven.client_key, version, parts);
            let door: Arc<dyn DynAccessControl> = access.clone();
            proven.authorize_with(&request, &door, &mut socket).await
        };
        let guard = timeout(self.0.handshake_timeout, handshake)
            .await
            .map_err(|_| RelayError::TimedOut)??;
        if let Some(meter) = access.take_meter() {
            socket.web_socket.get_mut().start(meter);
        }
        let client = guard.endpoint_id();
        socket.stay = Some(Stay::new(self, DeviceKey(*client.as_bytes()), ip));
        let stream = RelayedStream::new(socket, self.0.keys.clone());
        let mut config = Config::new(guard, stream, version);
        config.write_timeout = WRITE_TIMEOUT;
        config.channel_capacity = CLIENT_QUEUE_PACKETS;
        self.0.clients.register(config, self.0.relayed.clone());
        if closing.is_cancelled() {
            // The shutdown may not have seen this one.
            self.0.clients.disconnect(client, None);
        }
        Ok(())
    }
}

/// Checks the headers of an upgrade; the answer's `Sec-WebSocket-Accept` and the relay protocol's version.
fn negotiate(headers: &HeaderMap) -> Result<(HeaderValue, ProtocolVersion), &'static str> {
    let header = |name| {
        let value = headers.get(name);
        value.and_then(|value: &HeaderValue| value.to_str().ok())
    };
    if !header(UPGRADE).is_some_and(|value| value.eq_ignore_ascii_case("websocket")) {
        return Err("this is the relay: it needs Upgrade: websocket\n");
    }
    if header(SEC_WEBSOCKET_VERSION) != Some(WEBSOCKET_VERSION) {
        return Err("it needs Sec-WebSocket-Version: 13\n");
    }
    let version = header(SEC_WEBSOCKET_PROTOCOL)
        .unwrap_or_default()
        .split(',')
        .filter_map(|name| ProtocolVersion::match_from_str(name.trim()))
        .max()
        .ok_or("no common version of the relay protocol\n")?;
    let key = headers
        .get(SEC_WEBSOCKET_KEY)
        .ok_or("it needs Sec-WebSocket-Key\n")?;
    let digest = Sha1::new()
        .chain_update(key.as_bytes())
        .chain_update(WEBSOCKET_GUID)
        .finalize();
    let accept =
        HeaderValue::from_str(&BASE64.encode(&digest)).expect("base64 is visible ASCII only");
    Ok((accept, version))
}

/// The access control of one connection: knows its address, and keeps the meter that admission gave.
#[derive(Debug)]
struct Door {
    relay: Relay,
    caller: Arc<Caller>,
    meter: Mutex<Option<Meter>>,
}

impl Door {
    /// What the client is charged by.
    fn take_meter(&self) -> Option<Meter> {
        self.lock_meter().take()
    }

    fn lock_meter(&self) -> MutexGuard<'_, Option<Meter>> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AccessControl for Door {
    async fn on_connect(&self, request: &ClientRequest) -> Access {
        let client = DeviceKey(*request.endpoint_id().as_bytes());
        let inner = &self.relay.0;
        let refusal = match inner.doorkeeper.ask(client, self.caller.ip) {
            Admission::Admit(allowance) => match inner.accounts.open(&allowance, self.caller.ip) {
                Ok(meter) => {
                    *self.lock_meter() = Some(meter);
                    return Access::Allow;
                }
                Err(error) => error,
            },
            Admission::Refuse => AccountError::Refused,
        };
        Access::Deny {
            reason: Some(refusal.to_string()),
        }
    }

    fn on_disconnect(&self, _: EndpointId, _: ConnectionId) {}
}

/// Has it known from where a client connects, until it is dropped.
#[derive(Debug)]
struct Stay {
    relay: Relay,
    client: DeviceKey,
}

impl Stay {
    fn new(relay: &Relay, client: DeviceKey, ip: IpAddr) -> Self {
        let mut whereabouts = relay.0.whereabouts();
        let (latest, connections) = whereabouts.entry(client).or_insert((ip, 0));
        *latest = ip;
        *connections += 1;
        drop(whereabouts);
        let relay = relay.clone();
        Self { relay, client }
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        let mut whereabouts = self.relay.0.whereabouts();
        if let Some((_, connections)) = whereabouts.get_mut(&self.client) {
            *connections -= 1;
            if *connections == 0 {
                whereabouts.remove(&self.client);
            }
        }
    }
}

/// A relay client's WebSocket. It holds the connection's place at the gate until it is dropped.
struct Socket {
    web_socket: WebSocketStream<Metered>,
    _caller: Arc<Caller>,
    stay: Option<Stay>,
}

impl Socket {
    /// Takes over what hyper hands back after the 101.
    fn new(upgraded: Upgraded, caller: Arc<Caller>) -> Result<Self, RelayError> {
        let parts = upgraded
            .downcast::<TokioIo<TlsStream<TcpStream>>>()
            .map_err(|_| RelayError::Foreign)?;
        if !parts.read_buf.is_empty() {
            return Err(RelayError::Early);
        }
        let limits = WebSocketLimits::default().max_payload_len(Some(MESSAGE_BYTES_MAX));
        let stream = Metered::new(parts.io.into_inner());
        Ok(Self {
            web_socket: ServerBuilder::new().limits(limits).serve(stream),
            _caller: caller,
            stay: None,
        })
    }
}

impl Stream for Socket {
    type Item = Result<Bytes, StreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.web_socket).poll_next(cx)) {
                Some(Ok(message)) if message.is_binary() => {
                    Some(Ok(Bytes::from(message.into_payload())))
                }
                Some(Ok(message)) if message.is_close() => None,
                // Pings are answered by the WebSocket itself; text has no meaning here.
                Some(Ok(_)) => continue,
                Some(Err(error)) => Some(Err(StreamError::from_std(error))),
                None => None,
            });
        }
    }
}

impl Sink<Bytes> for Socket {
    type Error = StreamError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let ready = Pin::new(&mut self.web_socket).poll_ready(cx);
        ready.map_err(StreamError::from_std)
    }

    fn start_send(mut self: Pin<&mut Self>, bytes: Bytes) -> Result<(), Self::Error> {
        let sent = Pin::new(&mut self.web_socket).start_send(Message::binary(bytes));
        sent.map_err(StreamError::from_std)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let flushed = Pin::new(&mut self.web_socket).poll_flush(cx);
        flushed.map_err(StreamError::from_std)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let closed = Pin::new(&mut self.web_socket).poll_close(cx);
        closed.map_err(StreamError::from_std)
    }
}

impl ExportKeyingMaterial for Socket {
    fn export_keying_material<T: AsMut<[u8]>>(
        &self,
        output: T,
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Option<T> {
        let stream = self.web_socket.get_ref();
        stream.export_keying_material(output, label, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let name = hyper::header::HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        pairs.collect()
    }

    #[test]
    fn the_accept_key_is_that_of_rfc_6455() {
        let headers = headers(&[
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "iroh-relay-v1, iroh-relay-v2"),
        ]);
        let (accept, version) = negotiate(&headers).expect("a proper request");
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(version, ProtocolVersion::V2);
    }

    #[test]
    fn an_incomplete_upgrade_is_refused() {
        let all = [
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "iroh-relay-v2"),
        ];
        assert!(negotiate(&headers(&all)).is_ok());
        for missing in 0..all.len() {
            let mut some = all.to_vec();
            some.remove(missing);
            assert!(negotiate(&headers(&some)).is_err(), "without {missing}");
        }
    }
}
