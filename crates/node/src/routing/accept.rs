//! Takes connections in: handshakes side by side, but a bounded number of them.
//!
//! A handshake costs us a signature and some 100 KiB while it costs a forged packet nothing. So past a threshold whoever
//! comes has to show first that it receives at the address it sends from (Retry, RFC 9000 §8.1.2), and past the bound it
//! is refused.
//!
//! There is no 0-RTT: nothing of a connection is looked at before its handshake is done, so nothing can be replayed.

use std::sync::Arc;
use std::time::Duration;

use iroh::Endpoint;
use iroh::endpoint::Incoming;
use kith_core::routing::config::HALF_OPEN_MAX;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::task::AbortOnDropHandle;
use tracing::{debug, trace};

use super::connection::Connection;

/// Handshakes under way beyond which an address has to be proven first. A quarter of the bound, so that a flood of forged
/// addresses meets the retry long before it meets the bound, and ordinary days never do.
pub const HALF_OPEN_UNPROVEN_MAX: usize = HALF_OPEN_MAX / 4;

/// How long a handshake may take: three round trips of the slowest link (a satellite's, 0.7 s) with a loss in each.
pub const HANDSHAKE_WAIT_MAX: Duration = Duration::from_secs(5);

/// Finished handshakes that wait to be taken over; the taker does nothing but register them.
const READY_MAX: usize = 64;

/// The accepting side of an endpoint.
#[derive(Debug)]
pub(super) struct Acceptor {
    ready: Mutex<mpsc::Receiver<Connection>>,
    _task: AbortOnDropHandle<()>,
}

impl Acceptor {
    /// Starts to accept.
    pub(super) fn start(endpoint: Endpoint) -> Self {
        let (sender, ready) = mpsc::channel(READY_MAX);
        let task = tokio::spawn(accept_all(endpoint, sender));
        Self {
            ready: Mutex::new(ready),
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// The next connection; `None` once the endpoint is closed.
    pub(super) async fn next(&self) -> Option<Connection> {
        self.ready.lock().await.recv().await
    }
}

async fn accept_all(endpoint: Endpoint, ready: mpsc::Sender<Connection>) {
    let places = Arc::new(Semaphore::new(HALF_OPEN_MAX));
    while let Some(incoming) = endpoint.accept().await {
        let Ok(place) = places.clone().try_acquire_owned() else {
            debug!("refusing a handshake: {HALF_OPEN_MAX} are under way");
            incoming.refuse();
            continue;
        };
        let under_way = HALF_OPEN_MAX - places.available_permits();
        if under_way > HALF_OPEN_UNPROVEN_MAX && !incoming.remote_addr_validated() {
            trace!("asking for a proof of address");
            // Fails only for an address that is proven already.
            let _ = incoming.retry();
            continue;
        }
        tokio::spawn(finish(incoming, endpoint.clone(), place, ready.clone()));
    }
}

/// Sees one handshake through and hands the connection over. The place is kept until it is taken, so that a taker who
/// falls behind holds new handshakes back instead of collecting connections.
async fn finish(
    incoming: Incoming,
    endpoint: Endpoint,
    place: OwnedSemaphorePermit,
    ready: mpsc::Sender<Connection>,
) {
    let handshake = match incoming.accept() {
        Ok(handshake) => handshake,
        Err(error) => return debug!("a handshake did not begin: {error:#}"),
    };
    match tokio::time::timeout(HANDSHAKE_WAIT_MAX, handshake).await {
        Ok(Ok(connection)) => {
            if let Some(connection) = Connection::new(connection, &endpoint) {
                // Fails only when the endpoint is gone.
                let _ = ready.send(connection).await;
            }
        }
        Ok(Err(error)) => debug!("a handshake failed: {error:#}"),
        Err(_) => debug!("a handshake took more than {HANDSHAKE_WAIT_MAX:?}"),
    }
    drop(place);
}
