//! Who may open streams in a protocol.

use std::collections::BTreeSet;

use super::level::Level;
use crate::ids::PeerId;

/// Who may open streams in a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone at all.
    Anyone,
    /// Whoever has proven something: contacts, pending ones and holders of a link too.
    Guests,
    /// Confirmed contacts.
    Contacts,
    /// These confirmed contacts.
    Named(BTreeSet<PeerId>),
}

impl Access {
    /// Whether `peer`, trusted so far, may.
    pub fn allows(&self, peer: Option<PeerId>, level: Level) -> bool {
        match self {
            Self::Anyone => true,
            Self::Guests => level >= Level::Guest,
            Self::Contacts => level == Level::Contact,
            Self::Named(names) => {
                level == Level::Contact && peer.is_some_and(|peer| names.contains(&peer))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pending_contact_is_in_no_audience_of_contacts() {
        let peer = PeerId([1; 32]);
        let named = Access::Named([peer].into());
        assert!(Access::Guests.allows(Some(peer), Level::Guest));
        assert!(!Access::Contacts.allows(Some(peer), Level::Guest));
        assert!(!named.allows(Some(peer), Level::Guest));
        assert!(named.allows(Some(peer), Level::Contact));
        assert!(!named.allows(Some(PeerId([2; 32])), Level::Contact));
        assert!(!Access::Guests.allows(None, Level::Stranger));
    }
}
