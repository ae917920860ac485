//! Whom a transfer asks first what there is: whoever is reached first of all who may have it.

use std::time::Duration;

use kith_core::ids::{PeerId, ShareId};
use kith_core::routing::Target;

use crate::content::Provider;
use crate::error::Error;
use crate::peer::contents::copies::Acquaintance;
use crate::peer::contents::reach::Reach;
use crate::peer::node::Node;

/// A provider that may be asked first.
pub(super) struct First {
    /// It, at the places where it may be, the best first.
    pub(super) provider: Provider,
    /// The first of them.
    pub(super) target: Target,
    pub(super) reach: Reach,
    /// Whether it is the owner.
    is_owner: bool,
}

impl First {
    /// The owner; `None` where they are nowhere.
    pub(super) fn owner(owner: &Provider, reach: &Reach) -> Option<Self> {
        Self::of(owner, reach.clone(), true)
    }

    /// Somebody else who has it, which its owner, called `name` here, let them have; looked for so long at each place.
    pub(super) fn other(
        node: &Node,
        provider: &Provider,
        name: &str,
        wait: Duration,
    ) -> Option<Self> {
        let target = provider.targets.first()?;
        let reach = Reach::provider(node, name, *target).patient(wait);
        Self::of(provider, reach, false)
    }

    fn of(provider: &Provider, reach: Reach, is_owner: bool) -> Option<Self> {
        Some(Self {
            target: *provider.targets.first()?,
            provider: provider.clone(),
            reach,
            is_owner,
        })
    }

    /// At how many places they may be.
    pub(super) fn places(&self) -> usize {
        self.provider.targets.len()
    }

    /// The same at one of these places alone; `None` where there is no such.
    pub(super) fn at(&self, place: usize) -> Option<Self> {
        let target = *self.provider.targets.get(place)?;
        let reach = match self.is_owner {
            true => self.reach.clone(),
            false => self.reach.clone().at(target),
        };
        Some(Self {
            provider: Provider {
                targets: vec![target],
                ..self.provider.clone()
            },
            target,
            reach,
            is_owner: self.is_owner,
        })
    }

    /// Waits until they are reached, or not to be. As many are looked for side by side as there are, within what all transfers have together: one after
    /// the other each who is away would cost as long as all of them do together. The owner's turn is always.
    pub(super) async fn found(self) -> Result<(), Error> {
        match self.is_owner {
            true => self.reach.found(self.target).await,
            false => self.reach.found_in_turn(self.target).await,
        }
    }

    pub(super) fn acquaintance(&self, share: ShareId, owner: PeerId) -> Acquaintance {
        Acquaintance {
            reach: self.reach.clone(),
            target: self.target,
            share,
            owner,
            credential: self.provider.credential.clone(),
        }
    }
}
