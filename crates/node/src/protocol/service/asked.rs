//! Asking a peer whether they offer a service, before anything connects to it.
//!
//! What a peer speaks with us is told at the start of each session and whenever it changes, so it is known once a ping has come back. Nothing
//! is connected to then: what listens behind an offer may take one connection and no more. What is not among it is asked for itself, since
//! word of an offer that was just made may be on its way.

use kith_core::ids::PeerId;

use super::name::{ServiceName, Transport};
use crate::error::Error;
use crate::peer::Node;

impl Node {
    /// Asks a contact whether they offer this service to us; takes as long as it takes to reach them.
    ///
    /// # Errors
    /// [`Error::Refused`] where they do not; whatever [`Node::open`] says where they cannot be asked, and [`Error::UnknownContact`].
    pub async fn ask_service(
        &self,
        peer: PeerId,
        name: &ServiceName,
        transport: Transport,
    ) -> Result<(), Error> {
        match self.pinger(peer).ping().await {
            // Whoever refuses was reached.
            Ok(_) | Err(Error::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
        let protocol = name.protocol(transport);
        if self.find(&peer.to_string()).await?.speaks(&protocol) {
            return Ok(());
        }
        self.open_agreed(peer, &[protocol]).await.map(drop)
    }
}
