//! What every handler has at hand.

use std::sync::Arc;
use std::time::Instant;

use kith::{ErrorKind, Node};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::streams::Streams;
use crate::failure::Failure;
use crate::start::Purpose;
use crate::web::Web;

/// A node and what belongs to its API. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Door(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    node: Node,
    purpose: Purpose,
    streams: Streams,
    guests: TaskTracker,
    web: Option<Arc<Web>>,
    since: Instant,
    /// Counts the times that what the owner wants was changed.
    settings: watch::Sender<u64>,
}

impl Door {
    pub(super) fn new(node: Node, purpose: Purpose, web: Option<Arc<Web>>) -> Self {
        Self(Arc::new(Inner {
            node,
            purpose,
            streams: Streams::default(),
            guests: TaskTracker::new(),
            web,
            since: Instant::now(),
            settings: watch::Sender::new(0),
        }))
    }

    /// The node behind it.
    pub(super) fn node(&self) -> &Node {
        &self.0.node
    }

    /// Whether the node stays when the present command is over.
    pub(super) fn is_daemon(&self) -> bool {
        self.0.purpose == Purpose::Daemon
    }

    /// Lets a command share the node, which stays until what this gives is dropped; `None` where it does not do, or is about to end.
    pub(super) fn admit(&self, purpose: Purpose) -> Option<TaskTrackerToken> {
        // Counted before the look, so that whoever is let in is waited for.
        let guest = self.0.guests.token();
        let is_open = !self.0.guests.is_closed();
        (is_open && self.0.purpose.serves(purpose)).then_some(guest)
    }

    /// Lets nobody in from now on, and waits until those who were are done.
    pub(super) async fn wait_for_guests(&self) {
        self.0.guests.close();
        self.0.guests.wait().await;
    }

    /// The streams that calls have become, or may become.
    pub(super) fn streams(&self) -> &Streams {
        &self.0.streams
    }

    /// The door on TCP.
    ///
    /// # Errors
    /// Where there is none.
    pub(super) fn web(&self) -> Result<&Web, Failure> {
        self.0.web.as_deref().ok_or_else(|| {
            Failure::new(
                ErrorKind::NotFound,
                "nothing of this node is open to browsers: 'kith up' opens a door to them, unless it is told --no-web",
            )
        })
    }

    /// Follows when what the owner wants is changed by a call.
    pub(super) fn settings(&self) -> watch::Receiver<u64> {
        self.0.settings.subscribe()
    }

    /// A call has changed what the owner wants: whoever shows it reads it anew.
    pub(super) fn settings_changed(&self) {
        self.0.settings.send_modify(|count| *count += 1);
    }

    /// For how long the node has run, in seconds.
    pub(super) fn seconds(&self) -> u64 {
        self.0.since.elapsed().as_secs()
    }
}
