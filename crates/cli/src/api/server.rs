//! The API's server: one socket, and perhaps a door on TCP, for as long as the node runs.

use std::sync::Arc;
use std::time::Duration;

use kith::Node;
use kith::home::Home;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::door::Door;
use super::router;
use crate::failure::Failure;
use crate::socket;
use crate::start::Purpose;
use crate::web::Listening;

/// How long calls that are under way may take to end when the node stops.
const CALLS_END_WITHIN: Duration = Duration::from_secs(1);

/// A node with its API.
#[derive(Debug)]
pub(crate) struct Server {
    node: Node,
    home: Home,
    door: Door,
    stop: CancellationToken,
    /// What serves the socket, and the door on TCP where there is one.
    serving: Vec<JoinHandle<()>>,
}

impl Server {
    /// Opens the door to `node`: on its socket, and on TCP where `listening` is given.
    ///
    /// # Errors
    /// When the socket cannot be made; the node is shut down then.
    pub(crate) async fn start(
        node: Node,
        purpose: Purpose,
        listening: Option<Listening>,
    ) -> Result<Self, Failure> {
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
        let web = listening
            .as_ref()
            .map(|listening| Arc::clone(listening.web()));
        let door = Door::new(node.clone(), purpose, web);
        let router = router::on_socket(door.clone());
        let on_tcp = door.clone();
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let mut serving = vec![tokio::spawn(async move {
            let served = axum::serve(listener, router)
                .with_graceful_shutdown(stopped)
                .await;
            if let Err(error) = served {
                tracing::error!(%error, "the local API ended");
            }
        })];
        serving.extend(
            listening.map(|listening| listening.open(router::on_tcp(on_tcp), stop.clone())),
        );
        Ok(Self {
            node,
            home,
            door,
            stop,
            serving,
        })
    }

    /// The node.
    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    /// The path of the socket.
    pub(crate) fn socket(&self) -> String {
        let socket = std::path::absolute(self.home.socket()).unwrap_or_else(|_| self.home.socket());
        socket.display().to_string()
    }

    /// Waits until no command shares the node any more.
    pub(crate) async fn wait_for_guests(&self) {
        self.door.wait_for_guests().await;
    }

    /// Closes the door, then shuts the node down.
    pub(crate) async fn stop(self) {
        // Before the lock is given back, so that it cannot be the next one's.
        let _ = std::fs::remove_file(self.home.socket());
        self.stop.cancel();
        let deadline = Instant::now() + CALLS_END_WITHIN;
        for serving in self.serving {
            let aborting = serving.abort_handle();
            if tokio::time::timeout_at(deadline, serving).await.is_err() {
                aborting.abort();
            }
        }
        self.node.shutdown().await;
    }
}
