//! The port: who may come through it, how many, and how little they learn.
//!
//! It is open only while a ticket is out. Whoever connects speaks first: before it has shown the name of such a ticket,
//! as the server name of a TLS hello, not one byte is sent to it, and so a scanner finds a port that hangs up.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kith_core::crypto;
use kith_core::routing::express::config::{PROVEN_WITHIN, UNPROVEN_ADDRESS_MAX, UNPROVEN_MAX};
use kith_core::routing::express::ticket::PROOF_BYTES;
use kith_core::routing::express::{Ticket, TicketName};
use rustls::server::{Accepted, Acceptor};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::server::StartHandshake;
use tokio_util::task::AbortOnDropHandle;
use tracing::{debug, trace};

use super::lane::Lane;
use super::socket::Socket;
use super::tls;
use crate::address_group::AddressGroup;
use crate::routing::Connection;

/// What is read of a hello at once, in bytes: all of it.
const HELLO_BYTES: usize = 1024;

/// How long to wait when the system takes no connections, most often for want of handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Whoever showed a ticket, and how to find out whether it is theirs.
pub(super) struct Shown {
    /// The session it was issued in.
    pub(super) connection: Connection,
    pub(super) ticket: Ticket,
    pub(super) arrived: oneshot::Sender<Lane>,
}

/// Takes a ticket that was shown; `None` for what is none.
pub(super) type Admit = Arc<dyn Fn(TicketName) -> Option<Shown> + Send + Sync>;

/// A port that is open; closed when dropped. Who is through already stays.
#[derive(Debug)]
pub(super) struct Listening {
    port: u16,
    _task: AbortOnDropHandle<()>,
}

impl Listening {
    /// Opens a port of the system's choice at `local`.
    pub(super) fn start(local: IpAddr, admit: Admit, unproven: Arc<Unproven>) -> io::Result<Self> {
        let socket = match local {
            IpAddr::V4(_) => TcpSocket::new_v4()?,
            IpAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.bind(SocketAddr::new(local, 0))?;
        let backlog = u32::try_from(UNPROVEN_MAX).expect("a small number");
        let listener = socket.listen(backlog)?;
        Ok(Self {
            port: listener.local_addr()?.port(),
            _task: AbortOnDropHandle::new(tokio::spawn(accept_all(listener, admit, unproven))),
        })
    }

    /// Its number.
    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

/// How many connections have not proven anything, by household.
#[derive(Debug, Default)]
pub(super) struct Unproven(Mutex<HashMap<AddressGroup, usize>>);

impl Unproven {
    /// One more from `address`, if there may be one.
    fn enter(self: &Arc<Self>, address: AddressGroup) -> Option<Entered> {
        let mut counts = self.0.lock().expect("no code panics while it counts");
        let here = counts.get(&address).copied().unwrap_or(0);
        if here >= UNPROVEN_ADDRESS_MAX || counts.values().sum::<usize>() >= UNPROVEN_MAX {
            return None;
        }
        counts.insert(address, here + 1);
        let unproven = Arc::clone(self);
        Some(Entered { unproven, address })
    }
}

/// One connection that has not proven anything; counted until it is dropped.
struct Entered {
    unproven: Arc<Unproven>,
    address: AddressGroup,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut counts = self
            .unproven
            .0
            .lock()
            .expect("no code panics while it counts");
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

async fn accept_all(listener: TcpListener, admit: Admit, unproven: Arc<Unproven>) {
    loop {
        let (tcp, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                debug!(%error, "no connection can be taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // One too many is hung up on.
        if let Some(entered) = unproven.enter(AddressGroup::of(from.ip())) {
            tokio::spawn(take(tcp, Arc::clone(&admit), entered));
        }
    }
}

/// Lets a connection prove itself, for a while.
async fn take(tcp: TcpStream, admit: Admit, entered: Entered) {
    match tokio::time::timeout(PROVEN_WITHIN, prove(tcp, &admit)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%error, "a connection to the express port proved nothing"),
        Err(_) => debug!("a connection to the express port proved nothing in time"),
    }
    drop(entered);
}

/// Hello, ticket, handshake, proofs. The ticket is used up by being shown.
async fn prove(tcp: TcpStream, admit: &Admit) -> io::Result<()> {
    let mut socket = Socket::new(tcp)?;
    let accepted = read_hello(&mut socket).await?;
    let name = accepted.client_hello().server_name().map(str::to_owned);
    let name = name.as_deref().and_then(TicketName::from_server_name);
    let shown = name.and_then(|name| admit(name));
    let shown = shown.ok_or_else(|| io::Error::other("no ticket"))?;
    let connection = &shown.connection;
    let config = tls::server(&connection.local().secret, connection.remote());
    let config = config.map_err(io::Error::other)?;
    let handshake = StartHandshake::from_parts(accepted, socket).into_stream(config);
    let mut stream = handshake.await?;
    let lane = tls::exporter(stream.get_ref().1).map_err(io::Error::other)?;
    let mut proof = [0; PROOF_BYTES];
    stream.read_exact(&mut proof).await?;
    let session = connection.exporter();
    if !crypto::equal(&proof, &shown.ticket.getter_proof(session, &lane)) {
        return Err(io::Error::other("another proof"));
    }
    stream
        .write_all(&shown.ticket.giver_proof(session, &lane))
        .await?;
    stream.flush().await?;
    trace!("a lane stands");
    // Who gave it may have given it up.
    let _ = shown.arrived.send(Lane::taken(stream));
    Ok(())
}

/// Reads the hello, and answers nothing whatever it is.
async fn read_hello(socket: &mut Socket) -> io::Result<Accepted> {
    let mut acceptor = Acceptor::default();
    let mut bytes = [0; HELLO_BYTES];
    loop {
        let count = socket.read(&mut bytes).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut unread = &bytes[..count];
        while !unread.is_empty() {
            acceptor.read_tls(&mut unread)?;
            match acceptor.accept() {
                Ok(None) => {}
                // What follows a hello waits for the answer to it.
                Ok(Some(accepted)) if unread.is_empty() => return Ok(accepted),
                Ok(Some(_)) => return Err(io::Error::other("more than a hello")),
                Err((error, _)) => return Err(io::Error::other(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn places_are_bounded_for_one_and_for_all_and_come_back() {
        let unproven = Arc::new(Unproven::default());
        let from = |number: usize| {
            let number = u32::try_from(number).expect("small");
            AddressGroup::of(Ipv4Addr::from_bits(number).into())
        };
        let mut entered: Vec<_> = (0..UNPROVEN_ADDRESS_MAX)
            .map(|_| unproven.enter(from(0)).expect("room"))
            .collect();
        assert!(unproven.enter(from(0)).is_none());
        while entered.len() < UNPROVEN_MAX {
            entered.push(unproven.enter(from(entered.len())).expect("room"));
        }
        assert!(unproven.enter(from(UNPROVEN_MAX)).is_none());
        drop(entered);
        assert!(unproven.enter(from(0)).is_some());
        assert!(unproven.0.lock().expect("test").is_empty());
    }
}
