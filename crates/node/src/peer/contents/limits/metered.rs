//! A half of a stream whose bytes are counted and held back: a stream of the session or of an express lane, which makes no difference here.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use kith_core::content::limits::Nearness;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::governor::{Governor, Way, Whom};
use super::served::Serving;
use crate::content::swarm::Output;
use crate::peer::node::Node;
use crate::peer::stream::{Stream, StreamReader, StreamWriter};
use crate::routing::Connection;

/// How often it is looked how far off the other side is: a path may become direct, or be lost, under a stream.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A half of a stream.
#[derive(Debug)]
pub(in crate::peer::contents) struct Metered<S> {
    half: S,
    governor: Arc<Governor>,
    way: Way,
    whom: Whom,
    connection: Connection,
    nearness: Nearness,
    looked: Instant,
    waits: Option<Pin<Box<Sleep>>>,
    serving: Option<Arc<Serving>>,
}

/// The halves of a stream on which content comes here.
pub(in crate::peer::contents) fn incoming(
    node: &Node,
    stream: Stream,
) -> (Metered<StreamReader>, StreamWriter) {
    let (whom, connection) = ends(&stream);
    let (reader, writer) = stream.into_split();
    let governor = Arc::clone(node.governor());
    let reader = Metered::new(reader, governor, Way::Down, whom, connection);
    (reader, writer)
}

/// The halves of a stream on which content is served, counted as `serving`.
pub(in crate::peer::contents) fn outgoing(
    governor: Arc<Governor>,
    stream: Stream,
    serving: Arc<Serving>,
) -> (StreamReader, Metered<StreamWriter>) {
    let (whom, connection) = ends(&stream);
    let (reader, writer) = stream.into_split();
    let mut writer = Metered::new(writer, governor, Way::Up, whom, connection);
    writer.serving = Some(serving);
    (reader, writer)
}

/// Who is at the other end, and what the stream belongs to.
fn ends(stream: &Stream) -> (Whom, Connection) {
    let connection = stream.connection().clone();
    let whom = Whom {
        device: connection.remote(),
        peer: stream.peer(),
    };
    (whom, connection)
}

impl<S> Metered<S> {
    fn new(half: S, governor: Arc<Governor>, way: Way, whom: Whom, connection: Connection) -> Self {
        Self {
            half,
            governor,
            way,
            whom,
            nearness: nearness(&connection),
            connection,
            looked: Instant::now(),
            waits: None,
            serving: None,
        }
    }

    /// How many bytes may pass at once, as soon as any may.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<usize> {
        if self.looked.elapsed() >= LOOK_EVERY {
            self.nearness = nearness(&self.connection);
            self.looked = Instant::now();
        }
        loop {
            if let Some(waits) = &mut self.waits {
                ready!(waits.as_mut().poll(cx));
                self.waits = None;
            }
            match self.governor.room(self.way, &self.whom, self.nearness) {
                Ok(room) => return Poll::Ready(room),
                Err(opens) => {
                    // Not beyond the next look: the rates may be others by then.
                    let until = opens.min(Instant::now() + LOOK_EVERY);
                    self.waits = Some(Box::pin(tokio::time::sleep_until(until.into())));
                }
            }
        }
    }

    fn passed(&self, bytes: usize) {
        self.governor
            .take(self.way, &self.whom, self.nearness, bytes);
        if let Some(serving) = &self.serving {
            serving.sent(bytes);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let room = ready!(this.poll_room(cx));
        let before = buffer.filled().len();
        if room >= buffer.remaining() {
            ready!(Pin::new(&mut this.half).poll_read(cx, buffer))?;
        } else {
            let mut part = ReadBuf::new(buffer.initialize_unfilled_to(room));
            ready!(Pin::new(&mut this.half).poll_read(cx, &mut part))?;
            let came = part.filled().len();
            buffer.advance(came);
        }
        this.passed(buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl<S: Output + Unpin> Output for Metered<S> {
    async fn send(&mut self, mut bytes: Bytes, handed: &mut usize) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = poll_fn(|cx| self.poll_room(cx)).await;
            let piece = bytes.split_to(room.min(bytes.len()));
            let sent = piece.len();
            self.half.send(piece, handed).await?;
            self.passed(sent);
        }
        Ok(())
    }

    async fn finish(&mut self) -> io::Result<()> {
        self.half.finish().await
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let room = ready!(this.poll_room(cx)).min(bytes.len());
        let sent = ready!(Pin::new(&mut this.half).poll_write(cx, &bytes[..room]))?;
        this.passed(sent);
        Poll::Ready(Ok(sent))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().half).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().half).poll_shutdown(cx)
    }
}

/// How far off the other side is: at the end of a relay, or of what path there is.
fn nearness(connection: &Connection) -> Nearness {
    let address = connection.selected_direct();
    address.map_or(Nearness::Distant, |address| Nearness::of(address.ip()))
}
