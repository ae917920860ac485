//! An iroh endpoint without kith: what a program would have that used iroh by itself.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use iroh::endpoint::{
    Connection, PortmapperConfig, QuicTransportConfig, RecvStream, SendStream, presets,
};
use iroh::{Endpoint, EndpointAddr, RelayMode, SecretKey, TransportAddr};
use kith::routing::transport::transport_config;
use serde::{Deserialize, Serialize};

use crate::exchange;

const ALPN: &[u8] = b"kith-bench";

/// The numbers QUIC runs with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tuning {
    /// Those of kith.
    Kith,
    /// Those iroh comes with.
    Iroh,
}

/// Where a bare endpoint is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) id: [u8; 32],
    pub(crate) address: SocketAddr,
}

/// An endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Bare(Endpoint);

impl Bare {
    /// Binds one to a port of `address`, which is as free as kith's to accept or to dial.
    pub(crate) async fn bind(tuning: Tuning, address: SocketAddr) -> anyhow::Result<Self> {
        let config = match tuning {
            Tuning::Kith => transport_config(),
            Tuning::Iroh => QuicTransportConfig::default(),
        };
        let endpoint = Endpoint::builder(presets::Empty)
            .crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .secret_key(SecretKey::generate())
            .alpns(vec![ALPN.to_vec()])
            .transport_config(config)
            .relay_mode(RelayMode::Disabled)
            .portmapper_config(PortmapperConfig::Disabled)
            .clear_ip_transports()
            .bind_addr(address)?
            .bind()
            .await?;
        Ok(Self(endpoint))
    }

    /// Where it is.
    pub(crate) fn place(&self) -> anyhow::Result<Place> {
        let bound = self.0.bound_sockets();
        Ok(Place {
            id: *self.0.id().as_bytes(),
            address: *bound.first().context("a bound socket")?,
        })
    }

    /// Answers every stream of every connection.
    pub(crate) fn answer(&self) {
        let endpoint = self.0.clone();
        tokio::spawn(async move {
            while let Some(incoming) = endpoint.accept().await {
                tokio::spawn(async move {
                    let connection = incoming.await?;
                    while let Ok((send, receive)) = connection.accept_bi().await {
                        tokio::spawn(exchange::answer(receive, send));
                    }
                    anyhow::Ok(())
                });
            }
        });
    }

    /// Closes all its connections, and tells the other sides.
    pub(crate) async fn close(&self) {
        self.0.close().await;
    }

    /// Dials.
    pub(crate) async fn connect(&self, place: Place) -> anyhow::Result<Connection> {
        let id = iroh::PublicKey::from_bytes(&place.id)?;
        let address = EndpointAddr::from_parts(id, [TransportAddr::Ip(place.address)]);
        Ok(self.0.connect(address, ALPN).await?)
    }
}

/// Opens a stream.
pub(crate) async fn open(connection: &Connection) -> anyhow::Result<(RecvStream, SendStream)> {
    let (send, receive) = connection.open_bi().await?;
    Ok((receive, send))
}
