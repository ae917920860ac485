//! A UDP flow joined to a stream: payloads travel as the datagrams beside it, and as frames on it when no datagram takes
//! them (UDP carries up to 65,507 bytes, a QUIC datagram little over a thousand).
//!
//! A payload that travels as a frame may arrive after later ones, as on any UDP path.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kith_core::codec::{self, FRAME_HEADER_BYTES};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{debug, trace};

use crate::peer::{Stream, StreamReader, StreamWriter};
use crate::routing::DatagramFlow;
use crate::routing::datagram::SendError;

/// The largest UDP payload over IPv4, in bytes (RFC 768, RFC 791); IPv6's is 20 more, and nothing uses them.
pub const PAYLOAD_BYTES_MAX: usize = 65_507;

/// A flow without a payload either way ends after this: what routers give a UDP mapping that was answered (RFC 4787 §4.3
/// asks for two minutes, most give one), so programs keep theirs alive more often.
pub const FLOW_IDLE_MAX: Duration = Duration::from_secs(60);

/// Bytes a buffer for payloads begins with: a burst of usual ones; one of the largest fits too.
const BUFFER_BYTES: usize = 128 * 1024;

/// Where a flow's payloads come from on this machine.
pub(super) enum Source {
    /// The service's answers, on a socket connected to it.
    Service(Arc<UdpSocket>, BytesMut),
    /// The payloads of one client of a forward, which reads for all of them.
    Client(mpsc::Receiver<Bytes>),
}

/// Where they go to.
pub(super) enum Sink {
    /// The service the socket is connected to.
    Service(Arc<UdpSocket>),
    /// A client, from the socket it sends to.
    Client(Arc<UdpSocket>, SocketAddr),
}

/// When a payload was last seen.
struct Activity(Mutex<Instant>);

/// Serves one flow of an offered service.
pub(super) async fn serve(stream: Stream, address: SocketAddr) {
    let socket = match connect(address).await {
        Ok(socket) => Arc::new(socket),
        Err(error) => return debug!(%error, "an offered service cannot be reached"),
    };
    let mut source = Source::Service(socket.clone(), BytesMut::new());
    if let Err(error) = carry(stream, &mut source, Sink::Service(socket), FLOW_IDLE_MAX).await {
        trace!(%error, "a flow broke");
    }
}

async fn connect(address: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(address).await?;
    Ok(socket)
}

/// Carries payloads both ways until none was seen for `idle` or the other side ends the flow.
///
/// # Errors
/// The failure that ended it; a [`crate::routing::Refused`] when the other side does not serve this.
pub(super) async fn carry(
    stream: Stream,
    source: &mut Source,
    sink: Sink,
    idle: Duration,
) -> io::Result<()> {
    let datagrams = stream.datagrams();
    let (reader, mut writer) = stream.into_split();
    let activity = Activity(Mutex::new(Instant::now()));
    tokio::select! {
        ended = outward(source, &datagrams, &mut writer, &activity) => ended?,
        ended = inward_datagrams(&datagrams, &sink, &activity) => ended?,
        ended = inward_frames(reader, &sink, &activity) => ended?,
        () = activity.ends(idle) => {}
    }
    writer.shutdown().await
}

/// From this machine to the other.
async fn outward(
    source: &mut Source,
    datagrams: &DatagramFlow,
    writer: &mut StreamWriter,
    activity: &Activity,
) -> io::Result<()> {
    while let Some(payload) = source.next().await? {
        activity.seen();
        let sent = match datagrams.bytes_max() {
            Some(bytes_max) if payload.len() <= bytes_max => datagrams.send(&payload),
            _ => Err(SendError::TooLarge),
        };
        match sent {
            Ok(()) => {}
            Err(SendError::Ended) => return Err(io::ErrorKind::NotConnected.into()),
            // The limit follows the path and may have sunk since it was asked.
            Err(_) => writer.write_chunk(codec::frame(&payload).into()).await?,
        }
    }
    Ok(())
}

/// From the other machine to this one, what came as datagrams.
async fn inward_datagrams(
    datagrams: &DatagramFlow,
    sink: &Sink,
    activity: &Activity,
) -> io::Result<()> {
    while let Some(payload) = datagrams.receive().await {
        activity.seen();
        sink.send(&payload).await;
    }
    Err(io::ErrorKind::NotConnected.into())
}

/// From the other machine to this one, what came as frames.
async fn inward_frames(
    mut reader: StreamReader,
    sink: &Sink,
    activity: &Activity,
) -> io::Result<()> {
    loop {
        let mut header = [0; FRAME_HEADER_BYTES];
        if reader.read(&mut header[..1]).await? == 0 {
            return Ok(());
        }
        reader.read_exact(&mut header[1..]).await?;
        let length = codec::frame_length(header, PAYLOAD_BYTES_MAX)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let mut payload = vec![0; length];
        reader.read_exact(&mut payload).await?;
        activity.seen();
        sink.send(&payload).await;
    }
}

impl Source {
    /// The next payload; `None` when there will be no more.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        match self {
            Self::Client(payloads) => Ok(payloads.recv().await),
            Self::Service(socket, buffer) => loop {
                match receive(socket, buffer) {
                    Ok((payload, _)) => return Ok(Some(payload)),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        // An idle flow holds no memory.
                        *buffer = BytesMut::new();
                        socket.readable().await?;
                    }
                    // Nothing listens there now; it may come back.
                    Err(error) => trace!(%error, "a service refuses payloads"),
                }
            },
        }
    }
}

/// The next payload a socket holds, and who sent it.
pub(super) fn receive(
    socket: &UdpSocket,
    buffer: &mut BytesMut,
) -> io::Result<(Bytes, SocketAddr)> {
    if buffer.capacity() < PAYLOAD_BYTES_MAX {
        buffer.reserve(BUFFER_BYTES);
    }
    let (_, sender) = socket.try_recv_buf_from(buffer)?;
    Ok((buffer.split().freeze(), sender))
}

impl Sink {
    /// Sends a payload. One that cannot be sent is lost, as payloads may be: nothing listens there now, say.
    async fn send(&self, payload: &[u8]) {
        let sent = match self {
            Self::Service(socket) => socket.send(payload).await,
            Self::Client(socket, address) => socket.send_to(payload, *address).await,
        };
        if let Err(error) = sent {
            trace!(%error, "a payload is lost");
        }
    }
}

impl Activity {
    fn last(&self) -> std::sync::MutexGuard<'_, Instant> {
        // An instant is whole, whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) {
        *self.last() = Instant::now();
    }

    /// Waits until nothing was seen for `idle`.
    async fn ends(&self, idle: Duration) {
        loop {
            let due = *self.last() + idle;
            if due <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(due).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flow_ends_a_while_after_its_last_payload() {
        let begun = Instant::now();
        let activity = Activity(Mutex::new(begun));
        let payloads = async {
            tokio::time::sleep(FLOW_IDLE_MAX - Duration::from_secs(1)).await;
            activity.seen();
        };
        tokio::join!(activity.ends(FLOW_IDLE_MAX), payloads);
        assert_eq!(begun.elapsed(), FLOW_IDLE_MAX * 2 - Duration::from_secs(1));
    }
}
