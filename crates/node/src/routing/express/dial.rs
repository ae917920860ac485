//! The side that dials: to the address the session has, with the ticket, within a short time.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use kith_core::crypto;
use kith_core::routing::express::config::DIAL_WITHIN;
use kith_core::routing::express::ticket::PROOF_BYTES;
use kith_core::routing::express::wire::Offered;
use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

use super::lane::Lane;
use super::socket::Socket;
use super::tls;
use crate::routing::Connection;

/// How many round trips of the session's path may come on top of [`DIAL_WITHIN`]: TCP, TLS, and the proofs.
const ROUND_TRIPS: u32 = 3;

/// Why a lane was offered and did not come about.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DialError {
    /// The session's path is not direct, or not any more.
    #[error("there is no direct path")]
    Relayed,
    /// Nobody can be reached at the port: a firewall, or a NAT that lets only the session through.
    #[error("the port cannot be reached: {0}")]
    Unreachable(io::Error),
    /// Nobody answered in time, at the port or in the handshake.
    #[error("no answer within {} ms", .0.as_millis())]
    NoAnswer(Duration),
    /// Whoever is at the port is not who the session is with.
    #[error("the port is not theirs: {0}")]
    NotThem(io::Error),
}

/// Dials the lane that was offered on `connection`, at the address of its direct path and no other.
///
/// # Errors
/// [`DialError`], within a second and three round trips.
pub async fn dial(connection: &Connection, offered: &Offered) -> Result<Lane, DialError> {
    let to = connection.selected_direct().ok_or(DialError::Relayed)?;
    let path = connection.path().ok_or(DialError::Relayed)?;
    let within = DIAL_WITHIN + path.rtt * ROUND_TRIPS;
    let dialling = async {
        let tcp = connect(connection, to, offered.port)
            .await
            .map_err(DialError::Unreachable)?;
        let stream = prove(connection, offered, tcp).await;
        stream.map_err(DialError::NotThem)
    };
    tokio::time::timeout(within, dialling)
        .await
        .unwrap_or(Err(DialError::NoAnswer(within)))
}

/// Connects from the address the session uses, where its endpoint is bound to one.
async fn connect(connection: &Connection, mut to: SocketAddr, port: u16) -> io::Result<TcpStream> {
    to.set_port(port);
    let socket = match to {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    let from = connection.local().address_for(to.ip());
    if let Some(from) = from.filter(|from: &IpAddr| !from.is_unspecified()) {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    socket.connect(to).await
}

/// The handshake, and the proofs both ways.
async fn prove(connection: &Connection, offered: &Offered, tcp: TcpStream) -> io::Result<Lane> {
    let config = tls::client(&connection.local().secret, connection.remote());
    let connector = TlsConnector::from(config.map_err(io::Error::other)?);
    let name = offered.ticket.name().server_name();
    let name = ServerName::try_from(name).map_err(io::Error::other)?;
    let mut stream = connector.connect(name, Socket::new(tcp)?).await?;
    let lane = tls::exporter(stream.get_ref().1).map_err(io::Error::other)?;
    let session = connection.exporter();
    let proof = offered.ticket.getter_proof(session, &lane);
    stream.write_all(&proof).await?;
    stream.flush().await?;
    let mut answer = [0; PROOF_BYTES];
    stream.read_exact(&mut answer).await?;
    if !crypto::equal(&answer, &offered.ticket.giver_proof(session, &lane)) {
        return Err(io::Error::other("another proof"));
    }
    Ok(Lane::dialled(stream))
}
