//! The API's server: one socket, for as long as the node runs.

use std::time::Duration;

use kith::Node;
use kith::home::Home;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::door::Door;
use super::router::router;
use crate::failure::Failure;
use crate::socket;
use crate::start::Purpose;

/// How long calls that are under way may take to end when the node stops.
const CALLS_END_WITHIN: Duration = Duration::from_secs(1);

/// A node with its API.
#[derive(Debug)]
pub(crate) struct Server {
    node: Node,
    home: Home,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Server {
    /// Opens the door to `node`.
    ///
    /// # Errors
    /// When the socket cannot be made; the node is shut down then.
    pub(crate) async fn start(node: Node, purpose: Purpose) -> Result<Self, Failure> {
        let home = node.home().clone();
        let listener = match socket::listen(&home) {
            Ok(listener) => listener,
            Err(error) => {
                node.shutdown().await;
                let socket = home.socket();
                let reason = format!("cannot listen on {}: {error}", socket.display());
                return Err(Failure::failed(reason));
            }
        };
        let router = router(Door::new(node.clone(), purpose));
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let serving = tokio::spawn(async move {
            let served = axum::serve(listener, router)
                .with_graceful_shutdown(stopped)
                .await;
            if let Err(error) = served {
                tracing::error!(%error, "the local API ended");
            }
        });
        Ok(Self {
            node,
            home,
            stop,
            serving,
        })
    }

    /// The node.
    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    /// Where the door is.
    pub(crate) fn url(&self) -> String {
        let socket = std::path::absolute(self.home.socket()).unwrap_or_else(|_| self.home.socket());
        format!("unix:{}", socket.display())
    }

    /// Closes the door, then shuts the node down.
    pub(crate) async fn stop(self) {
        // Before the lock is given back, so that it cannot be the next one's.
        let _ = std::fs::remove_file(self.home.socket());
        self.stop.cancel();
        let aborting = self.serving.abort_handle();
        if tokio::time::timeout(CALLS_END_WITHIN, self.serving)
            .await
            .is_err()
        {
            aborting.abort();
        }
        self.node.shutdown().await;
    }
}
