//! Whom a transfer asks first what there is: whoever is reached first of all who may have it.

use std::time::Duration;

use kith_core::ids::{PeerId, ShareId};
use kith_core::routing::Target;

use crate::content::Provider;
use crate::error::Error;
use crate::peer::contents::copies::Acquaintance;
use crate::peer::contents::reach::Reach;
use crate::peer::node::Node;

/// A provider that may be asked first, at one of the places where it may be.
pub(super) struct First {
    /// It, at this one place.
    pub(super) provider: Provider,
    pub(super) target: Target,
    pub(super) reach: Reach,
    /// Whether it is the owner.
    pub(super) is_owner: bool,
    /// The other places, the best first.
    others: Vec<Target>,
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
        let (target, others) = provider.targets.split_first()?;
        Some(Self {
            provider: Provider {
                targets: vec![*target],
                ..provider.clone()
            },
            target: *target,
            reach,
            is_owner,
            others: others.to_vec(),
        })
    }

    /// The same at the next place; `None` when there is no other. One is tried after the other: somebody's two faces are not to be seen to be dialled at once.
    pub(super) fn next(self) -> Option<Self> {
        let provider = Provider {
            targets: self.others,
            ..self.provider
        };
        let target = provider.targets.first()?;
        let reach = match self.is_owner {
            true => self.reach,
            false => self.reach.at(*target),
        };
        Self::of(&provider, reach, self.is_owner)
    }

    /// Waits until they are reached, or not to be. As many are looked for side by side as there are, within what all transfers have together: one after
    /// the other each who is away would cost as long as all of them do together. The owner's turn is always.
    pub(super) async fn found(self) -> (Self, Result<(), Error>) {
        let found = match self.is_owner {
            true => self.reach.found(self.target).await,
            false => self.reach.found_in_turn(self.target).await,
        };
        (self, found)
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
