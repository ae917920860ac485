//! What a node's owner may change of it while it runs.

use super::state::Peer;
use crate::crypto::Scheme;
use crate::ids::DeviceKey;
use crate::time::Time;

impl<S: Scheme> Peer<S> {
    /// What the node's owner would like to be called by others; empty for nothing.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// The owner would like to be called otherwise by those they meet from now on.
    pub fn handle_name(&mut self, now: Time, name: String) {
        self.now = now;
        self.config.name = name;
    }

    /// Whether whoever knows the PeerId may look up the public face.
    pub fn is_findable(&self) -> bool {
        self.config.findable
    }

    /// Whoever knows the PeerId may look up the public face from now on, or may no more. What introducers were told before lives on
    /// for its three hours at most.
    pub fn handle_findable(&mut self, now: Time, findable: bool) {
        self.now = now;
        self.config.findable = findable;
        self.list_self(now);
    }

    /// Whether an introducer answered when it was asked last, as far as it was.
    pub fn introducer_answers(&self, introducer: &DeviceKey) -> bool {
        !self.finding.away.contains(introducer)
    }
}
