//! Who was added by their invite, and whether they have yet to confirm this node.

use std::time::Duration;

use kith_core::identity::Contact;
use kith_core::ids::PeerId;
use tokio::sync::broadcast::error::RecvError;

use super::event::Event;
use super::node::Node;
use crate::error::Error;

/// How long somebody with whom a session stands may take to show that this node is a contact there: they do so right after the session stands, within
/// a round trip or two of the slowest way.
const SHOWN_WITHIN: Duration = Duration::from_secs(1);

/// Who was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// Who they are here.
    pub contact: Contact,
    /// Whether they have yet to confirm this node before it is among their contacts, as far as is known: the invite is for many, and they have not shown
    /// that they have.
    pub to_be_confirmed: bool,
}

/// Tells whether somebody has yet to confirm this node, once they had its invite; `contact` is as they were when that was accepted.
pub(super) async fn added(
    node: &Node,
    contact: Contact,
    is_for_many: bool,
) -> Result<Added, Error> {
    // Who did not know of this node has not confirmed it.
    let within = match contact.mutual {
        true => SHOWN_WITHIN,
        false => Duration::ZERO,
    };
    let to_be_confirmed = is_for_many && !is_confirmed(node, contact.peer, within).await?;
    Ok(Added {
        contact,
        to_be_confirmed,
    })
}

impl Node {
    /// Whether a contact has shown that this node is a contact there, and not one that waits to be confirmed. Where a session with them
    /// stands and nothing is known, they may take a second to.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn is_confirmed_by(&self, peer: PeerId) -> Result<bool, Error> {
        is_confirmed(self, peer, SHOWN_WITHIN).await
    }
}

/// Whether somebody has shown that this node is a contact there. Where a session with them stands and nothing is known, they may do so for so long.
async fn is_confirmed(node: &Node, peer: PeerId, within: Duration) -> Result<bool, Error> {
    let mut events = node.events();
    let known = node.look(move |machine, _| {
        (
            machine.is_confirmed_by(peer),
            machine.regard(peer).is_some(),
        )
    });
    let (is_shown, is_denied) = known.await?;
    let stands = || node.sessions().iter().any(|it| it.peer == Some(peer));
    if is_shown || is_denied || !stands() {
        return Ok(is_shown);
    }
    let shown = async {
        loop {
            match events.recv().await {
                Ok(Event::ConfirmedBy { peer: by }) if by == peer => return true,
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return false,
            }
        }
    };
    Ok(tokio::time::timeout(within, shown).await.unwrap_or(false))
}
