//! The provider's side: whoever may open streams of `/kith/share/1` is answered, each request judged by itself.
//!
//! Holders of a link are strangers, so everybody may; what is there for whom is decided in [`kith_core::content::may`].

use std::sync::Arc;

use kith_core::content::{Asker, Relation};
use kith_core::routing::{Access, Level};
use tokio::sync::Semaphore;
use tracing::{debug, warn};

use super::limits;
use super::limits::governor::Governor;
use super::{keeping, reach};
use crate::clock;
use crate::content::{self, Session, Shares};
use crate::peer::node::Node;
use crate::peer::stream::Stream;

/// Streams of strangers that are served at once, in all: with the few MiB that each may hold in answers, 256 MiB at most.
const STRANGERS_MAX: usize = 64;

/// Streams of contacts and guests that are served at once: sixty transfers side by side.
const KNOWN_MAX: usize = 256;

/// Begins to serve, and to keep up with what is served for others.
pub(in crate::peer) fn serve(node: &Node) {
    let mut acceptor =
        match node.accept_unlisted(reach::protocol(), Access::Anyone, Access::Contacts) {
            Ok(acceptor) => acceptor,
            Err(error) => return warn!(%error, "serving no shares"),
        };
    keeping::keep(node);
    let shares = Arc::clone(node.shares());
    let strangers = Arc::new(Semaphore::new(STRANGERS_MAX));
    let known = Arc::new(Semaphore::new(KNOWN_MAX));
    let tasks = node.downgrade();
    node.spawn(async move {
        while let Some(stream) = acceptor.next().await {
            let places = match stream.level() {
                Level::Stranger => &strangers,
                Level::Guest | Level::Contact => &known,
            };
            let (shares, places) = (Arc::clone(&shares), Arc::clone(places));
            if let Some(node) = tasks.upgrade() {
                let governor = Arc::clone(node.governor());
                node.spawn(async move {
                    // Whoever comes when all places are taken waits; nothing was read of the stream so far.
                    if let Ok(_place) = places.acquire_owned().await {
                        answer(shares, governor, stream).await;
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

async fn answer(shares: Arc<Shares>, governor: Arc<Governor>, stream: Stream) {
    let serving = Arc::new(governor.served.begin(stream.peer()));
    let asks = Arc::clone(&serving);
    let session = Session {
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
    };
    let (reader, writer) = limits::outgoing(governor, stream, serving);
    match content::serve(shares, reader, writer, session).await {
        Ok(bytes) => debug!(bytes, "a stream of a share was served"),
        Err(error) => debug!(%error, "a stream of a share ended"),
    }
}
