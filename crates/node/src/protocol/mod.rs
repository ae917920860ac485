//! The protocols every node speaks, beside those its applications add.
//!
//! - [`ping`]: is anybody there, and how far away.
//! - [`service`]: what listens on a local port, reached by peer.

pub mod ping;
pub mod service;

use crate::peer::Node;

/// Begins to serve them.
pub(crate) fn serve(node: &Node) {
    ping::serve(node);
    service::restore(node);
}
