//! The offers a node keeps, and that they are being served.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ending::Ending;
use super::kept::ServiceOffer;
use super::name::{ServiceName, Transport};
use crate::peer::Node;

/// A table of what is offered for good. Whoever changes it holds the lock until the change is on disk and in effect, so
/// that two changes of one service do not cross.
#[derive(Debug, Default)]
pub(super) struct Services(pub(super) tokio::sync::Mutex<Kept>);

impl Services {
    /// The node's.
    pub(super) fn of(node: &Node) -> Arc<Self> {
        node.extension()
    }
}

/// What is kept, by service.
pub(super) type Kept = BTreeMap<(ServiceName, Transport), KeptService>;

/// One offer that is kept.
#[derive(Debug)]
pub(super) struct KeptService {
    pub(super) offer: ServiceOffer,
    /// What serves it; `None` while somebody else in the process accepts its protocol.
    pub(super) serving: Option<Ending>,
}
