//! Somebody who may have a share.

use kith_core::routing::Target;

use crate::content::credential::Credential;

/// Somebody who may provide a share.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Where streams to it are opened: the ways to one node, the best first.
    pub targets: Vec<Target>,
    /// What lets us in there.
    pub credential: Credential,
}
