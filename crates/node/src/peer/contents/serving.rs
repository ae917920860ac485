//! The provider's side: whoever may open streams of `/kith/share/1`, `/kith/swarm/1` and `/kith/preview/1` is answered, each request judged by itself.
//!
//! Holders of a link are strangers, so everybody may; what is there for whom is decided in [`kith_core::content::may`].

use std::sync::Arc;

use kith_core::content::{Asker, Relation};
use kith_core::protocol::ProtocolName;
use kith_core::routing::{Access, Level};
use tokio::sync::Semaphore;
use tracing::{debug, warn};

use super::limits::served::Serving;
use super::{announcing, keeping, limits, previews, reach, remembering, sources};
use crate::clock;
use crate::content::swarm::Getting;
use crate::content::{self, Session, Shares, previews as small};
use crate::peer::node::Node;
use crate::peer::stream::Stream;

/// Streams of strangers in one protocol that are served at once, in all: with the few hundred KiB that each may hold in messages, some
/// 16 MiB at most. What is read from files is bounded by the provider's places.
const STRANGERS_MAX: usize = 64;

/// Streams of contacts and guests in one protocol that are served at once: a swarm of that many, or sixty transfers side by side.
const KNOWN_MAX: usize = 256;

/// Begins to serve, and to keep up with what is served for others.
pub(in crate::peer) fn serve(node: &Node) {
    let (getting, shares) = (Arc::clone(node.getting()), Arc::clone(node.shares()));
    node.spawn(get(getting, shares));
    let giving = Arc::clone(node.giving());
    node.spawn(async move { giving.run().await });
    serve_protocol(node, reach::protocol(), answer_share);
    serve_protocol(node, sources::protocol(), answer_swarm);
    serve_protocol(node, previews::protocol(), answer_preview);
    node.spawn(Arc::clone(node.previews()).run_ahead());
    keeping::keep(node);
    announcing::announce(node);
    remembering::remember(node);
}

/// Runs the side of the swarms that wants. Who lies is remembered for the next run.
async fn get(getting: Arc<Getting>, shares: Arc<Shares>) {
    let known = {
        let shares = Arc::clone(&shares);
        blocking(move || shares.liars(clock::now())).await
    };
    for (who, at) in known.unwrap_or_default() {
        getting.tell(|getter, now| getter.handle_liar(now, who, at));
    }
    let remember = |who| {
        let shares = Arc::clone(&shares);
        async move {
            blocking(move || shares.remember_liar(who, clock::now())).await;
        }
    };
    getting.run(remember).await;
}

/// What some work on the database gives; its failure is told in the log.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Option<T> {
    let worked = tokio::task::spawn_blocking(work).await;
    let worked = worked.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    let failed = |error: &std::io::Error| warn!(%error, "liars are not remembered");
    worked.inspect_err(failed).ok()
}

/// Has each stream of a protocol answered.
fn serve_protocol<Answering>(
    node: &Node,
    protocol: ProtocolName,
    answer: fn(Node, Stream) -> Answering,
) where
    Answering: Future<Output = ()> + Send + 'static,
{
    let mut acceptor = match node.accept_unlisted(protocol, Access::Anyone, Access::Contacts) {
        Ok(acceptor) => acceptor,
        Err(error) => return warn!(%error, "serving no shares"),
    };
    let strangers = Arc::new(Semaphore::new(STRANGERS_MAX));
    let known = Arc::new(Semaphore::new(KNOWN_MAX));
    let weak = node.downgrade();
    node.spawn(async move {
        while let Some(stream) = acceptor.next().await {
            let places = match stream.level() {
                Level::Stranger => &strangers,
                Level::Guest | Level::Contact => &known,
            };
            let places = Arc::clone(places);
            if let Some(node) = weak.upgrade() {
                let weak = weak.clone();
                node.spawn(async move {
                    // Whoever comes when all places are taken waits; nothing was read of the stream so far.
                    let Ok(_place) = places.acquire_owned().await else {
                        return;
                    };
                    if let Some(node) = weak.upgrade() {
                        answer(node, stream).await;
                    }
                });
            }
        }
    });
}

/// Begins to keep what is shared fresh.
pub(in crate::peer) fn follow(node: &Node) {
    node.spawn(content::follow(Arc::clone(node.shares()), clock::now));
}

async fn answer_share(node: Node, stream: Stream) {
    let (shares, governor) = (Arc::clone(node.shares()), Arc::clone(node.governor()));
    drop(node);
    let serving = Arc::new(governor.served.begin(stream.peer()));
    let session = session(&stream, &serving);
    let (reader, writer) = limits::outgoing(governor, stream, serving);
    match content::serve(shares, reader, writer, session).await {
        Ok(()) => {}
        Err(error) => debug!(%error, "a stream of a share ended"),
    }
}

async fn answer_swarm(node: Node, stream: Stream) {
    let (giving, governor) = (Arc::clone(node.giving()), Arc::clone(node.governor()));
    drop(node);
    let serving = Arc::new(governor.served.begin(stream.peer()));
    let (session, device) = (session(&stream, &serving), stream.connection().remote());
    let (reader, writer) = limits::outgoing(governor, stream, serving);
    match giving.answer(reader, writer, session, device).await {
        Ok(bytes) => debug!(bytes, "a stream of a swarm was served"),
        Err(error) => debug!(%error, "a stream of a swarm ended"),
    }
}

async fn answer_preview(node: Node, stream: Stream) {
    let (previews, governor) = (Arc::clone(node.previews()), Arc::clone(node.governor()));
    drop(node);
    let serving = Arc::new(governor.served.begin(stream.peer()));
    let session = session(&stream, &serving);
    let (reader, writer) = limits::outgoing(governor, stream, serving);
    match small::give(previews, reader, writer, session).await {
        Ok(()) => {}
        Err(error) => debug!(%error, "a stream of previews ended"),
    }
}

/// Whose stream it is.
fn session(stream: &Stream, serving: &Arc<Serving>) -> Session {
    let asks = Arc::clone(serving);
    Session {
        asker: Asker {
            peer: stream.peer(),
            relation: match stream.level() {
                Level::Contact => Relation::Contact,
                Level::Guest => Relation::Pending,
                Level::Stranger => Relation::Stranger,
            },
        },
        exporter: *stream.exporter(),
        now: clock::now,
        asks: Arc::new(move |share| asks.asks(share)),
    }
}
