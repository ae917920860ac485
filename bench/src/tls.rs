//! TLS 1.3 on TCP without kith and without iroh: what a program would have that cared for bytes alone.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use serde::{Deserialize, Serialize};
use tokio::io::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::exchange;

/// The name in the certificate.
const NAME: &str = "localhost";

/// Where a listener is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Place {
    address: SocketAddr,
    certificate: Vec<u8>,
}

/// Answers every connection to a port of `address`.
pub(crate) async fn answer(address: SocketAddr) -> anyhow::Result<Place> {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()])?;
    let certificate = made.cert.der().clone();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.into())?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                tcp.set_nodelay(true)?;
                let (reader, writer) = tokio::io::split(acceptor.accept(tcp).await?);
                exchange::answer(reader, writer).await
            });
        }
    });
    Ok(Place {
        address,
        certificate: certificate.to_vec(),
    })
}

/// The two halves of a connection.
type Halves = (
    ReadHalf<TlsStream<TcpStream>>,
    WriteHalf<TlsStream<TcpStream>>,
);

/// Connects.
pub(crate) async fn open(place: &Place) -> anyhow::Result<Halves> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(place.certificate.clone()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tcp = TcpStream::connect(place.address).await?;
    tcp.set_nodelay(true)?;
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(ServerName::try_from(NAME)?, tcp).await?;
    Ok(tokio::io::split(stream))
}
