//! With whom something is shared, as its owner says it: one of four audiences, and for one of them the names.

use std::collections::BTreeSet;
use std::fmt;

use kith_core::data::head::Audience;
use kith_core::data::link::LinkSecret;
use kith_core::ids::{PeerId, ShareId};
use kith_core::random::Random;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Which of the four audiences; written in small letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AudienceKind {
    /// All confirmed contacts.
    #[default]
    Contacts,
    /// Some of them.
    Named,
    /// Whoever is given the link.
    Link,
    /// Everybody.
    Public,
}

/// With whom to share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipients {
    /// All confirmed contacts.
    Contacts,
    /// These of them.
    Named(Vec<PeerId>),
    /// Whoever is given the link.
    Link,
    /// Everybody.
    Public,
}

/// Why an audience and names do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecipientsError {
    /// Nobody is named.
    #[error("name at least one contact who may have it")]
    Nobody,
    /// Somebody is named for an audience that is not made of names.
    #[error("contacts are named for the audience 'named' alone, and this is for '{0}'")]
    Names(AudienceKind),
}

impl AudienceKind {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contacts => "contacts",
            Self::Named => "named",
            Self::Link => "link",
            Self::Public => "public",
        }
    }
}

impl From<&Audience> for AudienceKind {
    fn from(audience: &Audience) -> Self {
        match audience {
            Audience::Contacts => Self::Contacts,
            Audience::Named => Self::Named,
            Audience::Link { .. } => Self::Link,
            Audience::Public => Self::Public,
        }
    }
}

impl fmt::Display for AudienceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Recipients {
    /// This audience, with these names.
    ///
    /// # Errors
    /// [`RecipientsError`].
    pub fn new(audience: AudienceKind, named: Vec<PeerId>) -> Result<Self, RecipientsError> {
        match (audience, named.is_empty()) {
            (AudienceKind::Named, true) => Err(RecipientsError::Nobody),
            (AudienceKind::Named, false) => Ok(Self::Named(named)),
            (other, false) => Err(RecipientsError::Names(other)),
            (AudienceKind::Contacts, true) => Ok(Self::Contacts),
            (AudienceKind::Link, true) => Ok(Self::Link),
            (AudienceKind::Public, true) => Ok(Self::Public),
        }
    }

    /// What a head says, with those who are named for its share.
    pub(super) fn of(audience: &Audience, named: &[PeerId]) -> Self {
        match audience {
            Audience::Contacts => Self::Contacts,
            Audience::Named => Self::Named(named.to_vec()),
            Audience::Link { .. } => Self::Link,
            Audience::Public => Self::Public,
        }
    }

    /// What the head of a share says of them, and the secret of a new link where there is one.
    pub(super) fn audience(
        &self,
        share: &ShareId,
        random: &mut Random,
    ) -> (Audience, Option<LinkSecret>) {
        match self {
            Self::Contacts => (Audience::Contacts, None),
            Self::Named(_) => (Audience::Named, None),
            Self::Public => (Audience::Public, None),
            Self::Link => {
                let link = LinkSecret(random.bytes());
                let key = link.public(share);
                (Audience::Link { key }, Some(link))
            }
        }
    }

    /// Those who are named.
    pub fn named(&self) -> &[PeerId] {
        match self {
            Self::Named(named) => named,
            Self::Contacts | Self::Link | Self::Public => &[],
        }
    }

    /// Whether they are the same people, in whatever order they are named.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Named(one), Self::Named(other)) => set(one) == set(other),
            (one, other) => one == other,
        }
    }

    /// Whether what somebody holds who may have it now opens it for these people, too: then nothing has to be taken back from anybody. Between links,
    /// everybody and contacts it is never so, since each is opened by something else.
    pub(super) fn include(&self, now: &Self) -> bool {
        match (now, self) {
            (Self::Named(now), Self::Named(then)) => set(now).is_subset(&set(then)),
            (Self::Named(_), Self::Contacts) => true,
            (now, then) => now == then,
        }
    }

    /// Whether `peer`, a confirmed contact, may be among them.
    pub(crate) fn may_include(&self, peer: &PeerId) -> bool {
        match self {
            Self::Named(named) => named.contains(peer),
            Self::Contacts | Self::Link | Self::Public => true,
        }
    }
}

fn set(peers: &[PeerId]) -> BTreeSet<&PeerId> {
    peers.iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: PeerId = PeerId([1; 32]);
    const BEN: PeerId = PeerId([2; 32]);

    #[test]
    fn names_go_with_the_audience_that_is_made_of_them_and_with_no_other() {
        let named = Recipients::new(AudienceKind::Named, vec![ANN]);
        assert_eq!(named, Ok(Recipients::Named(vec![ANN])));
        let nobody = Recipients::new(AudienceKind::Named, Vec::new());
        assert_eq!(nobody, Err(RecipientsError::Nobody));
        for (kind, expected) in [
            (AudienceKind::Contacts, Recipients::Contacts),
            (AudienceKind::Link, Recipients::Link),
            (AudienceKind::Public, Recipients::Public),
        ] {
            let both = Recipients::new(kind, vec![ANN]);
            assert_eq!(both, Err(RecipientsError::Names(kind)));
            assert_eq!(Recipients::new(kind, Vec::new()), Ok(expected));
        }
    }

    #[test]
    fn an_audience_is_read_as_it_is_written() {
        #[derive(Deserialize)]
        struct Said {
            audience: AudienceKind,
        }
        for kind in [
            AudienceKind::Contacts,
            AudienceKind::Named,
            AudienceKind::Link,
            AudienceKind::Public,
        ] {
            let said: Said = toml::from_str(&format!("audience = '{kind}'")).expect("a kind");
            assert_eq!(said.audience, kind);
        }
        assert!(toml::from_str::<Said>("audience = 'friends'").is_err());
    }

    #[test]
    fn only_what_is_opened_in_the_same_way_goes_on_for_everybody() {
        let (one, both) = (
            Recipients::Named(vec![ANN]),
            Recipients::Named(vec![BEN, ANN]),
        );
        assert!(both.include(&one) && !one.include(&both) && one.include(&one));
        assert!(Recipients::Contacts.include(&both) && !both.include(&Recipients::Contacts));
        for wide in [Recipients::Link, Recipients::Public] {
            assert!(!wide.include(&both) && !both.include(&wide) && wide.include(&wide));
        }
        assert!(both.is_same(&Recipients::Named(vec![ANN, BEN, ANN])));
    }
}
