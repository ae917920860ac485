//! What every handler has at hand.

use std::sync::Arc;
use std::time::Instant;

use kith::Node;

use super::streams::Streams;
use crate::start::Purpose;

/// A node and what belongs to its API. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Door(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    node: Node,
    purpose: Purpose,
    streams: Streams,
    since: Instant,
}

impl Door {
    pub(super) fn new(node: Node, purpose: Purpose) -> Self {
        Self(Arc::new(Inner {
            node,
            purpose,
            streams: Streams::default(),
            since: Instant::now(),
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

    /// The streams that calls have become, or may become.
    pub(super) fn streams(&self) -> &Streams {
        &self.0.streams
    }

    /// For how long the node has run, in seconds.
    pub(super) fn seconds(&self) -> u64 {
        self.0.since.elapsed().as_secs()
    }
}
