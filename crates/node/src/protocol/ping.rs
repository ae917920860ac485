//! `/kith/ping/1`: eight bytes there, the same eight bytes back, for as long as the stream stands.
//!
//! It measures what an application gets: through the same negotiation and the same stream as everything else.

use std::io;
use std::time::{Duration, Instant};

use kith_core::ids::PeerId;
use kith_core::protocol::ProtocolName;
use kith_core::routing::Access;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tracing::warn;

use crate::error::Error;
use crate::peer::{Node, Opening, Stream};
use crate::routing::PathSummary;

/// The protocol's name.
pub const PING: &str = "/kith/ping/1";

/// The length of a ping, in bytes.
const PING_BYTES: usize = 8;

/// How long a ping may take: ten times the worst path people still talk over.
const PONG_WITHIN: Duration = Duration::from_secs(10);

/// Pings one peer, over one stream for as long as its session is the one that new streams are opened on.
#[derive(Debug)]
pub struct Pinger {
    node: Node,
    peer: PeerId,
    stream: Option<Stream>,
    sequence: u64,
}

/// One answer.
#[derive(Clone, Copy, Debug)]
pub struct Pong {
    /// Which ping, counted from 1.
    pub sequence: u64,
    /// From asking to answer. The first includes whatever it took to reach them.
    pub round_trip: Duration,
    /// Over which path.
    pub path: Option<PathSummary>,
}

impl Node {
    /// Begins to ping a peer.
    pub fn pinger(&self, peer: PeerId) -> Pinger {
        Pinger {
            node: self.clone(),
            peer,
            stream: None,
            sequence: 0,
        }
    }
}

impl Pinger {
    /// Pings once.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Refused`], or [`Error::Io`] when no answer came within 10 s.
    pub async fn ping(&mut self) -> Result<Pong, Error> {
        let begun = Instant::now();
        self.sequence += 1;
        let exchanged = match self.stream.take() {
            // Where another session has become the better one, it is that one's turn.
            Some(mut stream) if self.node.prefers(self.peer, stream.connection()) => {
                exchange(&mut stream, self.sequence)
                    .await
                    .ok()
                    .map(|()| stream)
            }
            _ => None,
        };
        let stream = match exchanged {
            Some(stream) => stream,
            None => self.first().await?,
        };
        let path = stream.connection().path();
        self.stream = Some(stream);
        Ok(Pong {
            sequence: self.sequence,
            round_trip: begun.elapsed(),
            path,
        })
    }
}

impl Pinger {
    /// Opens a stream and pings over it.
    async fn first(&self) -> Result<Stream, Error> {
        let name = [protocol()];
        let mut opening = Opening::new(&self.node, self.peer, &name);
        loop {
            let mut stream = opening.attempt().await?;
            match exchange(&mut stream, self.sequence).await {
                Ok(()) => return Ok(stream),
                Err(error) => opening.broke(&stream, error)?,
            }
        }
    }
}

async fn exchange(stream: &mut Stream, sequence: u64) -> io::Result<()> {
    let there_and_back = async {
        stream.write_all(&ping(sequence)).await?;
        let mut pong = [0; PING_BYTES];
        stream.read_exact(&mut pong).await?;
        match pong == ping(sequence) {
            true => Ok(()),
            false => Err(io::Error::from(io::ErrorKind::InvalidData)),
        }
    };
    tokio::time::timeout(PONG_WITHIN, there_and_back)
        .await
        .map_err(|_| io::ErrorKind::TimedOut)?
}

/// The bytes of a ping, and of its answer.
fn ping(sequence: u64) -> [u8; PING_BYTES] {
    sequence.to_be_bytes()
}

/// Answers the pings of everybody who has proven who they are.
pub(crate) fn serve(node: &Node) {
    let mut acceptor = match node.accept(protocol(), Access::Guests) {
        Ok(acceptor) => acceptor,
        Err(error) => return warn!(%error, "not answering pings"),
    };
    let node_of_stream = node.downgrade();
    node.spawn(async move {
        while let Some(stream) = acceptor.next().await {
            if let Some(node) = node_of_stream.upgrade() {
                node.spawn(async move {
                    // Who pings may stop at any time.
                    let _ = echo(stream).await;
                });
            }
        }
    });
}

async fn echo(mut stream: Stream) -> io::Result<()> {
    let mut ping = [0; PING_BYTES];
    while stream.read_exact(&mut ping).await.is_ok() {
        stream.write_all(&ping).await?;
    }
    stream.shutdown().await
}

fn protocol() -> ProtocolName {
    PING.parse().expect("a valid name")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_first_ping_has_the_golden_bytes() {
        let first = data_encoding::HEXLOWER.encode(&super::ping(1));
        assert_eq!(first, "0000000000000001");
    }
}
