//! QUIC address discovery: tells a client the address its packets come from (draft-ietf-quic-address-discovery, ALPN
//! `/iroh-qad/0`). Without it nobody behind a NAT learns the address that hole punching needs.
//!
//! The connection carries no streams. It stays open as long as the client wishes, since it is also how the client
//! learns that its address changed.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use iroh_relay::quic::{
    ALPN_QUIC_ADDR_DISC, QUIC_ADDR_DISC_CLOSE_CODE, QUIC_ADDR_DISC_CLOSE_REASON,
};
use noq::crypto::rustls::QuicServerConfig;
use noq::{Endpoint, Incoming, TransportConfig, VarInt};
use thiserror::Error;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::limits::Gate;
use super::metrics::Metrics;

/// How many handshakes may be in progress before clients must show that they receive at the address they claim (a
/// QUIC Retry, one round trip more), so that a flood with forged senders costs no handshakes.
const UNVALIDATED_MAX: usize = 64;

/// What one connection may have us buffer, in bytes: it carries no streams, so this is room for handshake and ACKs.
const RECEIVE_WINDOW_BYTES: u32 = 16 * 1024;

/// Why address discovery did not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AddressDiscoveryError {
    /// The UDP port cannot be bound.
    #[error("cannot listen on UDP {address}: {source}")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// QUIC does not take the TLS configuration.
    #[error("address discovery: {0}")]
    Tls(String),
}

impl AddressDiscoveryError {
    fn bind(address: SocketAddr, source: io::Error) -> Self {
        Self::Bind { address, source }
    }

    fn tls(error: impl Display) -> Self {
        Self::Tls(error.to_string())
    }
}

/// One UDP port of address discovery.
#[derive(Debug)]
pub(super) struct AddressDiscovery {
    endpoint: Endpoint,
    address: SocketAddr,
}

impl AddressDiscovery {
    /// Binds `listen` and answers in the background until `closing` is cancelled.
    pub(super) fn start(
        listen: SocketAddr,
        mut tls: rustls::ServerConfig,
        gate: Gate,
        handshake_timeout: Duration,
        metrics: Arc<Metrics>,
        closing: CancellationToken,
        tasks: &TaskTracker,
    ) -> Result<Self, AddressDiscoveryError> {
        tls.alpn_protocols = vec![ALPN_QUIC_ADDR_DISC.to_vec()];
        let crypto = QuicServerConfig::try_from(tls).map_err(AddressDiscoveryError::tls)?;
        let mut config = noq::ServerConfig::with_crypto(Arc::new(crypto));
        let mut transport = TransportConfig::default();
        transport
            .max_concurrent_uni_streams(VarInt::from_u32(0))
            .max_concurrent_bidi_streams(VarInt::from_u32(0))
            .datagram_receive_buffer_size(None)
            .receive_window(VarInt::from_u32(RECEIVE_WINDOW_BYTES))
            .send_observed_address_reports(true);
        config.transport_config(Arc::new(transport));
        let endpoint = Endpoint::server(config, listen)
            .map_err(|source| AddressDiscoveryError::bind(listen, source))?;
        let address = endpoint
            .local_addr()
            .map_err(|source| AddressDiscoveryError::bind(listen, source))?;
        let acceptor = Acceptor {
            gate,
            handshake_timeout,
            metrics,
            tasks: tasks.clone(),
        };
        let accepting = endpoint.clone();
        tasks.spawn(async move {
            let accept_all = async {
                while let Some(incoming) = accepting.accept().await {
                    acceptor.take(incoming);
                }
            };
            closing.run_until_cancelled(accept_all).await;
            accepting.close(QUIC_ADDR_DISC_CLOSE_CODE, QUIC_ADDR_DISC_CLOSE_REASON);
        });
        Ok(Self { endpoint, address })
    }

    /// Where it is bound.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until every connection has been told that it is closed.
    pub(super) async fn closed(&self) {
        self.endpoint.wait_idle().await;
    }
}

/// Takes connections within the limits.
struct Acceptor {
    gate: Gate,
    handshake_timeout: Duration,
    metrics: Arc<Metrics>,
    tasks: TaskTracker,
}

impl Acceptor {
    fn take(&self, incoming: Incoming) {
        let must_validate = !incoming.remote_address_validated() && incoming.may_retry();
        if must_validate && self.gate.half_open() >= UNVALIDATED_MAX {
            self.metrics.discovery_retried.increment();
            // Fails only where `may_retry` is false.
            incoming.retry().ok();
            return;
        }
        let pass = match self.gate.enter(incoming.remote_address().ip()) {
            Ok(pass) => pass,
            Err(error) => {
                self.metrics.discovery_refused.increment();
                debug!(%error, "address discovery refused");
                incoming.refuse();
                return;
            }
        };
        self.metrics.discovery_accepted.increment();
        let handshake_timeout = self.handshake_timeout;
        self.tasks.spawn(async move {
            let Ok(Ok(connection)) = timeout(handshake_timeout, incoming).await else {
                return;
            };
            let _pass = pass.established();
            connection.closed().await;
        });
    }
}
