//! Whom a command goes to: a contact by petname, or anybody by PeerId, who is reached if they want to be found.

use kith::Error;
use kith::core::ids::PeerId;

use super::door::Door;
use crate::failure::Failure;

/// Somebody to reach.
pub(super) struct Named {
    /// Who.
    pub(super) peer: PeerId,
    /// What they are called here: the petname, or the PeerId of one who is no contact.
    pub(super) name: String,
}

impl Named {
    /// Whom `text` names.
    ///
    /// # Errors
    /// When it is neither a contact nor a PeerId.
    pub(super) async fn find(door: &Door, text: &str) -> Result<Self, Failure> {
        match (door.node().find(text).await, text.parse()) {
            (Ok(contact), _) => Ok(Self {
                peer: contact.peer,
                name: contact.petname.to_string(),
            }),
            (Err(error), Ok(peer)) if error.kind() == kith::ErrorKind::NotFound => Ok(Self {
                peer,
                name: text.to_owned(),
            }),
            (Err(error), _) => Err(error.into()),
        }
    }

    /// A failure of something done with them.
    pub(super) fn failure(&self, error: Error) -> Failure {
        Failure::about(self.peer, &self.name, error)
    }
}

/// What a peer is called here; its id where it is no contact.
pub(super) async fn name_of(door: &Door, peer_id: &str) -> String {
    let contact = door.node().find(peer_id).await;
    contact.map_or_else(
        |_| peer_id.to_owned(),
        |contact| contact.petname.to_string(),
    )
}

/// What a peer who may not have said who it is is called here, and its id.
pub(super) async fn names_of(
    door: &Door,
    peer: Option<PeerId>,
) -> (Option<String>, Option<String>) {
    match peer.map(|peer| peer.to_string()) {
        Some(peer_id) => (Some(name_of(door, &peer_id).await), Some(peer_id)),
        None => (None, None),
    }
}
