//! The protocols every node speaks, beside those its applications add.
//!
//! - [`ping`]: is anybody there, and how far away.

pub mod ping;

use crate::peer::Node;

/// Begins to serve them.
pub(crate) fn serve(node: &Node) {
    ping::serve(node);
}
